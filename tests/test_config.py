"""The configuration: every mistake is refused with the path of its key and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from multimodal.config import RunConfig, load_config
from multimodal.errors import ConfigError

MINIMAL = """\
name: shop
output: out/shop
tree: {path: tree.csv}
data:
  train: [{path: train.parquet}, {path: more.csv}]
  val: [{path: val.parquet}]
"""


def _load(folder: Path, text: str = MINIMAL, *settings: str) -> RunConfig:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, settings)


def _refused(folder: Path, text: str, *settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, *settings)
    return caught.value.message


def test_minimal_configuration_has_both_towers_and_is_frozen(tmp_path: Path) -> None:
    config = _load(tmp_path)
    assert config.text is not None
    assert config.image is not None
    assert [s.path for s in config.data.train] == ["train.parquet", "more.csv"]
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"


@pytest.mark.parametrize(
    ("extra", "path", "near"),
    [
        ("imag: {epochs: 3}", "imag", "image"),
        ("image: {epoch: 3}", "image.epoch", "epochs"),
        ("text: {ngrams: {dims: 8}}", "text.ngrams.dims", "dim"),
        ("text: {navec: {weight: a}}", "text.navec.weight", "weights"),
        ("text: {sentence: {model: a, fine_tuned: 1}}", "text.sentence.fine_tuned", "fine_tune"),
        ("text: {ngram: {dim: 8}}", "text.ngram", "ngrams"),
        ("image: {augment: {zom: 1}}", "image.augment.zom", "zoom"),
        ("training: {sed: 1}", "training.sed", "seed"),
    ],
)
def test_unknown_key_is_refused_with_its_path_and_the_nearest(
    tmp_path: Path, extra: str, path: str, near: str
) -> None:
    said = _refused(tmp_path, MINIMAL + extra)
    assert f"config.yaml: {path}: unknown key. Did you mean '{near}'" in said
    assert "Known keys: " in said


def test_unknown_key_of_a_source_is_refused_with_its_place(tmp_path: Path) -> None:
    text = MINIMAL.replace("{path: more.csv}", "{path: more.csv, sahre: 0.5}")
    said = _refused(tmp_path, text)
    assert "data.train.1.sahre: unknown key. Did you mean 'share'" in said


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("image: {epochs: 0}", "image.epochs"),
        ("image: {size: [8, 8]}", "image.size.0"),
        ("image: {size: [64]}", "image.size.1"),
        ("text: {lemmas: magic}", "text.lemmas"),
        ("export: {text_storage: int4}", "export.text_storage"),
        ("version: [1]", "version"),
    ],
)
def test_wrong_value_is_refused_with_its_path(tmp_path: Path, extra: str, said: str) -> None:
    message = _refused(tmp_path, MINIMAL + extra)
    assert f"config.yaml: {said}: " in message
    assert "(got " in message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    said = _refused(tmp_path, MINIMAL + "image: {epochs: 0}\ntext: {epoch: 1}\n")
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    "path",
    [
        "data/test.parquet", "my_test_split.csv", "test/photos", "shop-TEST.csv", "test.v2.parquet",
        "mnist/t10k-images-idx3-ubyte.gz",
    ],
)  # fmt: skip
@pytest.mark.parametrize("split", ["train", "val", "photos.train", "photos.val"])
def test_test_split_is_refused_for_training_and_choosing(tmp_path: Path, split: str, path: str) -> None:
    said = _refused(tmp_path, MINIMAL, f"data.{split}=[{{path: {path}}}]")
    assert f"data.{split}.0.path: {path} names a test split" in said
    assert "multimodal evaluate" in said


def test_test_split_is_refused_as_the_other_file_of_a_join(tmp_path: Path) -> None:
    said = _refused(tmp_path, MINIMAL, "data.train=[{path: photos.parquet, join: {path: shop/test.parquet}}]")
    assert "data.train.0.join.path: shop/test.parquet names a test split" in said


@pytest.mark.parametrize(
    ("path", "rename"),
    [
        ("test", "the file or folder 'test'"),
        ("shop/test", "the file or folder 'test'"),
        ("test-00000-of-00001.parquet", "the file or folder 'test-00000-of-00001.parquet'"),
        ("train/catalog_test.csv", "the file or folder 'catalog_test.csv'"),
        ("shop/test_train.csv", "the file or folder 'test_train.csv'"),
        ("Test/part-0.parquet", "its folder 'Test'"),
        ("shop/test/*.parquet", "its folder 'test'"),
        ("test/trainers.csv", "its folder 'test'"),
    ],
)
def test_what_to_rename_is_named(tmp_path: Path, path: str, rename: str) -> None:
    said = _refused(tmp_path, MINIMAL, f"data.train=[{{path: '{path}'}}]")
    assert f"data.train.0.path: {path} names a test split" in said
    assert said.endswith(f"where these are no test rows, rename {rename}.")


@pytest.mark.parametrize(
    "path",
    [
        "/home/me/test/train.parquet", "test/shop-val.csv", "test/validation/rows.csv", "test/train-00000-of-2.parquet",
        "test/2024_train_v2.jsonl", "ab-test/train.parquet", "ab-test/rows.parquet", "my_test_project/rows.csv",
        "test/shop/rows.csv",
    ],
)  # fmt: skip
def test_a_folder_in_whose_name_test_stands_is_no_test_split(tmp_path: Path, path: str) -> None:
    assert _load(tmp_path, MINIMAL, f"data.train.0.path={path}").data.train[0].path == path


@pytest.mark.parametrize("path", ["latest.parquet", "contest/train.csv", "attested.csv"])
def test_other_names_are_no_test_split(tmp_path: Path, path: str) -> None:
    assert _load(tmp_path, MINIMAL, f"data.train.0.path={path}").data.train[0].path == path


def test_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MINIMAL.replace("tree.csv", '"${NO_SHOP:-here}/tree.csv"').replace(
        "train.parquet", '"${SHOP_DATA}/train.parquet"'
    )
    monkeypatch.delenv("NO_SHOP", raising=False)
    monkeypatch.delenv("SHOP_DATA", raising=False)
    said = _refused(tmp_path, text)
    assert "data.train.0.path: the environment variable SHOP_DATA is not set" in said
    assert "${SHOP_DATA:-default}" in said
    monkeypatch.setenv("SHOP_DATA", "/shop")
    config = _load(tmp_path, text)
    assert config.data.train[0].path == "/shop/train.parquet"
    assert config.tree.path == "here/tree.csv"


def test_overrides_replace_single_values(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        MINIMAL,
        "image.epochs=3",
        "image.size=[96, 72]",
        "data.train.1.share=0.25",
        "text.ngrams.dim=8",
        "training.init_from=null",
        "image.augment={strength: 0}",
    )
    assert config.image is not None
    assert config.text is not None
    assert (config.image.epochs, config.image.size, config.image.augment.strength) == (3, (96, 72), 0)
    assert (config.data.train[0].share, config.data.train[1].share) == (1.0, 0.25)
    assert config.text.ngrams is not None
    assert config.text.ngrams.dim == 8


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("image.epochs", "expected key.path=value"),
        ("=3", "expected key.path=value"),
        ("name.first=a", "'name' holds a value, not keys"),
        ("data.train.5.share=1", "got '5', expected a place in a list of 2"),
        ("data.train.first.share=1", "got 'first', expected a place in a list of 2"),
        ("data.train.9=x", "got '9', expected a place"),
        ("image.size=[1", "is not readable as YAML"),
        ("image.epoch=3", "image.epoch: unknown key"),
    ],
)
def test_wrong_override_is_refused(tmp_path: Path, setting: str, said: str) -> None:
    assert said in _refused(tmp_path, MINIMAL, setting)


def test_one_tower_may_be_left_out_but_not_both(tmp_path: Path) -> None:
    assert _load(tmp_path, MINIMAL, "text=null").text is None
    assert _load(tmp_path, MINIMAL, "image=null").image is None
    said = _refused(tmp_path, MINIMAL, "text=null", "image=null")
    assert "expected 'text' or 'image' (or both)" in said


def test_text_encoders_are_any_mix_of_the_three_but_not_none(tmp_path: Path) -> None:
    text = _load(tmp_path).text
    assert text is not None
    assert text.encoders == ("ngrams",)
    both = _load(tmp_path, MINIMAL, "text.sentence={model: some/model}", "text.navec={}").text
    assert both is not None
    assert both.encoders == ("ngrams", "navec", "sentence"), "in one order, whatever the order they are asked for in"
    alone = _load(tmp_path, MINIMAL, "text.navec={}", "text.ngrams=null").text
    assert alone is not None
    assert alone.encoders == ("navec",)
    said = _refused(tmp_path, MINIMAL, "text.ngrams=null")
    assert "config.yaml: text: Value error, expected at least one encoder of ngrams, navec and sentence" in said
    assert "set at most two to null" in said


@pytest.mark.parametrize(
    ("encoder", "path"),
    [
        ("ngrams: {vocabulary: 8}", "text.ngrams.vocabulary"),
        ("navec: {dim: 301}", "text.navec.dim"),
        ("sentence: {}", "text.sentence.model"),
        ("sentence: {model: some/model, longest: 513}", "text.sentence.longest"),
        ("sentence: {model: some/model, rate: 0}", "text.sentence.rate"),
    ],
)
def test_wrong_value_of_an_encoder_is_refused_with_its_path(tmp_path: Path, encoder: str, path: str) -> None:
    assert f"config.yaml: {path}: " in _refused(tmp_path, MINIMAL + f"text: {{{encoder}}}")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{format: drawings}", "takes 'products'"),
        ("{format: drawings, products: 0}", "products"),
        ("{format: drawings, products: 5, path: a.csv}", "no 'path'"),
        ("{format: csv}", "a source needs 'path'"),
        ("{}", "a source needs 'path'"),
        ("{path: a.csv, share: 0}", "share"),
    ],
)
def test_source_rules(tmp_path: Path, source: str, said: str) -> None:
    message = _refused(tmp_path, MINIMAL, f"data.val=[{source}]")
    assert "data.val.0" in message
    assert said in message


def test_drawings_are_a_source(tmp_path: Path) -> None:
    config = _load(tmp_path, MINIMAL, "data.train.1={format: drawings, products: 50, seed: 4}")
    assert (config.data.train[1].products, config.data.train[1].seed) == (50, 4)


DRAWN = MINIMAL.replace("  val: [{path: val.parquet}]\n", "")


def test_validation_rows_are_drawn_from_train_where_none_are_given(tmp_path: Path) -> None:
    assert _load(tmp_path).data.drawn is None
    for settings in ((), ("data.split=null",), ("data.split={}",)):
        how = _load(tmp_path, DRAWN, *settings).data.drawn
        assert how is not None
        assert (how.val, how.seed, how.by) == (0.15, 0, ("title", "photo"))
    asked = _load(tmp_path, DRAWN, "data.split={val: 0.1, seed: 3, by: [id]}").data
    assert asked.drawn == asked.split
    assert asked.split is not None
    assert (asked.split.val, asked.split.seed, asked.split.by) == (0.1, 3, ("id",))


def test_val_and_split_together_are_refused(tmp_path: Path) -> None:
    said = _refused(tmp_path, MINIMAL, "data.split={val: 0.1}")
    assert "config.yaml: data: Value error, got both 'val' and 'split', expected one of them" in said
    assert "leave one out" in said


@pytest.mark.parametrize(
    ("split", "path"),
    [
        ("{val: 0}", "data.split.val"),
        ("{val: 0.6}", "data.split.val"),
        ("{by: []}", "data.split.by"),
        ("{by: [name]}", "data.split.by.0"),
        ("{share: 0.1}", "data.split.share: unknown key"),
        ("0.15", "data.split"),
    ],
)
def test_wrong_split_is_refused_with_its_path(tmp_path: Path, split: str, path: str) -> None:
    assert path in _refused(tmp_path, DRAWN, f"data.split={split}")


def test_val_without_a_source_is_refused(tmp_path: Path) -> None:
    assert "data.val" in _refused(tmp_path, MINIMAL, "data.val=[]")


@pytest.mark.parametrize(
    "tree",
    [
        "{}", "{path: a.csv, from_paths: true}", "{path: a.csv, from_labels: true}",
        "{from_paths: true, from_labels: true}",
    ],
)  # fmt: skip
def test_tree_has_exactly_one_origin(tmp_path: Path, tree: str) -> None:
    assert "tree: Value error, expected exactly one of 'path', 'from_paths: true' and 'from_labels: true'" in _refused(
        tmp_path, MINIMAL, f"tree={tree}"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got NoneType, expected a mapping"),
        ("- a\n- b\n", "got list, expected a mapping"),
        ("name: [", "not readable as YAML"),
        ("name: shop\n", "data: Field required"),
        (MINIMAL.replace("name: shop", "name: My Shop!"), "name: String should match pattern"),
    ],
)
def test_file_that_is_no_configuration(tmp_path: Path, text: str, said: str) -> None:
    assert said in _refused(tmp_path, text)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; expected a YAML configuration"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"not readable .*expected a YAML"):
        load_config(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(ConfigError, match="not readable as YAML"):
        load_config(tmp_path / "bytes.yaml")

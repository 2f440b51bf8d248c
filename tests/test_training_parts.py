"""The parts of training one by one: augmentation, text batches, vocabulary, splits as arrays, weights of classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Tiny
from multimodal.artifact import open_bundle
from multimodal.artifact.engine import Engine
from multimodal.artifact.vocabulary import padded
from multimodal.config import RunConfig
from multimodal.config.models import AugmentConfig, ImageConfig, SourceConfig, TextConfig
from multimodal.data.splits import split_half
from multimodal.errors import DataError
from multimodal.taxonomy import Node, Tree
from multimodal.text import TextKitchen
from multimodal.text.masking import category_words
from multimodal.training.arrays import Split, concat_features
from multimodal.training.augment import Augment
from multimodal.training.batches import (
    Dropout,
    TextBatcher,
    build_vocabulary,
    epoch_batches,
    field_of,
    inverse_document_frequency,
)
from multimodal.training.fit import pick_device, read_history
from multimodal.training.plots import plot_curves
from multimodal.training.prepare import Preparer, text_kitchen
from multimodal.training.run import Run, start_run
from multimodal.training.tree import tree_of
from multimodal.types import Product, TextFeatures
from photos import encoded

WHITE = (255, 255, 255)
STILL = AugmentConfig(
    flip=False, zoom=0, shift=0, rotate_degrees=0, colour=0, resolution=0, background=0, erase=0
)  # fmt: skip
TREE = Tree(
    [Node("1", "Clothes", None), Node("11", "Red shirts", "1"), Node("12", "Skirt", "1"), Node("2", "Bags", None)]
)


# --- augmentation


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (16, 48, 36, 3), dtype=np.uint8))


def _augmented(config: AugmentConfig, pixels: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return Augment(config, WHITE)(pixels)


@pytest.mark.parametrize("strength", [0.1, 1.0, 2.0])
def test_augmented_photos_keep_shape_and_range(pixels: torch.Tensor, strength: float) -> None:
    config = AugmentConfig(strength=strength, resolution=1, background=1, erase=1, colour=1)
    before = pixels.clone()
    for given_pixels in (pixels, pixels.float()):
        out = _augmented(config, given_pixels)
        assert out.shape == pixels.shape
        assert out.dtype == torch.float32
        assert out.isfinite().all()
        assert out.min() >= 0
        assert out.max() <= 255
        assert (given_pixels == before).all(), "the batch itself was changed"
    assert not torch.equal(out, pixels.float())


def test_strength_zero_changes_nothing(pixels: torch.Tensor) -> None:
    assert torch.equal(_augmented(AugmentConfig(strength=0), pixels), pixels.float())


def test_augmentation_follows_torchs_seed(pixels: torch.Tensor) -> None:
    config = AugmentConfig()
    assert torch.equal(_augmented(config, pixels, 3), _augmented(config, pixels, 3))
    assert not torch.equal(_augmented(config, pixels, 3), _augmented(config, pixels, 4))


def test_everything_off_is_as_good_as_nothing(pixels: torch.Tensor) -> None:
    torch.testing.assert_close(_augmented(STILL, pixels), pixels.float(), atol=0.01, rtol=0)


def test_flip_mirrors_about_half_of_the_photos(pixels: torch.Tensor) -> None:
    many = pixels.repeat(8, 1, 1, 1)
    out = _augmented(STILL.model_copy(update={"flip": True}), many)
    plain = (out - many.float()).abs().amax(dim=(1, 2, 3)) < 0.01
    mirrored = (out - many.float().flip(2)).abs().amax(dim=(1, 2, 3)) < 0.01
    assert (plain ^ mirrored).all()
    assert 0.3 < mirrored.float().mean() < 0.7


@pytest.mark.parametrize("part", ["zoom", "shift", "rotate_degrees", "colour", "resolution", "background", "erase"])
def test_each_part_does_something_by_itself(part: str) -> None:
    photo = torch.full((8, 48, 36, 3), 255, dtype=torch.uint8)
    photo[:, 12:30, 9:24] = torch.tensor([200, 40, 90], dtype=torch.uint8)
    out = _augmented(STILL.model_copy(update={part: 1.0}), photo)
    assert (out - photo.float()).abs().max() > 5


def test_what_comes_in_from_outside_is_the_pad_colour() -> None:
    dark = torch.zeros(32, 48, 36, 3, dtype=torch.uint8)
    config = STILL.model_copy(update={"shift": 0.5})
    torch.manual_seed(0)
    out = Augment(config, (10, 200, 30))(dark)
    moved = out.sum(dim=3) > 200
    assert moved.any()
    # At its edge the pad is mixed with the photo, so a wide tolerance.
    pad = torch.tensor([10.0, 200.0, 30.0]).expand(int(moved.sum()), 3)
    torch.testing.assert_close(out[moved], pad, atol=40, rtol=0)


# --- text batches


@pytest.fixture(scope="module")
def val(tiny: Tiny) -> Split:
    return tiny.export.val


@pytest.fixture(scope="module")
def batcher(tiny: Tiny) -> TextBatcher:
    assert tiny.export.vocabulary is not None
    return TextBatcher(tiny.export.val, tiny.export.vocabulary)


def _rows(ids: torch.Tensor, starts: torch.Tensor) -> list[list[int]]:
    ends = [*starts.tolist()[1:], len(ids)]
    return [ids[a:b].tolist() for a, b in zip(starts.tolist(), ends, strict=True)]


def test_batches_hold_the_ids_that_serving_sees(
    tiny: Tiny, val: Split, batcher: TextBatcher, val_products: list[Product]
) -> None:
    rows = np.arange(len(val))[::-1].copy()
    ids, starts = batcher.batch(rows, Dropout(), np.random.default_rng(0))
    assert ids.dtype == starts.dtype == torch.int64
    assert tiny.export.config.text is not None
    kitchen = text_kitchen(tiny.export.config.text)
    assert len(val_products) == len(val)
    features = kitchen.features([kitchen.fields(val_products[r]) for r in rows])
    served = padded(Engine(open_bundle(tiny.bundle), threads=1).known_ids(features), features.offsets)
    assert _rows(ids, starts) == [[i for i in row if i] for row in served.tolist()]


def test_words_are_dropped_whole_and_rows_may_end_empty(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    rows = np.flatnonzero(val.has_text)
    plain = _rows(*batcher.batch(rows, Dropout(), np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    half = _rows(*batcher.batch(rows, Dropout(word=0.5), rng))
    kept = sum(map(len, half)) / sum(map(len, plain))
    assert 0.4 < kept < 0.6
    assert all(set(some) <= set(whole) for some, whole in zip(half, plain, strict=True))
    ids, starts = batcher.batch(rows, Dropout(word=0.999), rng)
    few = _rows(ids, starts)
    assert len(few) == len(rows)
    assert [] in few
    tower = tiny.export.towers.text
    assert tower is not None
    with torch.no_grad():
        assert tower(ids, starts)[1].isfinite().all()


def test_rows_without_any_id_make_a_batch(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    silent = np.flatnonzero(~val.has_text)
    assert len(silent) > 0
    ids, starts = batcher.batch(silent, Dropout(0.5, 0.5, 0.5), np.random.default_rng(0))
    assert len(ids) == 0
    assert starts.tolist() == [0] * len(silent)
    tower = tiny.export.towers.text
    assert tower is not None
    with torch.no_grad():
        vectors, logits = tower(ids, starts)
    assert not vectors.any()
    assert logits.shape == (len(silent), len(tiny.export.tree.leaves))


def test_field_dropout_hides_one_side_never_both(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    assert tiny.export.vocabulary is not None
    both = np.flatnonzero(val.has_field[:, 0] & val.has_field[:, 2])
    field = field_of(batcher.plain, batcher.plain_ids, len(tiny.export.vocabulary))
    plain = _rows(*batcher.batch(both, Dropout(), np.random.default_rng(0)))
    hidden = _rows(*batcher.batch(both, Dropout(field=0.999999), np.random.default_rng(3)))
    sides = set()
    for some, whole in zip(hidden, plain, strict=True):
        there = {int(field[i]) for i in some}
        assert len(there) == 1
        assert some == [i for i in whole if field[i] in there]
        sides |= there
    assert sides == {0, 2}


def test_masked_rows_hold_nothing_of_a_category_word(
    tiny: Tiny, val: Split, batcher: TextBatcher, val_products: list[Product]
) -> None:
    assert tiny.export.config.text is not None
    assert tiny.export.vocabulary is not None
    kitchen = text_kitchen(tiny.export.config.text)
    rows = np.flatnonzero(val.has_field[:, 0])
    masked = _rows(*batcher.batch(rows, Dropout(names=0.99999), np.random.default_rng(0)))
    plain = _rows(*batcher.batch(rows, Dropout(), np.random.default_rng(0)))
    words = sorted(category_words(tiny.export.tree))
    features = kitchen.features([kitchen.fields(Product(title=word)) for word in words])
    first = features.offsets[:-1][np.diff(features.offsets) > 0]
    names = set(np.searchsorted(tiny.export.vocabulary, features.hashes[first][_known(features, first, tiny)]) + 1)
    assert names
    assert any(names & set(row) for row in plain), "no title holds a category word: the test shows nothing"
    assert not any(names & set(row) for row in masked)
    field = field_of(batcher.plain, batcher.plain_ids, len(tiny.export.vocabulary))
    assert all(field[i] == 0 for row in masked for i in row), "a masked row shows its title alone"


def _known(features: TextFeatures, at: np.ndarray, tiny: Tiny) -> np.ndarray:
    return np.isin(features.hashes[at], tiny.export.vocabulary)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 70), size=st.integers(2, 20), shuffle=st.booleans(), seed=st.integers(0, 5))
def test_an_epoch_holds_every_row_once(n: int, size: int, shuffle: bool, seed: int) -> None:
    rows = np.arange(100, 100 + n)
    batches = epoch_batches(rows, size, np.random.default_rng(seed), shuffle=shuffle)
    assert sorted(np.concatenate(batches).tolist()) == rows.tolist()
    assert max(map(len, batches)) <= size + 1
    if shuffle and n > 1:
        assert min(map(len, batches)) >= 2, "batch norm needs two rows"
    if not shuffle:
        assert np.concatenate(batches).tolist() == rows.tolist()


# --- vocabulary


def _features(rows: list[list[int]], field: int = 0) -> TextFeatures:
    flat = [h for row in rows for h in row]
    offsets = np.cumsum([0, *map(len, rows)])
    n = len(flat)
    return TextFeatures(np.array(flat, np.uint32), np.zeros(n, np.int32), np.full(n, field, np.uint8), offsets)


def test_vocabulary_counts_products_not_occurrences() -> None:
    features = _features([[9, 9, 9, 4], [4, 7], [], [7, 4, 2**32 - 1]])
    assert build_vocabulary(features, 10, 2).tolist() == [4, 7]
    every = build_vocabulary(features, 10, 1)
    assert every.tolist() == [4, 7, 9, 2**32 - 1]
    assert every.dtype == np.uint32
    assert build_vocabulary(features, 1, 1).tolist() == [4]
    assert build_vocabulary(features, 2, 1).tolist() == [4, 7]
    assert build_vocabulary(features, 10, 4).tolist() == []


def test_rarity_is_that_of_scikit_learn() -> None:
    features = _features([[4, 4], [4, 7], [], [7, 9]])
    ids = np.array([1, 1, 1, 2, 2, 3], np.int32)
    idf = inverse_document_frequency(features, ids, 4)
    assert idf[0] == 0
    np.testing.assert_allclose(idf[1:], np.log(5 / (1 + np.array([2, 2, 1, 0]))) + 1, rtol=1e-6)


def test_each_id_knows_its_field() -> None:
    features = concat_features([_features([[4]], 0), _features([[7, 9]], 2), _features([[4]], 0)])
    assert features.offsets.tolist() == [0, 1, 3, 4]
    assert field_of(features, np.array([1, 2, 0, 1], np.int32), 3).tolist() == [0, 0, 2, 0]


def test_nothing_joined_is_nothing() -> None:
    assert len(concat_features([])) == 0
    assert len(concat_features([_features([[], []])])) == 2


# --- splits as arrays


def _write(file: Path, rows: list[dict[str, Any]]) -> SourceConfig:
    schema = pa.schema(
        [("id", pa.string()), ("title", pa.string()), ("category_id", pa.string()), ("image", pa.binary())]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), file)
    return SourceConfig(path=str(file))


def _prepare(folder: Path, rows: list[dict[str, Any]], *, halves: bool = False) -> Split:
    source = _write(folder / "rows.parquet", rows)
    preparer = Preparer(TREE, TextConfig(), ImageConfig(size=(48, 36)))
    return preparer.split([source], folder / "work" / "rows.pixels", halves=halves)


def test_rows_become_arrays_and_bad_ones_are_told_by_their_own_number(tmp_path: Path) -> None:
    good = encoded()
    split = _prepare(
        tmp_path,
        [
            {"id": "0", "title": "Red shirt", "category_id": "11", "image": good},
            {"id": "1", "title": "A skirt", "category_id": "99"},
            {"id": "2", "category_id": "12"},
            {"id": "3", "title": "Shirt", "category_id": "1"},
            {"id": "4", "title": "Skirt", "category_id": "12", "image": b"broken"},
            {"id": "5", "category_id": "2", "image": b"broken"},
            {"id": "6", "title": "x" * 1001, "category_id": "2", "image": good},
            {"id": "7", "category_id": "2", "image": good},
        ],
    )
    assert list(split.ids) == ["0", "4", "7"]
    assert split.labels.tolist() == [TREE.leaf_index[i] for i in ("11", "12", "2")]
    assert split.has_image.tolist() == [True, False, True]
    assert split.has_text.tolist() == [True, True, False]
    assert split.has_field.tolist() == [[True, False, False], [True, False, False], [False, False, False]]
    assert split.half.tolist() == [""] * 3
    assert split.pixels is not None
    assert split.pixels.shape == (3, 48, 36, 3)
    assert split.pixels[0].any()
    assert not split.pixels[1].any()
    np.testing.assert_array_equal(split.pixels[0], split.pixels[2])
    assert [(r.row, r.id, r.code) for r in split.rejected] == [
        (1, "1", "unknown_category"),
        (3, "3", "inner_category"),
        (2, "2", "nothing_usable"),
        (5, "5", "image_unreadable"),
        (6, "6", "title_too_long"),
    ]
    assert split.text is not None
    assert split.masked is not None
    assert len(split.text) == len(split.masked) == 3
    assert (np.diff(split.text.offsets) > 0).tolist() == [True, True, False]
    assert not np.diff(split.masked.offsets).any(), "'red', 'shirt' and 'skirt' are category words"


def test_halves_are_those_that_evaluation_draws(tmp_path: Path) -> None:
    rows = [
        {"title": f"shirt {i}", "category_id": "11" if i % 3 else "none"} for i in range(60)
    ]  # without ids the row's number decides, and every third row is rejected
    split = _prepare(tmp_path, rows, halves=True)
    kept = [i for i in range(60) if i % 3]
    assert split.half.tolist() == [split_half(Product(category_id="11"), i) for i in kept]
    assert set(split.half.tolist()) == {"select", "calibrate"}


def test_groups_stay_in_one_half(val: Split, val_products: list[Product]) -> None:
    assert val.half.tolist() == [split_half(p, i) for i, p in enumerate(val_products)]
    by_group: dict[str, set[str]] = {}
    for group, half in zip(val.groups, val.half.tolist(), strict=True):
        by_group.setdefault(group, set()).add(half)
    assert all(len(halves) == 1 for halves in by_group.values())
    assert 0.3 < (val.half == "select").mean() < 0.7


def test_a_second_run_leaves_the_photos_of_the_first_alone(tmp_path: Path) -> None:
    row = {"id": "0", "title": "Red shirt", "category_id": "11", "image": encoded()}
    first = _prepare(tmp_path, [row] * 1)
    assert first.pixels is not None
    before = first.pixels.copy()
    _prepare(tmp_path, [{"id": "1", "title": "Skirt", "category_id": "12"}])
    np.testing.assert_array_equal(first.pixels, before)


def test_a_run_without_photos_or_without_text_prepares_neither(tmp_path: Path) -> None:
    rows = [{"id": "0", "title": "Skirt", "category_id": "12", "image": encoded()}]
    source = _write(tmp_path / "rows.parquet", rows)
    text_only = Preparer(TREE, TextConfig(), None).split([source], tmp_path / "a.pixels", halves=False)
    assert text_only.pixels is None
    assert text_only.has_image.tolist() == [False]
    photos_only = Preparer(TREE, None, ImageConfig(size=(48, 36))).split([source], tmp_path / "b.pixels", halves=False)
    assert photos_only.text is photos_only.masked is None
    assert photos_only.has_text.tolist() == [False]


# --- what the stages share


def _run(config: RunConfig, train: Split, val: Split, **more: Any) -> Run:
    return Run(config, TREE, train, val, Path(), "cpu", True, **more)


def _labelled(labels: list[int], half: str = "") -> Split:
    n = len(labels)
    none = np.zeros(n, np.bool_)
    return Split(
        list(range(n)), ["g"] * n, np.array(labels), np.ones((n, 3), np.bool_), _features([[1]] * n), None, None, none,
        np.array([half] * n), (),
    )  # fmt: skip


@pytest.mark.parametrize("balance", [0.5, 1.0])
def test_class_weights_are_one_on_average(tiny_config: RunConfig, balance: float) -> None:
    training = tiny_config.training.model_copy(update={"class_balance": balance})
    config = tiny_config.model_copy(update={"training": training})
    split = _labelled([0] * 8 + [1] * 2)
    weights = _run(config, split, split).class_weights(np.arange(10))
    assert weights is not None
    assert weights.shape == (3,)
    assert float(weights[split.labels].mean()) == pytest.approx(1)
    assert float(weights[1] / weights[0]) == pytest.approx(4**balance)
    assert weights.isfinite().all()


def test_class_weights_are_off_by_default(tiny_config: RunConfig) -> None:
    split = _labelled([0, 1])
    assert _run(tiny_config, split, split).class_weights(np.arange(2)) is None


def test_all_of_val_selects_where_a_half_is_empty(tiny_config: RunConfig, val: Split) -> None:
    run = _run(tiny_config, val, val)
    assert (val.half[run.select] == "select").all()
    assert len(run.select) == (val.half == "select").sum()
    calibrating = _labelled([0, 1, 1], "calibrate")
    assert _run(tiny_config, val, calibrating).select.tolist() == [0, 1, 2]


def test_fingerprint_changes_with_recipe_labels_and_content(tiny_config: RunConfig) -> None:
    split, other = _labelled([0, 1]), _labelled([1, 1])
    plain = _run(tiny_config, split, split).fingerprint(tiny_config.text)
    assert _run(tiny_config, split, split).fingerprint(tiny_config.text) == plain
    changed = [
        _run(tiny_config, other, split).fingerprint(tiny_config.text),
        _run(tiny_config, split, other).fingerprint(tiny_config.text),
        _run(tiny_config, split, split, content="x").fingerprint(tiny_config.text),
        _run(tiny_config, split, split).fingerprint(tiny_config.image),
    ]
    assert len({plain, *changed}) == 5


def _shop(folder: Path, train: list[dict[str, Any]], val: list[dict[str, Any]], **more: Any) -> RunConfig:
    tree = folder / "tree.csv"
    tree.write_text("id,title,parent_id\n1,Clothes,0\n11,Red shirts,1\n12,Skirt,1\n2,Bags,0\n", encoding="utf-8")
    return RunConfig.model_validate(
        {
            "name": "shop",
            "output": str(folder / "bundle"),
            "work_dir": str(folder / "runs"),
            "tree": {"path": str(tree)},
            "data": {"train": [_write(folder / "a.parquet", train)], "val": [_write(folder / "b.parquet", val)]},
            **more,
        }
    )


def _texts(n: int, title: str = "shirt") -> list[dict[str, Any]]:
    return [{"id": str(i), "title": f"{title} {i}", "category_id": "11"} for i in range(n)]


def test_changed_texts_and_photos_change_the_fingerprint(tmp_path: Path) -> None:
    def told(train: list[dict[str, Any]]) -> str:
        config = _shop(tmp_path, train, _texts(30) + photos, image={"size": [48, 36]})
        return start_run(config, "cpu", resume=True).fingerprint()

    photos = [{"id": f"p{i}", "category_id": "2", "image": encoded()} for i in range(25)]
    plain = told(_texts(4) + photos[:2])
    assert told(_texts(4) + photos[:2]) == plain
    assert told(_texts(4, "skirt") + photos[:2]) != plain
    assert told([*_texts(4), photos[0], {**photos[1], "image": encoded(kind="PNG")}]) != plain


@pytest.mark.parametrize(
    ("train", "val", "more", "said"),
    [
        (4, 30, {}, "data.train: got 0 rows with a readable photo.*set image: null"),
        (4, 19, {"image": None}, "data.val: got 19 rows with usable text.*expected at least 20"),
        (1, 30, {"image": None}, "data.train: got 1 rows with usable text"),
        (0, 30, {"image": None}, "data.train: got no usable row"),
        (4, 0, {"image": None}, "data.val: got no usable row"),
    ],
)
def test_a_tower_without_data_is_refused_at_the_start(
    tmp_path: Path, train: int, val: int, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        start_run(_shop(tmp_path, _texts(train), _texts(val), **more), "cpu", resume=True)


def test_rejected_rows_are_kept_in_a_file(tmp_path: Path) -> None:
    rows = [{"id": "bad", "title": "shirt", "category_id": "77"}, *_texts(4)]
    start_run(_shop(tmp_path, rows, _texts(30), image=None), "cpu", resume=True)
    lines = (tmp_path / "runs" / "shop" / "train.rejected.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "row,id,stage,code,message"
    assert lines[1].startswith("0,bad,label,unknown_category,")
    assert len(lines) == 2


def test_tree_from_paths_keeps_the_order_of_appearance(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("title,category_path\na,Clothes > Shirts\nb,Bags\nc,Clothes > Skirts\nd,Bags\n", encoding="utf-8")
    source = {"path": str(file)}
    raw = {"name": "p", "output": "o", "tree": {"from_paths": True}, "data": {"train": [source], "val": [source]}}
    tree = tree_of(RunConfig.model_validate(raw))
    assert [n.id for n in tree.nodes] == ["Clothes", "Clothes > Shirts", "Bags", "Clothes > Skirts"]
    assert tree.leaves == ("Clothes > Shirts", "Bags", "Clothes > Skirts")


# --- history and curves


def _history(folder: Path, stage: str, epochs: list[int]) -> None:
    (folder / stage).mkdir(parents=True)
    lines = [
        json.dumps({"epoch": e, "seconds": 1.0, "train_loss": 1 / e, "select_top1": e / 10, "select_nll": 2.0})
        for e in epochs
    ]
    (folder / stage / "history.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def test_history_has_one_line_an_epoch_though_a_killed_one_ran_twice(tmp_path: Path) -> None:
    _history(tmp_path, "image", [1, 2, 3, 3, 4])
    assert [line["epoch"] for line in read_history(tmp_path / "image")] == [1, 2, 3, 4]
    assert read_history(tmp_path / "text") == []


def test_curves_are_drawn(tmp_path: Path) -> None:
    assert plot_curves(tmp_path) is None
    _history(tmp_path, "text", [1, 2])
    _history(tmp_path, "fusion", [1])
    file = plot_curves(tmp_path)
    assert file == tmp_path / "curves.png"
    assert file.read_bytes()[:4] == b"\x89PNG"


def test_device_is_what_was_asked_for() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("cuda") == "cuda"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


def test_kitchen_of_a_configuration_is_the_one_it_describes() -> None:
    config = TextConfig.model_validate({"encoder": {"char_max": 3, "word_ngrams": 1}})
    kitchen: TextKitchen = text_kitchen(config)
    assert (kitchen.config.char_max, kitchen.config.word_ngrams) == (3, 1)



"""The text head for titles that name no category: learned, kept in the bundle, chosen where it answers better."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from api_support import renamed
from conftest import Tiny
from multimodal.artifact import LAYOUT, open_bundle, read_manifest, verify_bundle
from multimodal.artifact.engine import Engine
from multimodal.artifact.kitchens import text_kitchen_of
from multimodal.artifact.unnamed import UnnamedHead, read_unnamed, write_unnamed
from multimodal.config.models import SourceConfig
from multimodal.data.sample import SampleFiles
from multimodal.errors import BundleError
from multimodal.export.calibrate import calibrate
from multimodal.export.recalibrate import recalibrate
from multimodal.export.scorer import Inputs, MixScores, Scorer
from multimodal.export.unnamed import fit_unnamed
from multimodal.serving import Predictor
from multimodal.text.masking import category_words, mask_title
from multimodal.training.arrays import Split
from multimodal.types import FloatArray, Prediction, Product
from test_bundle_calibrate import calibrate as calibrate_command
from test_unnamed_titles import TREE, Drawn


def test_logits_by_hand_after_half_precision(tmp_path: Path) -> None:
    first = np.asarray([[1, 0], [-1, 0], [0, 1]], np.float32), np.asarray([0, 0, -1], np.float32)
    last = np.asarray([[1, 5, 0], [0, 0, 2], [-1, 5, 1]], np.float32), np.asarray([0, 0.5, -1], np.float32)
    head = UnnamedHead(*first, np.asfortranarray(last[0]), last[1])
    write_unnamed(tmp_path / "head.safetensors", head)
    again = read_unnamed(tmp_path / "head.safetensors")
    # [3, 4] by hand: hidden 3, max(-3, 0) and 4 - 1; then 3, 2 * 3 + 0.5 and -3 + 3 - 1.
    np.testing.assert_array_equal(again.logits(np.asarray([[3.0, 4.0]])), [[3, 6.5, -1]])
    assert again.logits(np.zeros((0, 2))).shape == (0, 3)


@pytest.fixture(scope="module")
def headed(tiny: Tiny, catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle with the head; calibrated on the rows that it was learned from, so that answers ask for it."""
    folder = Path(shutil.copytree(tiny.bundle, tmp_path_factory.mktemp("headed") / "bundle"))
    rows = [SourceConfig(path=str(catalog.config.parent / "train.parquet"))]
    recalibrate(folder, rows, rows).write(folder)
    return folder


@pytest.fixture(scope="module")
def engine(headed: Path) -> Engine:
    return Engine(open_bundle(headed), threads=1)


def rows_of(split: Split, rows: np.ndarray) -> Split:
    """The split without labels in other rows: those are not learned from."""
    return replace(split, labels=np.where(np.isin(np.arange(len(split)), rows), split.labels, -1))


def right(engine: Engine, split: Split) -> dict[str, float]:
    """How often each text head is right about titles without category names."""
    scored = Scorer(engine, split).score(("title",), unnamed=True)
    labels = split.labels[scored.rows]
    return {name: float((values.argmax(axis=1) == labels).mean()) for name, values in scored.logits.items()}


def test_learned_rows_are_told_apart_better_than_by_the_usual_head(tiny: Tiny, engine: Engine) -> None:
    train = tiny.export.train
    assert train is not None
    found = right(engine, train)
    assert found["unnamed"] > found["text"]


def test_a_leaf_without_rows_is_never_the_likeliest_and_two_are_enough(
    tiny: Tiny, engine: Engine, tmp_path: Path
) -> None:
    train = tiny.export.train
    assert train is not None
    two = [3, engine.leaves - 1]
    assert fit_unnamed(engine, replace(train, labels=np.asarray(two)[train.labels % 2]), tmp_path / "two")
    head = read_unnamed(tmp_path / "two")
    vectors = np.random.default_rng(0).normal(size=(200, head.hidden_weight.shape[1]))
    assert head.weight.shape[0] == engine.leaves
    assert set(head.logits(vectors).argmax(axis=1)) == set(two)


def test_too_few_titles_write_nothing(tiny: Tiny, engine: Engine, tmp_path: Path) -> None:
    train = tiny.export.train
    assert train is not None
    one = train.labels == train.labels[train.has_leaf][0]
    few = (rows_of(train, np.arange(20)), rows_of(train, np.flatnonzero(one)))
    for short in (None, *few, replace(train, masked=None)):
        assert fit_unnamed(engine, short, tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


class TwoHeads(Drawn):
    """Titles without names tell the usual head nothing, and the one for them as much as those with names."""

    def score(self, mix: Inputs, *, unnamed: bool = False) -> MixScores:
        scored = super().score(mix, unnamed=unnamed)
        told: dict[str, FloatArray] = {"unnamed": self._title_says if unnamed else 1 - self._title_says}
        return replace(scored, logits={**scored.logits, **(told if "title" in mix else {})})


def test_the_head_answers_titles_without_names_and_no_others() -> None:
    calibration, _ = calibrate(TwoHeads(helpless=True), TREE)
    assert calibration.unnamed["title"].chosen == "unnamed"
    assert calibration.unnamed["title+image"].chosen.startswith("unnamed_")
    assert calibration.unnamed["title+image"].weights["unnamed"] > 0
    assert not [name for name, mix in calibration.mixes.items() if "unnamed" in mix.weights]


def test_the_predictor_asks_it_for_titles_without_names_alone(
    headed: Path, tmp_path: Path, engine: Engine, full: list[Product]
) -> None:
    told = read_manifest(headed).calibration
    told = told.model_copy(update={"unnamed": {"title": told.unnamed["title"].model_copy(update={"promises": ()})}})
    assert told.unnamed["title"].weights == {"unnamed": 1.0}
    asks = Predictor(renamed(headed, tmp_path / "asks", calibration=told.model_dump(mode="json")), threads=1)
    without = told.model_copy(update={"unnamed": {}})
    never = Predictor(renamed(headed, tmp_path / "never", calibration=without.model_dump(mode="json")), threads=1)
    words = category_words(asks.tree)
    named = [Product(title=p.title) for p in full if mask_title(p.title or "", words) != p.title]
    bare = [p for p in (Product(title=mask_title(p.title or "", words)) for p in full) if len(p.title or "") > 9]
    assert named
    assert bare
    assert asks.classify(named) == never.classify(named)
    bundle = open_bundle(headed)
    head, kitchen = bundle.unnamed(), text_kitchen_of(bundle)
    assert head is not None
    assert kitchen is not None
    vectors, _ = engine.text(engine.known_ids(kitchen.encode([kitchen.fields(p) for p in bare])))
    for answer, row in zip(asks.classify(bare, explain=True), head.logits(vectors), strict=True):
        assert isinstance(answer, Prediction)
        assert answer.suggestions[0].id == asks.tree.leaves[int(row.argmax())]
        assert answer.explanation


def test_a_bundle_with_the_head_is_as_safe_as_others(headed: Path, tmp_path: Path) -> None:
    assert verify_bundle(headed) == []
    file = headed / LAYOUT.unnamed
    assert file.read_bytes()[:1] != b"\x80", "it starts as a pickle does"
    assert file.stat().st_mode & 0o044 == headed.joinpath(LAYOUT.tree).stat().st_mode & 0o044
    changed = Path(shutil.copytree(headed, tmp_path / "changed"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    changed.joinpath(LAYOUT.unnamed).write_bytes(content)
    assert verify_bundle(changed) == [f"{LAYOUT.unnamed} has another sha256 than the manifest"]
    changed.joinpath(LAYOUT.unnamed).unlink()
    with pytest.raises(BundleError, match=LAYOUT.unnamed):
        open_bundle(changed)


def test_a_bundle_is_given_the_head_and_loses_it_where_no_answer_asks_for_it(
    own_bundle: Path, catalog: SampleFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, val = (catalog.config.parent / f"{name}.parquet" for name in ("train", "val"))
    before = {file.name: file.read_bytes() for file in own_bundle.iterdir()}
    assert LAYOUT.unnamed not in before, "drawn titles tell little without category names"
    assert calibrate_command(monkeypatch, own_bundle, train, "--learn", train) == 0
    assert "titles." in capsys.readouterr().out
    assert verify_bundle(own_bundle) == []
    given = read_manifest(own_bundle)
    assert given.unnamed is not None
    assert given.calibration.asks("unnamed")
    assert calibrate_command(monkeypatch, own_bundle, val, "--learn", train) == 0
    assert "answered no better for it" in capsys.readouterr().out
    assert verify_bundle(own_bundle) == []
    after = {file.name: file.read_bytes() for file in own_bundle.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {LAYOUT.manifest}


def test_too_little_to_learn_from_is_refused_and_nothing_changes(
    own_bundle: Path,
    catalog: SampleFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    val = catalog.config.parent / "val.parquet"
    (tmp_path / "rows").mkdir()
    few, kept = tmp_path / "rows" / "few.parquet", tmp_path / "rows" / "test.parquet"
    for file in (few, kept):
        pq.write_table(pq.read_table(val).slice(0, 30), file)
    before = {file.name: file.read_bytes() for file in own_bundle.iterdir()}
    for file, told in ((few, "to learn from"), (kept, "names a test split")):
        assert calibrate_command(monkeypatch, own_bundle, val, "--learn", file) == 2
        assert told in " ".join(capsys.readouterr().err.split())
    assert {file.name: file.read_bytes() for file in own_bundle.iterdir()} == before

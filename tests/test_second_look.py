"""A second look at photos that answer alone and leave doubt: what it sees, who gets it, and what it changes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import Tiny
from export_support import exported_again
from multimodal.artifact import LAYOUT, open_bundle, read_manifest
from multimodal.artifact.engine import Engine, mix_heads
from multimodal.artifact.manifest import replace_manifest
from multimodal.config.models import SourceConfig
from multimodal.data.sample import SampleFiles
from multimodal.errors import ConfigError
from multimodal.export.recalibrate import recalibrate
from multimodal.export.scorer import Scorer
from multimodal.export.write import write_bundle
from multimodal.image import second_look
from multimodal.numeric import softmax
from multimodal.serving import Predictor
from multimodal.serving.samples import Kitchens, Sample
from multimodal.types import FloatArray, Product
from predictor_support import UNKNOWN, only, same_answer
from test_bundle_calibrate import calibrate as calibrate_command

PHOTO = frozenset({"image"})


def looking(bundle: Path, folder: Path, below: float) -> Path:
    """A copy of a bundle that looks again below a probability; its calibration stays."""
    copy = Path(shutil.copytree(bundle, folder / "bundle"))
    manifest = read_manifest(copy)
    assert manifest.image is not None
    image = manifest.image.model_copy(update={"second_look": below})
    replace_manifest(copy / LAYOUT.manifest, manifest.model_copy(update={"image": image}))
    return copy


@pytest.fixture(scope="module")
def photos(full: list[Product]) -> list[Product]:
    return [only(product, PHOTO) for product in full[:24]]


@pytest.fixture(scope="module")
def pixels(tiny: Tiny, photos: list[Product]) -> np.ndarray:
    samples = Kitchens(open_bundle(tiny.bundle)).prepare(photos, 0, PHOTO)
    return np.stack([s.pixels for s in samples if isinstance(s, Sample) and s.pixels is not None])


@pytest.fixture(scope="module")
def first(tiny: Tiny, pixels: np.ndarray) -> FloatArray:
    """Logits of the first look."""
    return Engine(open_bundle(tiny.bundle), threads=1).image(pixels)[1]


@pytest.fixture(scope="module")
def doubt(first: FloatArray) -> float:
    """A probability that about half of the photos stay below."""
    return float(np.median(softmax(first).max(axis=1)))


@pytest.fixture(scope="module")
def twice(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory, doubt: float) -> Path:
    return looking(tiny.bundle, tmp_path_factory.mktemp("twice"), doubt)


def by_hand(bundle: Path, logits: FloatArray) -> FloatArray:
    opened = open_bundle(bundle)
    return mix_heads({"image": logits}, opened.manifest.calibration.mixes["image"], opened.tree.branches)


def test_it_sees_photos_mirrored_and_smaller_in_the_middle() -> None:
    photo = np.zeros((1, 20, 40, 3), np.uint8)
    photo[:, :, :20] = (200, 10, 10)
    before = photo.copy()
    seen = second_look(photo, (9, 8, 7))
    assert (seen.shape, seen.dtype) == (photo.shape, np.uint8)
    assert (photo == before).all()
    for edge in (seen[0, 0], seen[0, -1], seen[0, :, 1], seen[0, :, -2]):
        assert (edge == (9, 8, 7)).all()
    assert (seen[0, 1:19, 2:18] == 0).all()
    assert (seen[0, 1:19, 22:38] == (200, 10, 10)).all()


def test_no_photos_and_the_smallest_photo_can_be_seen() -> None:
    assert second_look(np.zeros((0, 4, 3, 3), np.uint8)).shape == (0, 4, 3, 3)
    assert second_look(np.full((1, 1, 1, 3), 5, np.uint8)).tolist() == [[[[5, 5, 5]]]]


def test_photos_below_are_answered_by_the_mean_of_both_looks_and_others_by_the_first(
    twice: Path, photos: list[Product], pixels: np.ndarray, first: FloatArray, doubt: float
) -> None:
    engine = Engine(open_bundle(twice), threads=1)
    unsure = softmax(first).max(axis=1) < doubt
    assert 0 < unsure.sum() < len(unsure)
    assert (engine.unsure(first) == unsure).all()
    expected = first.copy()
    expected[unsure] = (first[unsure] + engine.image(second_look(pixels[unsure]))[1]) / 2
    wanted = by_hand(twice, expected)
    assert np.abs(wanted - by_hand(twice, first)).max() > 1e-4
    found = Predictor(twice, threads=1).leaf_probabilities(photos)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_beside_text_it_changes_nothing(tiny: Tiny, twice: Path, full: list[Product]) -> None:
    plain, ours = (Predictor(bundle, threads=1).leaf_probabilities(full[:24]) for bundle in (tiny.bundle, twice))
    np.testing.assert_array_equal(ours, plain)


def test_the_photo_head_beside_text_says_what_the_photo_would_alone(
    twice: Path, photos: list[Product], full: list[Product]
) -> None:
    predictor = Predictor(twice, threads=1)
    alone = predictor.leaf_probabilities(photos)
    found = predictor.head_probabilities(full[:24])
    np.testing.assert_allclose(found["image"], alone, atol=1e-6)
    np.testing.assert_allclose(found["fused"], predictor.leaf_probabilities(full[:24]), atol=1e-6)


def test_text_of_which_nothing_is_known_leaves_the_photo_alone(twice: Path, photos: list[Product]) -> None:
    predictor = Predictor(twice, threads=1)
    named = predictor.leaf_probabilities([replace(product, title=UNKNOWN) for product in photos])
    np.testing.assert_allclose(named, predictor.leaf_probabilities(photos), atol=1e-6)


def test_a_batch_answers_as_its_rows_one_by_one(twice: Path, photos: list[Product], full: list[Product]) -> None:
    predictor = Predictor(twice, threads=1)
    mixed = [product for pair in zip(photos, full, strict=False) for product in pair]
    for row, answer in enumerate(predictor.classify(mixed)):
        same_answer(answer, replace(predictor.classify([mixed[row]])[0], row=row))


def test_calibration_sees_what_answers_see(twice: Path, tiny: Tiny) -> None:
    val = tiny.export.val
    assert val.pixels is not None
    engine = Engine(open_bundle(twice), threads=1)
    scored = Scorer(engine, val).score(("image",))
    pixels = np.asarray(val.pixels[scored.rows])
    first = engine.image(pixels)[1]
    unsure = engine.unsure(first)
    assert unsure.any()
    first[unsure] = engine.second_look(pixels[unsure], first[unsure])
    np.testing.assert_allclose(scored.logits["image"], first, atol=1e-4)
    beside = Scorer(engine, val).score(("title", "image"))
    plain = Scorer(Engine(open_bundle(tiny.bundle), threads=1), val).score(("title", "image"))
    np.testing.assert_array_equal(beside.logits["image"], plain.logits["image"])


def test_bundle_calibrate_sets_it_keeps_it_and_takes_it_away(
    own_bundle: Path, catalog: SampleFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def kept() -> float:
        image = read_manifest(own_bundle).image
        assert image is not None
        return image.second_look

    val = catalog.config.parent / "val.parquet"
    assert kept() == 0
    before = read_manifest(own_bundle).calibration.mixes
    assert calibrate_command(monkeypatch, own_bundle, val, "--second-look", "0.9") == 0
    assert kept() == 0.9
    share = read_manifest(own_bundle).metrics["val"]["image"]["looked_at_twice"]
    assert 0.5 < share <= 1
    assert f"{share:.1%} of the photos, by themselves" in " ".join(capsys.readouterr().out.split())
    after = read_manifest(own_bundle).calibration.mixes
    assert after["image"].temperature != pytest.approx(before["image"].temperature, rel=1e-4)
    assert after["title+image"].temperature == pytest.approx(before["title+image"].temperature, rel=1e-4)
    assert calibrate_command(monkeypatch, own_bundle, val) == 0
    assert kept() == 0.9
    assert calibrate_command(monkeypatch, own_bundle, val, "--second-look", "0") == 0
    assert kept() == 0
    assert "looked_at_twice" not in read_manifest(own_bundle).metrics["val"]["image"]
    assert calibrate_command(monkeypatch, own_bundle, val, "--second-look", "1.5") == 2


def test_a_bundle_that_sees_no_photos_is_refused_by_name(tiny: Tiny, catalog: SampleFiles, tmp_path: Path) -> None:
    bundle = write_bundle(exported_again(tiny.export, tmp_path, image=False), tmp_path / "work")
    rows = [SourceConfig(path=str(catalog.config.parent / "val.parquet"))]
    with pytest.raises(ConfigError, match=r"second_look: got 0\.7 for .*, which sees no photos"):
        recalibrate(bundle, rows, second_look=0.7)


def test_a_training_writes_it_into_the_bundle(tiny: Tiny, tmp_path: Path) -> None:
    export = exported_again(tiny.export, tmp_path)
    assert export.config.image is not None
    image = export.config.image.model_copy(update={"second_look": 0.6})
    export = replace(export, config=export.config.model_copy(update={"image": image}))
    written = read_manifest(write_bundle(export, tmp_path / "work")).image
    assert written is not None
    assert written.second_look == 0.6

"""Photos unlike those of the training: told, warned of, and counted for less."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from conftest import Tiny
from multimodal.artifact import LAYOUT, open_bundle
from multimodal.artifact.engine import distrust
from multimodal.artifact.novelty import Novelty, read_novelty, write_novelty
from multimodal.export.novelty import fit_novelty
from multimodal.serving import Predictor
from multimodal.serving.core import STRANGER
from multimodal.types import ImageRef, Prediction, Product
from predictor_support import answer_of, only


def novelty(threshold: float = 0.25) -> Novelty:
    """Known photos lie in the plane of the first two of three directions."""
    return Novelty(np.zeros(3, np.float32), np.eye(3, dtype=np.float32)[:2], threshold)


def test_what_lies_outside_the_subspace_is_new_whatever_its_length() -> None:
    vectors = np.array([[3, 4, 0], [0.3, 0.4, 0], [3, 0, 4], [0, 0, 9], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(novelty().scores(vectors), [0, 0, 16 / 25, 1, 0], atol=1e-6)


def test_trust_is_whole_up_to_the_threshold_and_falls_beyond() -> None:
    shares = np.array([0.0, 0.25, 0.26, 0.3, 1.0])
    vectors = np.stack([np.sqrt(1 - shares), np.zeros(5), np.sqrt(shares)], axis=1)
    trust = novelty().trust(vectors)
    np.testing.assert_allclose(trust[:2], 1, atol=1e-5)
    assert 0.4 < trust[2] < 0.6
    assert 0.001 < trust[3] < trust[2]
    assert trust[4] < 1e-6


def test_the_subspace_comes_back_from_its_file(tmp_path: Path) -> None:
    write_novelty(tmp_path / "n", np.full(3, 0.5), np.eye(3)[:2])
    read = read_novelty(tmp_path / "n", 0.25)
    assert read.threshold == 0.25
    np.testing.assert_array_equal(read.basis, np.eye(3)[:2])
    np.testing.assert_array_equal(read.mean, np.full(3, 0.5))


rows = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3).map(lambda p: np.array([p], np.float32) / np.sum(p))


@given(rows, rows, st.floats(0, 1))
def test_distrust_goes_from_with_the_photo_to_without(
    with_photo: np.ndarray, without: np.ndarray, trust: float
) -> None:
    mixed = distrust(with_photo, without, np.array([trust], np.float32))
    np.testing.assert_allclose(mixed.sum(), 1, atol=1e-5)
    for share, side in ((1.0, with_photo), (0.0, without)):
        np.testing.assert_allclose(distrust(with_photo, without, np.array([share], np.float32)), side, atol=1e-5)
    # The log odds of any two leaves lie between those of both sides.
    odds = [float(np.log(p[0, 0] / p[0, 1])) for p in (with_photo, without, mixed)]
    assert min(odds[:2]) - 1e-3 <= odds[2] <= max(odds[:2]) + 1e-3
    alone = distrust(with_photo, None, np.array([trust], np.float32))
    assert alone.argmax() == with_photo.argmax() or trust < 1e-3
    assert alone.max() <= with_photo.max() + 1e-5


def test_other_rows_stay_as_they_are() -> None:
    probs = np.array([[0.7, 0.3], [0.2, 0.8]], np.float32)
    mixed = distrust(probs, None, np.array([1.0, 0.0], np.float32))
    np.testing.assert_allclose(mixed, [[0.7, 0.3], [0.5, 0.5]], atol=1e-6)


@pytest.fixture(scope="module")
def noise(predictor: Predictor) -> ImageRef:
    """Of some photos of noise the one that counts least; the tiny bundle, hardly trained, knows most of them."""
    rng = np.random.default_rng(0)
    photos = []
    for _ in range(20):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (48, 36, 3)).astype(np.uint8)).save(out, "PNG")
        photos.append(ImageRef(data=out.getvalue()))
    answers = predictor.classify([Product(image=photo) for photo in photos])
    assert np.mean([STRANGER in a.warnings for a in answers if isinstance(a, Prediction)]) >= 0.5
    flattest = [a.suggestions[0].probability for a in answers if isinstance(a, Prediction)]
    return photos[int(np.argmin(flattest))]


def test_few_photos_like_those_of_the_training_are_strangers(predictor: Predictor, full: list[Product]) -> None:
    spec = predictor.manifest.novelty
    assert spec is not None
    assert spec.photos > 200
    assert predictor.manifest.capabilities["novelty"]
    answers = predictor.classify([only(p, frozenset({"image"})) for p in full])
    strange = [isinstance(a, Prediction) and STRANGER in a.warnings for a in answers]
    assert 0 <= np.mean(strange) < 0.1


def test_a_strange_photo_beside_text_is_warned_of_and_counts_for_less(
    predictor: Predictor, full: list[Product], noise: ImageRef
) -> None:
    title = only(full[0], frozenset({"title"}))
    alone = answer_of(predictor, title)
    both = answer_of(predictor, replace(title, image=noise))
    assert both.used == "fused"
    assert both.warnings == (STRANGER,)
    assert alone.warnings == ()
    # Noise says nothing: what the title says is what is left.
    ours, theirs = ({s.id: s.probability for s in a.suggestions} for a in (both, alone))
    assert ours.keys() == theirs.keys()
    for leaf, probability in ours.items():
        assert probability == pytest.approx(theirs[leaf], abs=0.02)


def test_a_strange_photo_alone_is_for_review(predictor: Predictor, noise: ImageRef) -> None:
    found = answer_of(predictor, Product(image=noise), min_confidence=0.0)
    assert found.decision == "leaf"
    assert (found.used, found.needs_review) == ("image", True)
    assert STRANGER in found.warnings


def test_without_enough_photos_no_photo_is_strange(tiny: Tiny, tmp_path: Path) -> None:
    bundle = open_bundle(tiny.bundle)
    from multimodal.artifact.engine import Engine

    few = replace(tiny.export.val, half=np.full(len(tiny.export.val), "calibrate"))
    file = tmp_path / LAYOUT.novelty
    assert fit_novelty(Engine(bundle, threads=1), tiny.export.train, few, file) is None
    assert not file.exists()

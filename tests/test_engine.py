"""The graphs of a bundle: a row's scores are its own, whatever stands beside it and whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from multimodal.artifact import HeadMix, open_bundle
from multimodal.artifact.engine import Engine, Tower, mix_heads
from multimodal.numeric import entropy, softmax
from multimodal.types import RaggedIds, TextIds

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
"""Sums of float32 in another order differ by about 1e-6 on scores around 1 to 10."""
LENGTHS = (1, 40, 3, 0, 17, 250, 2)


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path) -> Engine:
    return Engine(open_bundle(tiny_bundle), threads=1)


@pytest.fixture(scope="module")
def texts(engine: Engine) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [rng.integers(1, len(engine.vocabularies["ngrams"]) + 1, n).astype(np.int32) for n in LENGTHS]


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (7, 48, 36, 3), dtype=np.uint8)


def _ragged(texts: Sequence[np.ndarray]) -> TextIds:
    ids = np.concatenate([*texts, np.zeros(0, np.int32)])
    return {"ngrams": RaggedIds(ids, np.cumsum([0, *(len(t) for t in texts)]))}


def test_text_rows_do_not_depend_on_the_batch(engine: Engine, texts: list[np.ndarray]) -> None:
    vectors, logits = engine.text(_ragged(texts))
    assert vectors.shape == (7, 24)
    assert logits.shape == (7, engine.leaves)
    assert vectors.dtype == logits.dtype == np.float32
    for i, text in enumerate(texts):
        vector, alone = engine.text(_ragged([text]))
        np.testing.assert_allclose(vector[0], vectors[i], **CLOSE)
        np.testing.assert_allclose(alone[0], logits[i], **CLOSE)


def test_text_without_ids_has_a_zero_vector(engine: Engine, texts: list[np.ndarray]) -> None:
    vectors, logits = engine.text(_ragged([texts[3], texts[3]]))
    assert not vectors.any()
    np.testing.assert_array_equal(logits[0], logits[1])


def test_unknown_ids_change_nothing(engine: Engine, texts: list[np.ndarray]) -> None:
    plain = engine.text(_ragged(texts))
    sprinkled = [np.concatenate([[0, 0], t[:1], [0], t[1:], [0] * 9]).astype(np.int32) for t in texts]
    for with_zeros, without in zip(engine.text(_ragged(sprinkled)), plain, strict=True):
        np.testing.assert_allclose(with_zeros, without, **CLOSE)


def test_order_of_ids_changes_nothing(engine: Engine, texts: list[np.ndarray]) -> None:
    turned = engine.text(_ragged([t[::-1] for t in texts]))
    np.testing.assert_allclose(turned[1], engine.text(_ragged(texts))[1], **CLOSE)


def test_very_long_text_among_short_ones(engine: Engine, texts: list[np.ndarray]) -> None:
    """Longer than one run of the graph takes at once, so the batch is cut."""
    long = np.random.default_rng(6).integers(1, len(engine.vocabularies["ngrams"]) + 1, 90_000).astype(np.int32)
    logits = engine.text(_ragged([*texts, long, *texts]))[1]
    plain = engine.text(_ragged(texts))[1]
    assert logits.shape == (15, engine.leaves)
    np.testing.assert_allclose(logits[:7], plain, **CLOSE)
    np.testing.assert_allclose(logits[8:], plain, **CLOSE)


def test_photo_rows_do_not_depend_on_the_batch(engine: Engine, photos: np.ndarray) -> None:
    vectors, logits = engine.image(photos)
    assert logits.shape == (7, engine.leaves)
    for i in range(len(photos)):
        vector, alone = engine.image(photos[i : i + 1])
        np.testing.assert_allclose(vector[0], vectors[i], **CLOSE)
        np.testing.assert_allclose(alone[0], logits[i], **CLOSE)


def test_fused_rows_do_not_depend_on_the_batch(engine: Engine, texts: list[np.ndarray], photos: np.ndarray) -> None:
    text, image = engine.text(_ragged(texts)), engine.image(photos)
    logits = engine.fusion(text, image)
    assert logits.shape == (7, engine.leaves)
    for i in range(7):
        alone = engine.fusion(_row(text, i), _row(image, i))
        np.testing.assert_allclose(alone[0], logits[i], **CLOSE)


def _row(tower: Tower, i: int) -> Tower:
    return tower[0][i : i + 1], tower[1][i : i + 1]


def test_threads_get_the_same_answers(engine: Engine, texts: list[np.ndarray], photos: np.ndarray) -> None:
    def ask(i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        some, seen = texts[i % 7 :] + texts[: i % 7], np.roll(photos, -(i % 7), axis=0)
        vector, text = engine.text(_ragged(some))
        image_vector, image = engine.image(seen)
        fused = engine.fusion((vector, text), (image_vector, image))
        return tuple(np.roll(a, i % 7, axis=0) for a in (text, image, fused))

    expected = ask(0)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(ask, range(48)):
            for ours, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, **CLOSE)


FLAT = np.zeros((0, 9), np.int64)
"""A tree of one level: no leaf has an ancestor."""


def test_mixed_heads_are_probabilities() -> None:
    rng = np.random.default_rng(7)
    logits = {head: rng.normal(0, 5, (6, 9)).astype(np.float32) for head in ("text", "image", "fused")}
    one = mix_heads(logits, HeadMix(weights={"text": 1.0}, temperature=1.0, chosen="text"), FLAT)
    wanted = np.exp(logits["text"]) / np.exp(logits["text"]).sum(1, keepdims=True)
    np.testing.assert_allclose(one, wanted, atol=1e-6)
    warm = mix_heads(logits, HeadMix(weights={"text": 1.0}, temperature=4.0, chosen="text"), FLAT)
    assert (warm.max(1) < one.max(1)).all()
    assert (warm.argmax(1) == one.argmax(1)).all()
    sloped = HeadMix(weights={"text": 1.0}, temperature=1.0, slope=-0.5, chosen="text")
    sure_of_the_hard = mix_heads(logits, sloped, FLAT)
    by_hand = softmax(logits["text"], np.exp(-0.5 * entropy(logits["text"]))[:, None])
    np.testing.assert_allclose(sure_of_the_hard, by_hand, atol=1e-6)
    assert (sure_of_the_hard.argmax(1) == one.argmax(1)).all()
    mixed = mix_heads(logits, HeadMix(weights={"text": 0.5, "image": 0.5}, temperature=0.5, chosen="log_mix"), FLAT)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)
    product = one * mix_heads(logits, HeadMix(weights={"image": 1.0}, temperature=1.0, chosen="image"), FLAT)
    np.testing.assert_allclose(mixed, product / product.sum(1, keepdims=True), atol=1e-6)


def test_head_of_no_weight_may_be_missing() -> None:
    logits = {"text": np.zeros((2, 3), np.float32)}
    mix = HeadMix(weights={"text": 1.0, "image": 0.0}, temperature=1.0, chosen="log_mix")
    np.testing.assert_allclose(mix_heads(logits, mix, FLAT), 1 / 3, atol=1e-6)

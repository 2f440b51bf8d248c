"""The words that the photo tower learns beside the category: whole ones, frequent ones, alike."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.text import TextKitchen
from multimodal.text.settings import TextKitchenConfig
from multimodal.training import captions as module
from multimodal.training.arrays import Split
from multimodal.training.captions import Captions, whole_words
from multimodal.types import Product, TextFeatures


def _features(*products: Product) -> TextFeatures:
    kitchen = TextKitchen(TextKitchenConfig())
    return kitchen.features([kitchen.fields(p) for p in products])


def _split(text: TextFeatures) -> Split:
    n = len(text)
    no = np.zeros(n, np.bool_)
    return Split(
        ids=list(range(n)),
        groups=[str(i) for i in range(n)],
        labels=np.zeros(n, np.int64),
        has_field=np.ones((n, 3), np.bool_),
        text={"ngrams": text},
        masked=None,
        pixels=None,
        has_image=no,
        half=np.array([""] * n),
        named=np.ones(n, np.bool_),
        rejected=(),
    )


def test_whole_words_of_a_title_and_a_characteristic_without_parts_of_words() -> None:
    words = whole_words(_features(Product(title="red silk dress"), Product(title="silk"), Product(title="!?")))
    assert np.diff(words.offsets).tolist() == [3, 1, 0]
    assert words.hashes[1] == words.hashes[3], "silk is one word in both titles"
    pair = whole_words(_features(Product(title="bag", characteristics={"Colour": "navy"})))
    assert len(pair.hashes) == 3, "the word, the pair and the word of its value"
    assert pair.fields.tolist() == [0, 2, 2]


def test_targets_share_one_between_a_products_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_COUNT", 2)
    rows = ["red dress", "red shoe", "blue dress shoe", "blue", "green"]
    captions = Captions(_split(_features(*(Product(title=t) for t in rows))), 10)
    assert captions.size == 4, "green is told by one product alone"
    targets = captions.targets(np.arange(5))
    np.testing.assert_allclose(targets.sum(axis=1), [1, 1, 1, 1, 0])
    np.testing.assert_allclose(targets.max(axis=1), [1 / 2, 1 / 2, 1 / 3, 1, 0])
    np.testing.assert_array_equal(captions.targets(np.array([3, 0])), targets[[3, 0]])
    assert (targets[0] * targets[1]).sum() == pytest.approx(1 / 4), "red is the same word in both"


def test_a_word_said_twice_counts_once_and_only_the_most_frequent_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_COUNT", 1)
    captions = Captions(_split(_features(Product(title="red red dress"), Product(title="red bag"))), 1)
    assert captions.size == 1
    np.testing.assert_allclose(captions.targets(np.arange(2)), [[1], [1]])

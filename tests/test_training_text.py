"""Text batches and the vocabulary of a run: the ids of serving, with words and fields hidden."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Tiny
from multimodal.artifact import open_bundle
from multimodal.artifact.engine import Engine
from multimodal.artifact.vocabulary import padded
from multimodal.text.masking import category_words
from multimodal.training.arrays import Split, concat_features
from multimodal.training.batches import Dropout, TextBatcher, epoch_batches
from multimodal.training.prepare import text_kitchen
from multimodal.training.stages import plain_text_batches
from multimodal.training.vocabulary import build_vocabulary, field_of, inverse_document_frequency
from multimodal.types import EncoderName, Product
from training_support import features_of


@pytest.fixture(scope="module")
def val(tiny: Tiny) -> Split:
    return tiny.export.val


@pytest.fixture(scope="module")
def batcher(tiny: Tiny) -> TextBatcher:
    return TextBatcher(tiny.export.val, tiny.text.feeds)


def _rows(batch: Mapping[EncoderName, tuple[torch.Tensor, ...]]) -> list[list[int]]:
    ids, starts = batch["ngrams"]
    ends = [*starts.tolist()[1:], len(ids)]
    return [ids[a:b].tolist() for a, b in zip(starts.tolist(), ends, strict=True)]


def test_batches_hold_the_ids_that_serving_sees(
    tiny: Tiny, val: Split, batcher: TextBatcher, val_products: list[Product]
) -> None:
    rows = np.arange(len(val))[::-1].copy()
    batch = batcher.batch(rows, Dropout(), np.random.default_rng(0))
    assert {array.dtype for array in batch["ngrams"]} == {torch.int64}
    assert tiny.export.config.text is not None
    kitchen = text_kitchen(tiny.export.config.text)
    assert len(val_products) == len(val)
    encoded = kitchen.encode([kitchen.fields(val_products[r]) for r in rows])
    served = padded(Engine(open_bundle(tiny.bundle), threads=1).known_ids(encoded)["ngrams"])
    assert _rows(batch) == [[i for i in row if i] for row in served.tolist()]


def test_words_are_dropped_whole_and_rows_may_end_empty(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    rows = np.flatnonzero(val.has_text)
    plain = _rows(batcher.batch(rows, Dropout(), np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    half = _rows(batcher.batch(rows, Dropout(word=0.5), rng))
    kept = sum(map(len, half)) / sum(map(len, plain))
    assert 0.4 < kept < 0.6
    assert all(set(some) <= set(whole) for some, whole in zip(half, plain, strict=True))
    batch = batcher.batch(rows, Dropout(word=0.999), rng)
    few = _rows(batch)
    assert len(few) == len(rows)
    assert [] in few
    with torch.no_grad():
        assert tiny.text.tower(batch)[1].isfinite().all()


def test_rows_without_any_id_make_a_batch(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    silent = np.flatnonzero(~val.has_text)
    assert len(silent) > 0
    batch = batcher.batch(silent, Dropout(0.5, 0.5, 0.5), np.random.default_rng(0))
    ids, starts = batch["ngrams"]
    assert len(ids) == 0
    assert starts.tolist() == [0] * len(silent)
    with torch.no_grad():
        vectors, logits = tiny.text.tower(batch)
    assert not vectors.any()
    assert logits.shape == (len(silent), len(tiny.export.tree.leaves))


def test_field_dropout_hides_one_side_never_both(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    both = np.flatnonzero(val.has_field[:, 0] & val.has_field[:, 2])
    field = _fields(tiny, batcher)
    plain = _rows(batcher.batch(both, Dropout(), np.random.default_rng(0)))
    hidden = _rows(batcher.batch(both, Dropout(field=0.999999), np.random.default_rng(3)))
    sides = set()
    for some, whole in zip(hidden, plain, strict=True):
        there = {int(field[i]) for i in some}
        assert len(there) == 1
        assert some == [i for i in whole if field[i] in there]
        sides |= there
    assert sides == {0, 2}


def test_rows_are_scored_whole_and_by_their_titles_alone(tiny: Tiny, val: Split, batcher: TextBatcher) -> None:
    """Rare categories are raised by both: the bias that mends whole rows may be too much for a title."""
    config = tiny.export.config.text
    assert config is not None
    rows, field = np.flatnonzero(val.has_text), _fields(tiny, batcher)
    both = rows[val.has_field[rows, 0] & (val.has_field[rows].sum(axis=1) > 1)]
    assert 0 < len(both) < len(rows)
    batches = list(plain_text_batches(val, batcher, rows, config))
    labels = np.concatenate([batch["labels"].numpy() for batch in batches])
    assert labels.tolist() == val.labels[np.concatenate([rows, both])].tolist()
    seen = [row for batch in batches for row in _rows(batch["text"])]
    assert seen[: len(rows)] == _rows(batcher.batch(rows, Dropout(), np.random.default_rng(0)))
    whole = dict(zip(rows.tolist(), seen, strict=False))
    for row, shown in zip(both.tolist(), seen[len(rows) :], strict=True):
        assert shown == [i for i in whole[row] if field[i] == 0]


def test_masked_rows_hold_nothing_of_a_category_word(
    tiny: Tiny, val: Split, batcher: TextBatcher, val_products: list[Product]
) -> None:
    assert tiny.export.config.text is not None
    kitchen = text_kitchen(tiny.export.config.text)
    rows = np.flatnonzero(val.has_field[:, 0])
    masked = _rows(batcher.batch(rows, Dropout(names=0.99999), np.random.default_rng(0)))
    plain = _rows(batcher.batch(rows, Dropout(), np.random.default_rng(0)))
    words = sorted(category_words(tiny.export.tree))
    features = kitchen.features([kitchen.fields(Product(title=word)) for word in words])
    first = features.offsets[:-1][np.diff(features.offsets) > 0]
    names = set(tiny.text.vocabularies()["ngrams"].ids(features)[first].tolist()) - {0}
    assert names
    assert any(names & set(row) for row in plain), "no title holds a category word: the test shows nothing"
    assert not any(names & set(row) for row in masked)
    field = _fields(tiny, batcher)
    assert all(field[i] == 0 for row in masked for i in row), "a masked row shows its title alone"


def _fields(tiny: Tiny, batcher: TextBatcher) -> np.ndarray:
    """The field of each id, from the features of the split."""
    known, vocabulary = batcher.plain["ngrams"], tiny.text.vocabularies()["ngrams"]
    return field_of(known.features, known.ids, len(vocabulary))


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 70), size=st.integers(2, 20), shuffle=st.booleans(), seed=st.integers(0, 5))
def test_an_epoch_holds_every_row_once(n: int, size: int, shuffle: bool, seed: int) -> None:
    rows = np.arange(100, 100 + n)
    batches = epoch_batches(rows, size, np.random.default_rng(seed), shuffle=shuffle)
    assert sorted(row for some in batches for row in some.tolist()) == rows.tolist()
    assert max(map(len, batches), default=0) <= size + 1
    if shuffle and n > 1:
        assert min(map(len, batches)) >= 2, "batch norm needs two rows"
    if not shuffle:
        assert [row for some in batches for row in some.tolist()] == rows.tolist()


def test_vocabulary_counts_products_not_occurrences() -> None:
    features = features_of([[9, 9, 9, 4], [4, 7], [], [7, 4, 2**32 - 1]])
    assert build_vocabulary(features, 10, 2).tolist() == [4, 7]
    every = build_vocabulary(features, 10, 1)
    assert every.tolist() == [4, 7, 9, 2**32 - 1]
    assert every.dtype == np.uint32
    assert build_vocabulary(features, 1, 1).tolist() == [4]
    assert build_vocabulary(features, 2, 1).tolist() == [4, 7]
    assert build_vocabulary(features, 10, 4).tolist() == []


def test_rarity_is_that_of_scikit_learn() -> None:
    features = features_of([[4, 4], [4, 7], [], [7, 9]])
    ids = np.array([1, 1, 1, 2, 2, 3], np.int32)
    idf = inverse_document_frequency(features, ids, 4)
    assert idf[0] == 0
    np.testing.assert_allclose(idf[1:], np.log(5 / (1 + np.array([2, 2, 1, 0]))) + 1, rtol=1e-6)


def test_each_id_knows_its_field() -> None:
    features = concat_features([features_of([[4]], 0), features_of([[7, 9]], 2), features_of([[4]], 0)])
    assert features.offsets.tolist() == [0, 1, 3, 4]
    assert field_of(features, np.array([1, 2, 0, 1], np.int32), 3).tolist() == [0, 0, 2, 0]


def test_nothing_joined_is_nothing() -> None:
    assert len(concat_features([])) == 0
    assert len(concat_features([features_of([[], []])])) == 2

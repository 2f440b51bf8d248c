"""From features to an encoder's rows: which n-grams stand for a word, and how pieces are laid out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_support import fields_of
from multimodal.artifact.vocabulary import HashVocabulary, PieceVocabulary, WordVocabulary, padded, wrapped
from multimodal.text.words import WordFeatures, subword_rows, word_rows
from multimodal.types import RaggedIds, TextFeatures

LISTS = st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=8)


def _ragged(rows: list[list[int]]) -> RaggedIds:
    flat = [i for row in rows for i in row]
    return RaggedIds(np.array(flat, np.int32), np.cumsum([0, *map(len, rows)]))


def _lists(ragged: RaggedIds) -> list[list[int]]:
    bounds = ragged.offsets.tolist()
    return [ragged.ids[a:b].tolist() for a, b in pairwise(bounds)]


# --- ids of several products


@given(rows=LISTS, data=st.data())
def test_taking_products_takes_their_ids(rows: list[list[int]], data: st.DataObject) -> None:
    asked = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=10))
    taken = _ragged(rows).take(np.array(asked, np.int64))
    assert _lists(taken) == [rows[i] for i in asked]
    assert len(taken) == len(asked)
    assert taken.ids.dtype == np.int32


@given(rows=LISTS)
def test_known_ids_are_counted_and_kept_in_order(rows: list[list[int]]) -> None:
    ragged, kept = _ragged(rows), [[i for i in row if i] for row in rows]
    assert ragged.known().tolist() == [len(row) for row in kept]
    assert _lists(ragged.only_known()) == kept
    assert [[i for i in row if i] for row in padded(ragged).tolist()] == kept


# --- words, and the n-grams that stand for others


def _words(*hashes: int, grams: tuple[int, ...] = ()) -> WordVocabulary:
    known = np.array(sorted({*hashes, *grams}), np.uint32)
    return WordVocabulary(known, ~np.isin(known, np.array(grams, np.uint32)))


def _features(*rows: tuple[int, int, int, int]) -> TextFeatures:
    """Features of (product, token, field, hash) each, products in order."""
    product, token, field, hashes = np.array(rows, np.int64).reshape(-1, 4).T
    offsets = np.concatenate([[0], np.cumsum(np.bincount(product, minlength=3))])
    return TextFeatures(hashes.astype(np.uint32), token.astype(np.int32), field.astype(np.uint8), offsets)


def test_ngrams_of_a_known_word_are_left_out_and_those_of_an_unknown_one_stand_for_it() -> None:
    known = _words(10, 20, grams=(1, 2, 3))
    features = _features(
        (0, 0, 0, 10), (0, 0, 0, 1), (0, 0, 0, 2),  # a known word and two n-grams
        (0, 1, 0, 99), (0, 1, 0, 2), (0, 1, 0, 77),  # an unknown word, with an n-gram that is known
        (1, 0, 0, 98), (1, 0, 0, 3),  # the next product's first token has the number of the last one's
        (2, 0, 0, 20), (2, 0, 0, 3),
    )  # fmt: skip
    # Sorted: 1, 2, 3, 10, 20 have the ids 1 to 5.
    assert known.ids(features).tolist() == [4, 0, 0, 0, 2, 0, 0, 3, 5, 0]


def test_a_word_of_another_field_does_not_hide_ngrams() -> None:
    """Tokens are of one run only where product, field and number are the same."""
    known = _words(10, grams=(1,))
    features = _features((0, 3, 1, 10), (0, 3, 0, 99), (0, 3, 0, 1), (1, 3, 2, 10), (2, 3, 2, 10), (2, 3, 2, 10))
    assert known.ids(features).tolist() == [2, 0, 1, 2, 2, 2]


def test_words_and_ngrams_of_the_kitchen_find_their_rows() -> None:
    title, description, values = word_rows(["silk", "boots"])
    (grams,) = subword_rows(["silky"])
    is_word = dict.fromkeys([title[0], description[1], values[0]], True)
    hashes = np.array(sorted({*is_word, *grams}), np.uint32)
    known = WordVocabulary(hashes, np.isin(hashes, np.array(list(is_word), np.uint32)))
    features = WordFeatures().features(
        [fields_of("silk silky boots", "boots silk", ("material", "silk boots")), fields_of("silky")]
    )
    ids = known.ids(features)

    def found(product: int, field: int, token: int) -> list[int]:
        inside = np.zeros(len(ids), np.bool_)
        inside[features.offsets[product] : features.offsets[product + 1]] = True
        at = inside & (features.fields == field) & (features.tokens == token) & (ids > 0)
        return sorted(hashes[ids[at] - 1].tolist())

    assert found(0, 0, 0) == [title[0]], "a known word stands for itself alone, though its n-grams are known"
    assert found(0, 0, 1) == found(1, 0, 0) == sorted(grams.tolist())
    assert set(found(0, 0, 2)) <= set(grams.tolist()), "boots is no word of titles here"
    assert (found(0, 1, 3), found(0, 1, 4)) == ([description[1]], [])
    assert (found(0, 2, 6), found(0, 2, 7)) == ([values[0]], [])
    assert (ids > 0).sum() == 3 + 2 * len(grams) + len(found(0, 0, 2))


def test_nothing_known_and_nothing_said() -> None:
    features = _features((0, 0, 0, 10), (0, 0, 0, 1))
    assert _words().ids(features).tolist() == [0, 0]
    assert HashVocabulary(np.zeros(0, np.uint32)).ids(features).tolist() == [0, 0]
    assert _words(10, grams=(1,)).ids(_features()).tolist() == []


def test_pieces_are_known_by_their_number() -> None:
    pieces = PieceVocabulary(50)
    assert len(pieces) == 50
    assert pieces.ids(_features((0, 0, 0, 0), (0, 1, 0, 49))).tolist() == [1, 50]


# --- pieces as a transformer takes them


def test_pieces_stand_between_the_special_ones() -> None:
    ragged = _ragged([[7, 8, 9], [], [5], [1, 2, 3, 4, 5]])
    assert wrapped(ragged, (101,), (102,), 4).tolist() == [
        [101, 7, 8, 9, 102, 0],
        [101, 102, 0, 0, 0, 0],
        [101, 5, 102, 0, 0, 0],
        [101, 1, 2, 3, 4, 102],
    ]
    assert wrapped(ragged, (), (), 2).tolist() == [[7, 8], [0, 0], [5, 0], [1, 2]]
    assert wrapped(ragged, (30, 31), (), 1).tolist() == [[30, 31, 7], [30, 31, 0], [30, 31, 5], [30, 31, 1]]
    assert wrapped(ragged.take(np.array([2])), (), (40, 41), 9).tolist() == [[5, 40, 41]]


def test_without_pieces_there_is_still_a_column() -> None:
    """A graph cannot run over nothing."""
    assert wrapped(_ragged([[], []]), (), (), 4).tolist() == [[0], [0]]
    assert wrapped(_ragged([]), (1,), (2,), 4).shape[0] == 0


@given(rows=LISTS, prefix=st.lists(st.integers(50, 60), max_size=2), suffix=st.lists(st.integers(61, 70), max_size=2))
@pytest.mark.parametrize("longest", [4, 64])
def test_every_row_is_wrapped_alike(rows: list[list[int]], prefix: list[int], suffix: list[int], longest: int) -> None:
    rows = [[i + 1 for i in row] for row in rows]
    out = wrapped(_ragged(rows), prefix, suffix, longest)
    assert out.dtype == np.int32
    for row, found in zip(rows, out.tolist(), strict=True):
        wanted = [*prefix, *row[:longest], *suffix]
        assert found[: len(wanted)] == wanted
        assert not any(found[len(wanted) :])

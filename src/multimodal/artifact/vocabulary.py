"""From features to rows of an encoder's table, in training and serving alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from multimodal.types import TEXT_INPUTS, RaggedIds, TextFeatures

Hashes = npt.NDArray[np.uint32]
_TITLE = TEXT_INPUTS.index("title")


class Vocabulary(Protocol):
    """What an encoder knows."""

    def __len__(self) -> int:
        """How many ids there are; they run from 1."""
        ...

    def ids(self, features: TextFeatures) -> npt.NDArray[np.int32]:
        """Ids [M] of features; 0 for those that are unknown, or not used."""
        ...


@dataclass(frozen=True, slots=True)
class HashVocabulary:
    """The n-grams of a vocabulary by their hashes, sorted, uint32 [V]."""

    hashes: Hashes

    def __len__(self) -> int:
        return len(self.hashes)

    def ids(self, features: TextFeatures) -> npt.NDArray[np.int32]:
        """1 + the position in the vocabulary."""
        return lookup(self.hashes, features.hashes)


@dataclass(frozen=True, slots=True)
class WordVocabulary:
    """Words, and the n-grams that stand for words it does not hold.

    Attributes:
        hashes: sorted, uint32 [V].
        is_word: bool [V]; the others are n-grams.
    """

    hashes: Hashes
    is_word: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hashes)

    def ids(self, features: TextFeatures) -> npt.NDArray[np.int32]:
        """As of a ``HashVocabulary``, but 0 for the n-grams of a token whose word is known.

        The features of a title's token must stand together, its word first.
        """
        ids = lookup(self.hashes, features.hashes)
        if not len(ids):
            return ids
        product = np.repeat(np.arange(len(features)), np.diff(features.offsets))
        new = np.ones(len(ids), np.bool_)
        same = (product[1:] == product[:-1]) & (features.tokens[1:] == features.tokens[:-1])
        new[1:] = ~(same & (features.fields[1:] == features.fields[:-1]))
        run = np.cumsum(new) - 1
        word_known = (ids > 0)[new][run]
        ids[~new & word_known & (features.fields == _TITLE)] = 0
        return ids


@dataclass(frozen=True, slots=True)
class PieceVocabulary:
    """Word pieces, whose features are their numbers already."""

    size: int

    def __len__(self) -> int:
        return self.size

    def ids(self, features: TextFeatures) -> npt.NDArray[np.int32]:
        """1 + the number of each piece."""
        return features.hashes.astype(np.int32) + 1


def lookup(vocabulary: Hashes, hashes: Hashes) -> npt.NDArray[np.int32]:
    """Ids [M] of hashes [M]: 1 + the position in the sorted vocabulary [V], or 0 where it is not there."""
    if len(vocabulary) == 0:
        return np.zeros(len(hashes), np.int32)
    at = np.searchsorted(vocabulary, hashes)
    at[at == len(vocabulary)] = 0
    known = vocabulary[at] == hashes
    return np.where(known, at + 1, 0).astype(np.int32)


def padded(ragged: RaggedIds) -> npt.NDArray[np.int32]:
    """Known ids [N, T] of ragged ids, padded with 0; T is at least 1."""
    rows = np.repeat(np.arange(len(ragged)), np.diff(ragged.offsets))
    known = ragged.ids > 0
    rows, ids = rows[known], ragged.ids[known]
    lengths = np.bincount(rows, minlength=len(ragged))
    starts = np.cumsum(lengths) - lengths
    out = np.zeros((len(lengths), max(1, int(lengths.max(initial=0)))), np.int32)
    out[rows, np.arange(len(rows)) - starts[rows]] = ids
    return out


def wrapped(ragged: RaggedIds, prefix: Sequence[int], suffix: Sequence[int], longest: int) -> npt.NDArray[np.int32]:
    """Ids [N, T] of word pieces between a model's special pieces, padded with 0; T is at least 1.

    Args:
        prefix: ids of what stands before a text, ``suffix`` after it.
        longest: pieces of a text that are read, special ones not counted; the rest is cut off.
    """
    lengths = np.minimum(np.diff(ragged.offsets), longest)
    out = np.zeros((len(ragged), max(1, len(prefix) + int(lengths.max(initial=0)) + len(suffix))), np.int32)
    rows = np.repeat(np.arange(len(ragged)), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out[:, : len(prefix)] = prefix
    out[rows, len(prefix) + within] = ragged.ids[np.repeat(ragged.offsets[:-1], lengths) + within]
    for at, piece in enumerate(suffix):
        out[np.arange(len(ragged)), len(prefix) + lengths + at] = piece
    return out

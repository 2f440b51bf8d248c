"""Features for word vectors: every word of a product, and the n-grams that can stand for a title's word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from multimodal.text.fields import TextFields
from multimodal.text.hashing import Hashes, TokenHashes, char_hashes, word_hash
from multimodal.types import TEXT_INPUTS, TextFeatures

SUBWORDS = (3, 5)
_SALT = 128
_PREFIXES = (b"wt", b"wd", b"wc")
"""A word has a row of its own in each field, for it weighs differently there."""


class WordFeatures:
    """The words of products as features, numbered like the tokens of ``TextKitchen.features``."""

    def __init__(self) -> None:
        self._title = TokenHashes(_PREFIXES[0], *SUBWORDS, _SALT)

    def features(self, fields: Sequence[TextFields]) -> TextFeatures:
        """For each product: each word of the title and its n-grams, then the words of the other fields."""
        parts = [self._product(f) for f in fields]
        offsets = np.cumsum([0, *(len(hashes) for hashes, _, _ in parts)])
        if not offsets[-1]:
            empty = np.empty(0, np.uint32)
            return TextFeatures(empty, empty.astype(np.int32), empty.astype(np.uint8), offsets)
        hashes, tokens, kinds = (np.concatenate(column) for column in zip(*parts, strict=True))
        return TextFeatures(hashes, tokens, kinds, offsets)

    def _product(self, fields: TextFields) -> tuple[Hashes, npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        title = self._title.get(fields.title) if fields.title else []
        counts = [len(hashes) for hashes in title]
        numbers, words = _value_words(fields)
        others = [word_hash(word, _PREFIXES[1]) for word in fields.description]
        others += [word_hash(word, _PREFIXES[2]) for word in words]
        first = len(title)
        tokens = [*range(first, first + len(fields.description)), *numbers]
        hashes = np.concatenate([*title, np.array(others, np.uint32)])
        field = np.repeat(
            np.arange(len(TEXT_INPUTS), dtype=np.uint8), [sum(counts), len(fields.description), len(words)]
        )
        return hashes, np.concatenate([np.repeat(np.arange(first), counts), tokens]).astype(np.int32), field


def _value_words(fields: TextFields) -> tuple[list[int], list[str]]:
    """The words of all values, and their numbers: each pair counts as a token before its words."""
    numbers: list[int] = []
    words: list[str] = []
    at = len(fields.title) + len(fields.description)
    for _, value in fields.characteristics:
        numbers.extend(range(at + 1, at + 1 + len(value)))
        words.extend(value)
        at += 1 + len(value)
    return numbers, words


def word_rows(words: Sequence[str]) -> tuple[Hashes, Hashes, Hashes]:
    """The hashes by which words are found in the title, the description and the values, uint32 [N] each."""
    title, description, values = (
        np.fromiter((word_hash(word, prefix) for word in words), np.uint32, len(words)) for prefix in _PREFIXES
    )
    return title, description, values


def subword_rows(words: Sequence[str]) -> list[Hashes]:
    """The hashes of the n-grams of each word of a title."""
    return char_hashes(words, *SUBWORDS, _SALT)


def distinct(fields: Iterable[TextFields]) -> set[str]:
    """Every word of some products."""
    return {
        word
        for f in fields
        for word in chain(f.title, f.description, chain.from_iterable(pair[1] for pair in f.characteristics))
    }

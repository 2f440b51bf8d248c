"""The text kitchen: products in, hashed features out; the same in training and in serving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from multimodal.text.fields import FieldReader, TextFields
from multimodal.text.hashing import Hashes, TokenHashes, follow, word_hash
from multimodal.text.lemmas import get_lemmatizer
from multimodal.text.settings import TextKitchenConfig
from multimodal.types import TEXT_INPUTS, Product, TextFeatures

VERSION: Final = 1
"""Raised whenever the same product would give other features; a bundle keeps the one it was trained with."""

Ints = npt.NDArray[np.int64]

_TITLE, _DESCRIPTION, _CHARACTERISTICS = range(len(TEXT_INPUTS))
_VALUE_CHARS = (3, 5)
_TITLE_SALT, _VALUE_SALT = 0, 64


class TextKitchen:
    """Cleans, tokenises and hashes the text of products.

    Features by field: the title gives words, word n-grams and character n-grams of its words; the
    description words and bigrams; a characteristic ``name=value`` whole, ``name=word`` for each word of
    the value, and character n-grams of those words. Each kind hashes in a namespace of its own.
    """

    VERSION: ClassVar[int] = VERSION

    def __init__(self, config: TextKitchenConfig | None = None) -> None:
        """Raises ConfigError or MissingExtraError for a lemmatizer or tokenizer that is not to be had."""
        self.config = config or TextKitchenConfig()
        self._reader = FieldReader(self.config.tokenizer, get_lemmatizer(self.config.lemmas))
        self._title = TokenHashes(b"t", self.config.char_min, self.config.char_max, _TITLE_SALT)
        self._values = TokenHashes(None, *_VALUE_CHARS, _VALUE_SALT)

    def __reduce__(self) -> tuple[type[TextKitchen], tuple[TextKitchenConfig]]:
        return TextKitchen, (self.config,)

    def fields(self, product: Product) -> TextFields:
        """The tokens of a product's text.

        Raises:
            InputError: ``title_too_long``, ``description_too_long`` or ``characteristics_too_long``.
        """
        return self._reader.read(product)

    def features(self, fields: Sequence[TextFields]) -> TextFeatures:
        """The features of N products; a product's own do not depend on the others of the batch.

        A product's tokens are numbered through: the words of the title, those of the description, then
        for each characteristic the pair as a whole followed by the words of its value. A word n-gram
        belongs to its first token.
        """
        titles = _lengths(f.title for f in fields)
        texts = _lengths(f.description for f in fields)
        out = _Parts()
        if titles.any():
            self._add_titles(out, fields, titles)
        if texts.any():
            self._add_descriptions(out, fields, texts, titles)
        if any(f.characteristics for f in fields):
            self._add_characteristics(out, fields, titles + texts)
        return out.join(len(fields))

    def _add_titles(self, out: _Parts, fields: Sequence[TextFields], lengths: Ints) -> None:
        product, token = _places(lengths)
        hashes = self._title.get(list(chain.from_iterable(f.title for f in fields)))
        counts = _lengths(hashes)
        flat = np.concatenate(hashes)
        out.add(_TITLE, flat, product.repeat(counts), token.repeat(counts))
        words = flat[np.cumsum(counts) - counts]  # a token's first hash is that of the word
        _add_word_ngrams(out, _TITLE, words, product, token, self.config.word_ngrams)

    def _add_descriptions(
        self, out: _Parts, fields: Sequence[TextFields], lengths: Ints, first: Ints
    ) -> None:
        product, token = _places(lengths)
        token = token + first.repeat(lengths)
        tokens = chain.from_iterable(f.description for f in fields)
        words = np.fromiter((word_hash(t, b"d") for t in tokens), dtype=np.uint32, count=len(product))
        out.add(_DESCRIPTION, words, product, token)
        _add_word_ngrams(out, _DESCRIPTION, words, product, token, min(2, self.config.word_ngrams))

    def _add_characteristics(self, out: _Parts, fields: Sequence[TextFields], first: Ints) -> None:
        hashes: list[int] = []
        product: list[int] = []
        token: list[int] = []
        values: list[str] = []
        is_word: list[bool] = []
        for row, (f, start) in enumerate(zip(fields, first.tolist(), strict=True)):
            begin = len(hashes)
            for name, words in f.characteristics:
                hashes.append(word_hash(f"{name}={' '.join(words)}", b"p"))
                hashes.extend(word_hash(f"{name}={word}", b"c") for word in words)
                is_word.extend((False, *(True for _ in words)))
                values.extend(words)
            product.extend([row] * (len(hashes) - begin))
            token.extend(range(start, start + len(hashes) - begin))
        products, tokens = np.array(product), np.array(token)
        out.add(_CHARACTERISTICS, np.array(hashes, dtype=np.uint32), products, tokens)
        grams = self._values.get(values)
        counts = _lengths(grams)
        words_only = np.array(is_word)
        flat = np.concatenate(grams) if grams else np.empty(0, dtype=np.uint32)
        out.add(
            _CHARACTERISTICS, flat, products[words_only].repeat(counts), tokens[words_only].repeat(counts)
        )


class _Parts:
    """Features gathered kind by kind, joined product by product."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, Hashes, Ints, Ints]] = []

    def add(self, field: int, hashes: Hashes, product: Ints, token: Ints) -> None:
        self._parts.append((field, hashes, product, token))

    def join(self, n: int) -> TextFeatures:
        offsets = np.zeros(n + 1, dtype=np.int64)
        if not self._parts:
            empty = np.empty(0, dtype=np.uint32)
            return TextFeatures(empty, empty.astype(np.int32), empty.astype(np.uint8), offsets)
        hashes = np.concatenate([part[1] for part in self._parts])
        tokens = np.concatenate([part[3] for part in self._parts]).astype(np.int32)
        fields = np.array([p[0] for p in self._parts], dtype=np.uint8).repeat(
            [len(p[1]) for p in self._parts]
        )
        if n > 1:
            product = np.concatenate([part[2] for part in self._parts])
            order = np.argsort(product, kind="stable")
            hashes, tokens, fields = hashes[order], tokens[order], fields[order]
            np.cumsum(np.bincount(product, minlength=n), out=offsets[1:])
        else:
            offsets[1] = len(hashes)
        return TextFeatures(hashes, tokens, fields, offsets)


def _add_word_ngrams(
    out: _Parts, field: int, words: Hashes, product: Ints, token: Ints, longest: int
) -> None:
    runs = words
    for n in range(2, longest + 1):
        if len(words) < n:
            return
        runs = follow(runs[:-1], words[n - 1 :])
        same = product[: len(runs)] == product[n - 1 :]
        out.add(field, runs[same], product[: len(runs)][same], token[: len(runs)][same])


def _lengths(items: Iterable[Sequence[object] | Hashes]) -> Ints:
    return np.fromiter(map(len, items), dtype=np.int64)


def _places(lengths: Ints) -> tuple[Ints, Ints]:
    """For each of the tokens laid end to end: its product and its number within the product."""
    product = np.arange(len(lengths)).repeat(lengths)
    return product, np.arange(len(product)) - (np.cumsum(lengths) - lengths).repeat(lengths)

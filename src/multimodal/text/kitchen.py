"""The text kitchen: products in, hashed features out; the same in training and in serving."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import ClassVar, Final, Protocol

import numpy as np
import numpy.typing as npt

from multimodal.errors import InputError
from multimodal.text.fields import FieldReader, TextFields
from multimodal.text.hashing import Hashes, TokenHashes, follow, word_hash
from multimodal.text.lemmas import fold, get_lemmatizer
from multimodal.text.pieces import PieceFeatures
from multimodal.text.settings import TextKitchenConfig
from multimodal.text.steps import Steps
from multimodal.text.words import WordFeatures
from multimodal.types import TEXT_INPUTS, EncoderName, Product, TextFeatures

VERSION: Final = 1
"""Raised whenever the same product would give other features; a bundle keeps the one it was trained with."""

Ints = npt.NDArray[np.int64]

_TITLE, _DESCRIPTION, _CHARACTERISTICS = range(len(TEXT_INPUTS))
_VALUE_CHARS = (3, 5)
_TITLE_SALT, _VALUE_SALT = 0, 64


class Encoder(Protocol):
    """The kitchen's half of a text encoder."""

    def features(self, fields: Sequence[TextFields]) -> TextFeatures:
        """What it takes of N products; a product's own does not depend on the others of the batch."""
        ...


class TextKitchen:
    """Cleans, tokenises and hashes the text of products.

    Features by field: the title gives words, word n-grams and character n-grams of its words; the
    description words and bigrams; a characteristic ``name=value`` whole, ``name=word`` for each word of
    the value, and character n-grams of those words. Each kind hashes in a namespace of its own. Words are
    lemmas; characters are those of the word as it is written, case-folded, for its ending tells something too.
    """

    VERSION: ClassVar[int] = VERSION

    def __init__(self, config: TextKitchenConfig | None = None, *, tokenizer: str | Path | None = None) -> None:
        """``tokenizer``: the ``tokenizer.json`` of the sentence encoder, where there is one.

        Raises ConfigError or MissingExtraError for a lemmatizer or tokenizer that is not to be had.
        """
        self.config = config or TextKitchenConfig()
        self._others: dict[EncoderName, Encoder] = {}
        if "navec" in self.config.encoders:
            self._others["navec"] = WordFeatures()
        if "sentence" in self.config.encoders:
            assert tokenizer is not None, "a sentence encoder comes with its tokenizer"
            self._others["sentence"] = PieceFeatures(tokenizer, self.config.longest)
        self._tokenizer = tokenizer
        steps = Steps(self.config.tokenizer, self.config.steps)
        self._reader = FieldReader(steps, get_lemmatizer(self.config.lemmas))
        self._lemmas = self.config.lemmas != "none"
        letters = (self.config.char_min, self.config.char_max, _TITLE_SALT)
        self._title = TokenHashes(b"t", *letters)
        self._letters = TokenHashes(None, *letters)
        self._values = TokenHashes(None, *_VALUE_CHARS, _VALUE_SALT)

    def __reduce__(self) -> tuple[Callable[..., TextKitchen], tuple[TextKitchenConfig]]:
        return partial(TextKitchen, tokenizer=self._tokenizer), (self.config,)

    def fields(self, product: Product) -> TextFields:
        """The tokens of a product's text.

        Raises:
            InputError: ``title_too_long``, ``description_too_long`` or ``characteristics_too_long``.
        """
        return self._reader.read(product)

    def fields_of(self, products: Sequence[Product]) -> list[TextFields | InputError]:
        """The tokens of each product's text, or the error that ``fields`` would raise for it, in its place.

        A product's own do not depend on the others. With the lemmas "tagger" it is faster than ``fields``.
        """
        return self._reader.read_all(products)

    def encode(self, fields: Sequence[TextFields]) -> dict[EncoderName, TextFeatures]:
        """What each encoder takes of N products."""
        found = {name: encoder.features(fields) for name, encoder in self._others.items()}
        return {"ngrams": self.features(fields), **found} if "ngrams" in self.config.encoders else found

    def features(self, fields: Sequence[TextFields]) -> TextFeatures:
        """The n-grams of N products; a product's own do not depend on the others of the batch.

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
        tokens = list(chain.from_iterable(f.title for f in fields))
        if self._lemmas:
            words = np.fromiter((word_hash(t, b"t") for t in tokens), dtype=np.uint32, count=len(product))
            out.add(_TITLE, words, product, token)
            hashes = self._letters.get(_written(chain.from_iterable(f.title_words for f in fields), tokens))
        else:
            hashes = self._title.get(tokens)
        counts = _lengths(hashes)
        flat = np.concatenate(hashes)
        out.add(_TITLE, flat, product.repeat(counts), token.repeat(counts))
        if not self._lemmas:
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
        if self._lemmas:
            values = _written(chain.from_iterable(w for f in fields for w in f.characteristic_words), values)
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


def _written(words: Iterable[str], lemmas: list[str]) -> list[str]:
    """The words as written, case-folded; their lemmas for fields made by hand that hold nothing else."""
    return [fold(word) for word in words] or lemmas


def _lengths(items: Iterable[Sequence[object] | Hashes]) -> Ints:
    return np.fromiter(map(len, items), dtype=np.int64)


def _places(lengths: Ints) -> tuple[Ints, Ints]:
    """For each of the tokens laid end to end: its product and its number within the product."""
    product = np.arange(len(lengths)).repeat(lengths)
    return product, np.arange(len(product)) - (np.cumsum(lengths) - lengths).repeat(lengths)

"""From a product to the tokens of its text fields: caps, cleaning, tokens, lemmas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from multimodal.errors import InputError
from multimodal.protocols import Lemmatizer
from multimodal.text.characteristics import parse_characteristics, render_characteristics
from multimodal.text.cleaning import normalise
from multimodal.text.scalars import is_missing, text_of
from multimodal.text.tokens import tokenise
from multimodal.types import Characteristics, InputName, Product

TITLE_CAP = 1_000
LONG_TEXT_CAP = 20_000
"""Characters of a description, and of characteristics as they came or as rendered from a mapping."""

TokenPair = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TextFields:
    """The tokens of one product's text.

    Attributes:
        title: lemmas in order.
        description: lemmas in order.
        characteristics: (name, lemmas of the value) for each pair with a value.
        present: the text inputs that hold at least one token.
        warnings: what the answer should mention.
    """

    title: tuple[str, ...] = ()
    description: tuple[str, ...] = ()
    characteristics: tuple[TokenPair, ...] = ()
    present: frozenset[InputName] = frozenset()
    warnings: tuple[str, ...] = ()


class FieldReader:
    """Reads ``TextFields`` with one tokenizer and one lemmatizer."""

    def __init__(self, tokenizer: str, lemmatizer: Lemmatizer) -> None:
        """Raises MissingExtraError when the tokenizer's extra is not installed."""
        tokenise("", tokenizer)
        self._tokenizer = tokenizer
        self._lemmatizer = lemmatizer
        self._name = lru_cache(maxsize=4096)(lambda name: " ".join(self._tokens(name)))

    def read(self, product: Product) -> TextFields:
        """The tokens of a product; InputError when a field is over its cap, or no text."""
        raw_title = text_of(product.title, "title")
        raw_description = text_of(product.description, "description")
        _check_cap("title", raw_title, TITLE_CAP)
        _check_cap("description", raw_description, LONG_TEXT_CAP)
        title = self._tokens(raw_title) if raw_title else ()
        description = self._tokens(raw_description) if raw_description else ()
        pairs = () if is_missing(product.characteristics) else self._pairs(product.characteristics)
        present: list[InputName] = ["title"] if title else []
        if description:
            present.append("description")
        if pairs:
            present.append("characteristics")
        warnings: tuple[str, ...] = ()
        if not title and raw_title.strip():
            warnings = (
                f"the title has no word or number in it (got {raw_title[:40]!r}), so it counts as absent",
            )
        return TextFields(title, description, pairs, frozenset(present), warnings)

    def _tokens(self, text: str) -> tuple[str, ...]:
        return tuple(self._lemmatizer.lemmas(tokenise(normalise(text), self._tokenizer)))

    def _pairs(self, value: Characteristics | None) -> tuple[TokenPair, ...]:
        if not isinstance(value, Mapping | Sequence | Set):  # a number that stands alone in the column, say
            value = text_of(value, "characteristics")
        if isinstance(value, str):
            _check_cap("characteristics", value, LONG_TEXT_CAP)
        else:
            _check_cap("characteristics", render_characteristics(value), LONG_TEXT_CAP)
        pairs = []
        for name, text in parse_characteristics(value):
            if tokens := self._tokens(text):
                pairs.append((self._name(name), tokens))
        return tuple(pairs)


def _check_cap(field: str, text: str, cap: int) -> None:
    if len(text) > cap:
        raise InputError(
            f"{field}: got {len(text):,} characters, expected at most {cap:,}; shorten it",
            code=f"{field}_too_long",
        )

"""From products to the tokens of their text fields: caps, cleaning, tokens, lemmas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from multimodal.errors import InputError
from multimodal.protocols import Lemmatizer
from multimodal.text.characteristics import parse_characteristics, rendered_length
from multimodal.text.scalars import is_missing, text_of
from multimodal.text.steps import Steps
from multimodal.types import Characteristics, InputName, Product

TITLE_CAP = 1_000
LONG_TEXT_CAP = 20_000
"""Characters of a description, and of characteristics as they came or as rendered from a mapping."""

Words = tuple[str, ...]
TokenPair = tuple[str, Words]


@dataclass(frozen=True, slots=True)
class TextFields:
    """The tokens of one product's text.

    Every word stands twice, at the same place: as its lemma, which is what features are made of, and as it
    is written after cleaning and the kitchen's steps, for people and for encoders that want whole sentences.

    Attributes:
        title: lemmas in order.
        description: lemmas in order.
        characteristics: (name, lemmas of the value) for each pair with a value.
        present: the text inputs that hold at least one token.
        warnings: what the answer should mention.
        title_words: as many as ``title``.
        description_words: as many as ``description``.
        characteristic_words: of the values, as many as ``characteristics``, each as long as its lemmas.
    """

    title: Words = ()
    description: Words = ()
    characteristics: tuple[TokenPair, ...] = ()
    present: frozenset[InputName] = frozenset()
    warnings: Words = ()
    title_words: Words = ()
    description_words: Words = ()
    characteristic_words: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A product's words before their lemmas are known."""

    title: Words
    description: Words
    names: Words
    values: tuple[Words, ...]
    warnings: Words

    def texts(self) -> tuple[Words, ...]:
        return (self.title, self.description, *self.values)

    def finish(self, lemmas: Iterator[list[str]]) -> TextFields:
        """The fields, given the lemmas of each of ``texts``."""
        title, description = tuple(next(lemmas)), tuple(next(lemmas))
        pairs = tuple((name, tuple(next(lemmas))) for name in self.names)
        present: list[InputName] = ["title"] if title else []
        if description:
            present.append("description")
        if pairs:
            present.append("characteristics")
        return TextFields(
            title,
            description,
            pairs,
            frozenset(present),
            self.warnings,
            self.title,
            self.description,
            self.values,
        )


class FieldReader:
    """Reads ``TextFields``: words by the steps, lemmas by the lemmatizer. Safe to share between threads."""

    def __init__(self, steps: Steps, lemmatizer: Lemmatizer) -> None:
        self._steps = steps
        self._lemmatizer = lemmatizer
        self._name = lru_cache(maxsize=4096)(lambda name: " ".join(lemmatizer.lemmas(steps.words(name))))

    def read(self, product: Product) -> TextFields:
        """The tokens of a product; InputError when a field is over its cap, or no text."""
        draft = self._draft(product)
        return draft.finish(iter(self._lemmatizer.lemmas_of(draft.texts())))

    def read_all(self, products: Sequence[Product]) -> list[TextFields | InputError]:
        """The tokens of each product, or the error of those that ``read`` would raise one for."""
        drafts = [self._attempt(product) for product in products]
        texts = [text for draft in drafts if isinstance(draft, _Draft) for text in draft.texts()]
        lemmas = iter(self._lemmatizer.lemmas_of(texts))
        return [draft.finish(lemmas) if isinstance(draft, _Draft) else draft for draft in drafts]

    def _attempt(self, product: Product) -> _Draft | InputError:
        try:
            return self._draft(product)
        except InputError as error:
            return error

    def _draft(self, product: Product) -> _Draft:
        raw_title = text_of(product.title, "title")
        raw_description = text_of(product.description, "description")
        _check_cap("title", raw_title, TITLE_CAP)
        _check_cap("description", raw_description, LONG_TEXT_CAP)
        title = self._steps.words(raw_title) if raw_title else ()
        description = self._steps.words(raw_description) if raw_description else ()
        pairs = [] if is_missing(product.characteristics) else self._pairs(product.characteristics)
        warnings: Words = ()
        if not title and raw_title.strip():
            warnings = (
                f"the title has no word or number in it (got {raw_title[:40]!r}), so it counts as absent",
            )
        names, values = tuple(name for name, _ in pairs), tuple(words for _, words in pairs)
        return _Draft(title, description, names, values, warnings)

    def _pairs(self, value: Characteristics | None) -> list[tuple[str, Words]]:
        """Lemmas of the name and words of the value, of each pair with a value."""
        if not isinstance(value, Mapping | Sequence | Set):  # a number that stands alone in the column, say
            value = text_of(value, "characteristics")
        if isinstance(value, str):
            _check_cap("characteristics", value, LONG_TEXT_CAP)
            value = self._steps.characteristics(value)
        else:
            length = rendered_length(value, LONG_TEXT_CAP)
            if length > LONG_TEXT_CAP:
                raise InputError(
                    f"characteristics: got {length:,} characters, expected at most {LONG_TEXT_CAP:,} (counted no "
                    "further); shorten them",
                    code="characteristics_too_long",
                )
        found = []
        for name, text in parse_characteristics(value):
            if words := self._steps.words(text):
                found.append((self._name(name), words))
        return found


def over_cap(product: Product, names: Iterable[InputName]) -> InputError | None:
    """Of fields that nobody reads, the error of the first text over its cap: a product may be refused for any."""
    for name in names:
        value = getattr(product, name)
        try:
            _check_cap(name, value if isinstance(value, str) else "", TITLE_CAP if name == "title" else LONG_TEXT_CAP)
        except InputError as error:
            return error
    return None


def _check_cap(field: str, text: str, cap: int) -> None:
    if len(text) > cap:
        raise InputError(
            f"{field}: got {len(text):,} characters, expected at most {cap:,}; shorten it",
            code=f"{field}_too_long",
        )

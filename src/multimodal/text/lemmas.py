"""Lemmatizers by name, behind the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from multimodal.errors import ConfigError, nearest
from multimodal.protocols import Lemmatizer


def fold(token: str) -> str:
    """The token without case, and with е for ё, as sellers write either."""
    return token.casefold().replace("ё", "е")


class CaseFold:
    """No dictionary: folds case, and ё into е."""

    name = "none"

    def lemmas(self, tokens: Sequence[str]) -> list[str]:
        """Folded ``tokens``, one for each."""
        return [token.casefold().replace("ё", "е") for token in tokens]

    def lemmas_of(self, texts: Sequence[Sequence[str]]) -> list[list[str]]:
        """Folded tokens of each text."""
        return [self.lemmas(tokens) for tokens in texts]


def _dictionary() -> Lemmatizer:
    from multimodal.text.dictionary import DictionaryLemmas

    return DictionaryLemmas()


def _tagger() -> Lemmatizer:
    from multimodal.text.tagger import TaggerLemmas

    return TaggerLemmas()


LEMMATIZERS: dict[str, Callable[[], Lemmatizer]] = {"none": CaseFold, "dictionary": _dictionary, "tagger": _tagger}


def get_lemmatizer(name: str) -> Lemmatizer:
    """The lemmatizer of this name, with its dictionary and model loaded.

    Raises:
        ConfigError: there is none of this name.
        MissingExtraError: ``dictionary`` or ``tagger`` without the [ru] extra.
    """
    found = LEMMATIZERS.get(name)
    if found is None:
        raise ConfigError(
            f"text.lemmas: unknown lemmatizer {name!r}; expected one of {', '.join(LEMMATIZERS)}."
            f"{nearest(name, LEMMATIZERS)}"
        )
    return found()

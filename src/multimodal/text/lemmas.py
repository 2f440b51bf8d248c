"""Lemmatizers by name, behind the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from multimodal.errors import ConfigError, nearest
from multimodal.protocols import Lemmatizer


class CaseFold:
    """No dictionary: folds case, and ё into е, as sellers write either."""

    name = "none"

    def lemmas(self, tokens: Sequence[str]) -> list[str]:
        """Folded ``tokens``, one for each."""
        return [token.casefold().replace("ё", "е") for token in tokens]


_LEMMATIZERS: dict[str, type[Lemmatizer]] = {"none": CaseFold}


def get_lemmatizer(name: str) -> Lemmatizer:
    """The lemmatizer of this name; ConfigError when there is none."""
    found = _LEMMATIZERS.get(name)
    if found is None:
        known = ", ".join(sorted(_LEMMATIZERS))
        raise ConfigError(
            f"text.lemmas: unknown lemmatizer {name!r}; expected one of {known}.{nearest(name, known)}"
        )
    return found()

"""Lengths and writing systems of titles."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from multimodal.text.tokens import tokenise

NO_LETTERS, MIXED = "no letters", "mixed"
_MAIN = 0.8
"""Share of a title's letters that one writing system must have, or the title counts as mixed."""


@dataclass(slots=True)
class TextProfile:
    """Titles of one split.

    Attributes:
        words: words of a title -> titles.
        characters: characters of a title -> titles.
        scripts: writing system -> titles; what language it is, letters alone do not tell.
        frequent: word -> times, over all titles.
    """

    words: Counter[int] = field(default_factory=Counter)
    characters: Counter[int] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    frequent: Counter[str] = field(default_factory=Counter)

    def add(self, title: str) -> None:
        """Counts one title."""
        words = tokenise(title.casefold())
        self.words[len(words)] += 1
        self.characters[len(title)] += 1
        self.scripts[script_of(title)] += 1
        self.frequent.update(words)


def script_of(text: str) -> str:
    """The writing system of most letters: "Latin", "Cyrillic" and so on; "mixed", or "no letters"."""
    letters = Counter(_script(sign) for sign in text if sign.isalpha())
    if not letters:
        return NO_LETTERS
    ((name, count),) = letters.most_common(1)
    return name if count >= _MAIN * letters.total() else MIXED


@lru_cache(maxsize=4096)
def _script(sign: str) -> str:
    """The first word of a letter's Unicode name is its writing system."""
    return unicodedata.name(sign, "other").split(" ")[0].capitalize()


def quantile(counts: Counter[int], share: float) -> int:
    """The smallest value that at least this share of the counted ones do not exceed; 0 of nothing."""
    wanted, seen = share * counts.total(), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return 0

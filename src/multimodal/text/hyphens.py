"""Hyphenated words as their parts."""

from __future__ import annotations


def split_hyphens(word: str) -> list[str]:
    """The parts of «юбка-шорты»; the word as it is where a part is a single sign («T-shirt», «X-образный»)."""
    parts = word.split("-")
    return parts if min(map(len, parts)) > 1 else [word]

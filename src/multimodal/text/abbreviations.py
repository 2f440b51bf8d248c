"""Writes out what sellers shorten: «муж.», «х/б», «д/лица»."""

from __future__ import annotations

import re
from collections.abc import Iterable

from multimodal.text.abbreviation_table import DOTTED, PREFIXES, SLASHED
from multimodal.text.lookalikes import CYRILLIC, LATIN, TO_CYRILLIC

_DOUBLES = dict(zip(CYRILLIC, LATIN, strict=True))


def _any(words: Iterable[str]) -> str:
    """A pattern of the words, the longest first; letters may be Latin ones that look the same."""
    spelled = ("".join(f"[{c}{_DOUBLES[c]}]" if c in _DOUBLES else re.escape(c) for c in word) for word in words)
    return "|".join(sorted(spelled, key=len, reverse=True))


_PATTERN = re.compile(
    rf"(?<![\w/-])(?:(?P<slashed>{_any(SLASHED)})(?![\w/-])\.?"
    rf"|(?P<dotted>{_any(DOTTED)})\."
    rf"|(?P<prefix>{_any(PREFIXES)})/(?=[а-яё]{{3}}))",
    re.IGNORECASE,
)
_CYRILLIC_LETTER = re.compile(r"[Ѐ-ӿ]")


def write_out(text: str) -> str:
    """Writes abbreviations out; every other slash and dot stays as it is."""
    # «д/муж.» is one within the other; each round takes a slash or a dot away, so there is an end.
    while ("/" in text or "." in text) and (written := _PATTERN.sub(_full, text)) != text:
        text = written
    return text


def _full(match: re.Match[str]) -> str:
    if not _CYRILLIC_LETTER.search(match[0]):  # «c/c» all in Latin letters is another matter
        return match[0]
    word = match[0].lower().translate(TO_CYRILLIC).rstrip(".")
    if match["prefix"]:
        return PREFIXES[word[:-1]] + " "
    return (SLASHED[word] if match["slashed"] else DOTTED[word]) + " "

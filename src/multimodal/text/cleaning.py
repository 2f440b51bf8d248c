"""Brings any string to one form: the first step of the text kitchen."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>")
# NFKC sorts a run of combining marks in quadratic time: no piece may be long. Cuts fall before a space.
_PIECE = re.compile(r".{1,512}(?=\s)|.{1,512}", re.DOTALL)
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_FILLERS = "\u115f\u1160"  # letters by category, yet nothing to see


def normalise(text: str) -> str:
    """Unescapes HTML, drops tags and characters that nobody sees, applies NFKC and collapses whitespace.

    Works for every str, lone surrogates too (they are dropped).
    """
    if "&" in text:
        text = unescape(text)
    if not text.isascii():
        text = "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECE.findall(text))
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.isprintable() or _FILLERS[0] in text or _FILLERS[1] in text:
        text = text.translate(_replacements(text))
    return " ".join(text.split())


def _replacements(text: str) -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for character in set(text):
        if character.isspace():
            table[ord(character)] = " "
        elif character in _FILLERS or unicodedata.category(character) in _UNSEEN:
            table[ord(character)] = None
    return table

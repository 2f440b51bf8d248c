"""What web pages and exports leave in a text: entities escaped twice or cut short, new lines written out."""

from __future__ import annotations

import re
from html import unescape

_TIMES = 5
"""A text is escaped once by each system it went through."""
# Without its ampersand only what is no word: amp, minus and shy are.
_NO_WORDS = "quot|nbsp|laquo|raquo|lsquo|rsquo|ldquo|rdquo|bdquo|mdash|ndash|hellip"
_CUT = re.compile(rf"&(?:{_NO_WORDS}|amp|apos|minus|bull|middot|shy|zwnj)\b;?|\b(?:{_NO_WORDS});")
# Only before what cannot go on the letter: of a path such as C:\new nothing is taken away.
_WRITTEN_OUT = re.compile(r"(?:\\[rnt])+(?![a-z])")
# …and of those that have lost their backslash only what stands between Russian letters, or before them.
_BARE = re.compile(r"(?<![A-Za-z\d])n+(?=[А-Яа-яЁё])")
_LINE = re.compile(r"<(?:br|hr)\s*/?>|</(?:p|li|tr|div|dd|h[1-6])\s*>", re.IGNORECASE)


def drop_leftovers(text: str) -> str:
    """Unescapes HTML as often as it was escaped; cut entities and a written-out ``\\n`` become spaces.

    Tags stay, for ``normalise`` takes them out.
    """
    for _ in range(_TIMES):
        if "&" not in text or (plain := unescape(text)) == text:
            break
        text = plain
    if "&" in text or ";" in text:
        text = _CUT.sub(" ", text)
    if "\\" in text:
        text = _WRITTEN_OUT.sub(" ", text)
    return _BARE.sub(" ", text) if "n" in text else text


def lines_of(text: str) -> str:
    """Tags that end a line as new lines, which the grammar of characteristics reads as the end of a pair."""
    if "\\" in text:
        text = _WRITTEN_OUT.sub("\n", text)
    text = drop_leftovers(text)
    return _LINE.sub("\n", text) if "<" in text else text

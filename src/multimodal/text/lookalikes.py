"""Letters of another alphabet that look the same («Mолоко» with a Latin M, «Nikе» with a Cyrillic е)."""

from __future__ import annotations

import re

LATIN = "ABCEHKMOPTXYaceopxyk"
CYRILLIC = "АВСЕНКМОРТХУасеорхук"
TO_CYRILLIC = str.maketrans(LATIN + "Ëë", CYRILLIC + "Ёё")
TO_LATIN = str.maketrans(CYRILLIC, LATIN)

_IS_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]")
_IS_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_WORD = re.compile(r"[^\W_]+(?:[-'’\u2010][^\W_]+)*")
# Two words without a space: the capitals of the one stand beside small letters of the other.
_GLUED = re.compile(r"[а-яё][A-Z]{2}|[A-Z]{2}[а-яё]|[a-z][А-ЯЁ]{2}|[А-ЯЁ]{2}[a-z]")
_SIGN = re.compile(r"([-'’\u2010])")


def own_alphabet(text: str) -> str:
    """Brings every word back to the alphabet it is written in, where letters of the other one only look alike.

    Each part of a hyphenated word is looked at by itself («USB-кабель» has two alphabets by right), but a part
    of a single letter goes with the others («T-shirt», «С-образный»). In a part the letters of one alphabet change
    when they are the fewer and each has a double in the other. What is mixed on purpose stays («USBшнур»).
    """
    if text.isascii() or not _IS_LATIN.search(text) or not _IS_CYRILLIC.search(text):
        return text
    return _WORD.sub(_word, text)


def _word(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii() or not _IS_LATIN.search(word):
        return word
    pieces = _SIGN.split(word)
    pieces[::2] = [_part(piece) for piece in pieces[::2]]
    if len(pieces) > 1:
        pieces[::2] = _single_letters(pieces[::2])
    return "".join(pieces)


def _part(part: str) -> str:
    latin, cyrillic = _IS_LATIN.findall(part), _IS_CYRILLIC.findall(part)
    if not latin or not cyrillic or _GLUED.search(part):
        return part
    latin_alike = all(ord(c) in TO_CYRILLIC for c in latin)
    cyrillic_alike = all(ord(c) in TO_LATIN for c in cyrillic)
    if latin_alike and len(latin) < len(cyrillic):
        return part.translate(TO_CYRILLIC)
    if cyrillic_alike and len(cyrillic) < len(latin):
        return part.translate(TO_LATIN)
    return part


def _single_letters(parts: list[str]) -> list[str]:
    others = "".join(part for part in parts if len(part) > 1)
    latin, cyrillic = bool(_IS_LATIN.search(others)), bool(_IS_CYRILLIC.search(others))
    if latin == cyrillic:  # both or none: nothing to go with
        return parts
    table = TO_LATIN if latin else TO_CYRILLIC
    return [part.translate(table) if len(part) == 1 else part for part in parts]

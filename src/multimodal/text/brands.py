"""Brand names that every seller writes in another way, each as the same words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_ACCENTED = re.compile(r"[\u00c0-\u00ff\u0100-\u017f]+")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’‘`ʼ′]((?![sS]\b)[^\W\d_])")
_OTHER_POSSESSIVE = re.compile(r"(?<=[^\W\d_])[‘`ʼ′](?=[sS]\b)")
_SIGNED = re.compile(r"(?<!\w)([^\W\d_]+(?:[!$@][^\W\d_]+)+|[^\W\d_]{1,2}&[^\W\d_]{1,2})(?:'[sS])?(?!\w)")
_CAPITAL = re.compile(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])")
_SHORTEST = 4


def plain_names(text: str) -> str:
    """Latin letters lose their accents and names their apostrophes: «Nestlé» -> «Nestle», «L'Oréal» -> «LOreal».

    The English possessive keeps its own («Lay`s» -> «Lay's»), for tokenisers know it.
    """
    if not text.isascii():
        text = _ACCENTED.sub(lambda match: _bare(match[0]), text)
    return _APOSTROPHE.sub(r"\1", _OTHER_POSSESSIVE.sub("'", text))


def split_signed(text: str) -> Iterator[tuple[str, str]]:
    """Cuts a text at names with a sign inside («Пр!ст», «M&M»): pieces, each with the name behind it, or "".

    An ampersand joins only what would be no word without it: «томаты&чеснок» are two.
    """
    parts = _SIGNED.split(text)
    yield from zip(parts[::2], [*parts[1::2], ""], strict=True)


def split_capitals(word: str) -> list[str]:
    """The words of «КокаКола», where each has four letters; «iPhone», «MacBook» and «КотоПёс» stay whole."""
    if len(word) < 2 * _SHORTEST or word.islower() or word.isupper():
        return [word]
    parts = _CAPITAL.split(word)
    return parts if min(map(len, parts)) >= _SHORTEST else [word]


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in letters if not unicodedata.combining(c)))

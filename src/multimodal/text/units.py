"""Amounts with their units, sizes and ranges in one spelling: «0,3 кг» and «300гр.» are both «300» and «г»."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Final

_SPELLINGS: Final = {
    "мкг": "мкг mcg μg",
    "мг": "мг mg миллиграмм миллиграмма миллиграммов",
    "г": "гр грамм грамма граммов gr gram grams",
    "кг": "кг kg килограмм килограмма килограммов",
    "мл": "мл ml миллилитр миллилитра миллилитров",
    "л": "литр литра литров liter liters litre litres",
    "мм": "мм mm миллиметр миллиметра миллиметров",
    "см": "см cm сантиметр сантиметра сантиметров",
    "м": "метр метра метров",
    "шт": "шт штук штука штуки pcs",
    "уп": "уп упак упаковка упаковки упаковок",
    "пар": "пар пара пары",
    "таб": "таб табл таблетка таблетки таблеток",
    "капс": "капс капсула капсулы капсул",
    "пак": "пак пакетик пакетика пакетиков",
    "вт": "вт ватт",
    "квт": "квт kw",
    "в": "вольт",
    "мач": "мач mah",
    "гб": "гб gb",
    "тб": "тб tb",
    "дюйм": "дюйм дюйма дюймов inch",
}
_LETTERS: Final = {"г": "г", "g": "г", "л": "л", "l": "л", "м": "м", "m": "м"}
_CAPITALS: Final = {"Г": "г", "Л": "л", "L": "л", "М": "м", "В": "в", "V": "в", "W": "вт"}
"""Units only where no space parts them from the number: «2 L» is a size, and «в» a preposition."""
_SMALLER: Final = {"кг": ("г", 1000), "л": ("мл", 1000), "квт": ("вт", 1000)}
"""Units in which the same goods are sold too."""

_UNITS = {word: unit for unit, words in _SPELLINGS.items() for word in words.split()}
_WORDS = "|".join(sorted(_UNITS, key=len, reverse=True))
_NUMBER = r"(?:\d{1,3}(?: 000)+|\d{1,7}(?:[.,]\d{1,4})?)(?![.,]?\d)"
_BETWEEN = r"(?:\s?[xXхХ×*]\s?|[-–—])"
_MEASURE = re.compile(
    r"(?<!\w)(?<!\d[.,])(?:(?P<known>\d(?-i:[DKGД]))(?!\w)"
    rf"|(?P<numbers>{_NUMBER}(?:{_BETWEEN}{_NUMBER})*)"
    rf"(?:(?P<gap>\s?)(?:(?P<sign>[%°])|(?P<unit>{_WORDS}|[гgлlмmвvw])(?!\w|/[^\W\d])\.?))?)",
    re.IGNORECASE,
)
_SIGN = re.compile(rf"({_BETWEEN})")


def split_measures(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Cuts a text at its amounts, sizes and ranges.

    Yields:
        A piece of the text, and the words of the measure behind it; none behind the last piece. «300гр.» gives
        «300» and «г», «10 х 15см» «10x15» and «см», «42–44» «42-44», «3Д» «3D»; a number alone stays in the piece.
        Number and unit stay two words: a unit tells of the goods by itself, and word pairs hold both.
    """
    start = 0
    for match in _MEASURE.finditer(text):
        if words := _words(match):
            yield text[start : match.start()], words
            start = match.end() if match["known"] or len(words) > 1 else match.end("numbers")
    yield text[start:], ()


def _words(match: re.Match[str]) -> tuple[str, ...]:
    if match["known"]:
        return (match["known"].replace("Д", "D"),)
    unit = _unit(match) or ""
    parts = _SIGN.split(match["numbers"])
    if unit:
        smaller, factor = _SMALLER.get(unit, (unit, 1))
        return (_joined(parts, factor), smaller)
    return (_joined(parts, 1),) if len(parts) > 1 else ()


def _unit(match: re.Match[str]) -> str | None:
    if match["sign"]:
        return match["sign"]
    spelled = match["unit"] or ""
    if len(spelled) == 1:
        return _LETTERS.get(spelled) or (_CAPITALS.get(spelled) if not match["gap"] else None)
    return _UNITS.get(spelled.lower())


def _joined(parts: list[str], factor: int) -> str:
    """Numbers and the signs between them, amounts by the factor between their unit and the smaller one."""
    signs = ["-" if part in "-–—" else "x" for part in parts[1::2]]
    # «6х1,5 л» is six of 1.5 litres, «1-2 л» one litre or two: what is multiplied by counts, whatever the unit.
    counts = len(signs) - signs[::-1].index("x") if "x" in signs else 0
    numbers = [_number(part, 1 if at < counts else factor) for at, part in enumerate(parts[::2])]
    return "".join(chain.from_iterable(zip(numbers, [*signs, ""], strict=True)))


def _number(text: str, factor: int) -> str:
    value = Decimal(text.replace(" ", "").replace(",", ".")) * factor
    return f"{value.normalize():f}"

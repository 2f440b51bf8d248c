"""Titles written as careless sellers write them, drawn from the ones a shop has written with care."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from multimodal.types import Product

_DOUBLES = str.maketrans("АВСЕНКМОРТХасеорху", "ABCEHKMOPTXaceopxy")
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s?(кг|г|мл|л|шт)\b\.?")
_SPELLINGS = {"г": ("гр", "гр.", "г.", " г", " гр"), "мл": (" мл", "мл."), "л": (" л", " л."), "кг": (" кг",),
              "шт": (" шт.", "шт.", " штук")}  # fmt: skip


def spoiled(products: Sequence[Product], seed: int) -> list[Product]:
    """The same products, each title spoiled in one way drawn at random; the same seed spoils alike."""
    rng = Random(seed)
    return [replace(p, title=rng.choice(_WAYS)(p.title, rng)) if p.title else p for p in products]


def _letters(title: str, rng: Random) -> str:
    """A third of the letters that have a Latin double are typed as that."""
    return "".join(c.translate(_DOUBLES) if rng.random() < 1 / 3 else c for c in title)


def _amounts(title: str, rng: Random) -> str:
    """Amounts with another spelling of the unit, grams and millilitres sometimes as kilograms and litres."""

    def other(match: re.Match[str]) -> str:
        number, unit = match[1], match[2]
        if unit in ("г", "мл") and number.isdigit() and rng.random() < 0.5:
            return f"{int(number) / 1000:g}".replace(".", ",") + {"г": " кг", "мл": " л"}[unit]
        return number + rng.choice(_SPELLINGS[unit])

    return _AMOUNT.sub(other, title)


def _escaped(title: str, rng: Random) -> str:
    """A title that went through two systems, each of which escaped it; spaces were hard ones."""
    words = title.split(" ")
    at = rng.randrange(len(words))
    words[at] = f"&amp;quot;{words[at]}&amp;quot;"
    return "".join(word + rng.choice((" ", "&amp;nbsp;")) for word in words)


def _capitals(title: str, rng: Random) -> str:
    """All in capitals."""
    return title.upper()


def _hyphens(title: str, rng: Random) -> str:
    """Hyphens where there were spaces between two words, and spaces where there were hyphens."""
    words = title.replace("-", " ").split(" ")
    at = rng.randrange(max(1, len(words) - 1))
    return " ".join([*words[:at], "-".join(words[at : at + 2]), *words[at + 2 :]])


_WAYS: tuple[Callable[[str, Random], str], ...] = (_letters, _amounts, _escaped, _capitals, _hyphens)

"""Colours of drawn products: their names in two languages, their RGB values, and how to vary them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Rgb = tuple[int, int, int]
Form = Literal["m", "f", "n", "pl"]

_ENDINGS: tuple[tuple[str, dict[Form, str]], ...] = (
    ("кий", {"m": "кий", "f": "кая", "n": "кое", "pl": "кие"}),
    ("кой", {"m": "кой", "f": "кая", "n": "кое", "pl": "кие"}),
    ("жий", {"m": "жий", "f": "жая", "n": "жее", "pl": "жие"}),
    ("ый", {"m": "ый", "f": "ая", "n": "ое", "pl": "ые"}),
    ("ой", {"m": "ой", "f": "ая", "n": "ое", "pl": "ые"}),
    ("ий", {"m": "ий", "f": "яя", "n": "ее", "pl": "ие"}),
)


def inflect(adjective: str, form: Form) -> str:
    """A Russian adjective, given in its masculine form, in the gender or number of its noun."""
    for ending, forms in _ENDINGS:
        if adjective.endswith(ending):
            return adjective.removesuffix(ending) + forms[form]
    return adjective  # «хаки»: words that keep their form


@dataclass(frozen=True, slots=True)
class Colour:
    """A named colour; ``ru`` is the masculine adjective, ``share`` its weight among products."""

    en: str
    ru: str
    rgb: Rgb
    share: float


COLOURS: tuple[Colour, ...] = (
    Colour("black", "чёрный", (34, 33, 37), 13),
    Colour("white", "белый", (240, 239, 235), 9),
    Colour("grey", "серый", (141, 143, 148), 7),
    Colour("navy", "тёмно-синий", (36, 47, 84), 8),
    Colour("blue", "синий", (44, 88, 168), 8),
    Colour("light blue", "голубой", (139, 184, 223), 5),
    Colour("turquoise", "бирюзовый", (42, 156, 160), 3),
    Colour("green", "зелёный", (52, 128, 76), 5),
    Colour("olive", "хаки", (104, 104, 62), 4),
    Colour("mint", "мятный", (164, 215, 190), 2),
    Colour("yellow", "жёлтый", (242, 204, 63), 4),
    Colour("mustard", "горчичный", (196, 148, 44), 2),
    Colour("orange", "оранжевый", (232, 122, 48), 3),
    Colour("red", "красный", (196, 40, 46), 8),
    Colour("burgundy", "бордовый", (110, 26, 44), 4),
    Colour("pink", "розовый", (236, 148, 172), 6),
    Colour("fuchsia", "малиновый", (208, 46, 118), 2),
    Colour("purple", "фиолетовый", (108, 66, 142), 3),
    Colour("lavender", "лавандовый", (184, 168, 216), 2),
    Colour("beige", "бежевый", (218, 196, 164), 6),
    Colour("brown", "коричневый", (104, 66, 42), 6),
    Colour("tan", "рыжий", (178, 116, 62), 3),
)
BY_NAME = {colour.en: colour for colour in COLOURS}

SKINS: tuple[Rgb, ...] = ((241, 205, 180), (228, 183, 150), (205, 152, 116), (164, 112, 78), (112, 74, 52))
HAIRS: tuple[Rgb, ...] = ((32, 26, 24), (66, 42, 28), (112, 72, 42), (176, 132, 78), (58, 32, 28))
LEATHERS = ("black", "brown", "tan", "burgundy", "navy", "beige", "white", "red", "grey")
DENIMS: tuple[Rgb, ...] = ((52, 74, 116), (84, 116, 160), (38, 46, 72), (134, 162, 194), (64, 66, 74))
SILVER: Rgb = (190, 194, 199)
GOLD: Rgb = (212, 174, 92)


def tint(rgb: Rgb, factor: float) -> Rgb:
    """Darkens towards black below 1, lightens towards white above 1 (2 is white).

    What is nearly black already is lightened a little instead, so that its seams still show.
    """
    if factor < 1 and luminance(rgb) < 52:
        factor = 1 + (1 - factor) * 0.3
    if factor <= 1:
        r, g, b = (round(c * factor) for c in rgb)
    else:
        r, g, b = (round(c + (255 - c) * (factor - 1)) for c in rgb)
    return r, g, b


def mix(a: Rgb, b: Rgb, t: float) -> Rgb:
    """The colour ``t`` of the way from ``a`` to ``b``."""
    r, g, bl = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return r, g, bl


def vary(rgb: Rgb, rng: Random, amount: int = 10) -> Rgb:
    """The same colour as another dye lot would have it."""
    shift = rng.randint(-amount, amount)
    r, g, b = (max(0, min(255, c + shift + rng.randint(-amount // 2, amount // 2))) for c in rgb)
    return r, g, b


def luminance(rgb: Rgb) -> float:
    """Perceived brightness, 0 to 255."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def contrasting(rgb: Rgb, rng: Random) -> Rgb:
    """A palette colour that stands out against ``rgb`` (at least 70 steps of brightness, or of hue)."""
    others = [
        c.rgb
        for c in COLOURS
        if abs(luminance(c.rgb) - luminance(rgb)) > 70 or sum(abs(a - b) for a, b in zip(c.rgb, rgb, strict=True)) > 230
    ]
    return rng.choice(others)

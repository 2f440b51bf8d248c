"""Fabrics of drawn products: solid, striped, polka dot, floral, checker, in many scales and colours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import cos, pi, sin
from random import Random
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from multimodal.data.sample.palette import Rgb, contrasting, mix, tint

Pattern = Literal["solid", "striped", "polka dot", "floral", "checker"]
TAGS: tuple[Pattern, ...] = ("polka dot", "floral", "checker")
"""The patterns that are tags; stripes are a pattern and no tag."""

_Row = npt.NDArray[np.float32]
_Band = tuple[float, Rgb, float]


@dataclass(slots=True)
class Fabric:
    """One product's fabric: rendered once for each angle it is needed at.

    Attributes:
        patterns: what it shows; of several, each on parts of it.
        base: the ground colour.
        unit: pixels of the drawing canvas a body unit.
        seed: fixes everything that chance decides in the pattern.
        frame: left, top, right and bottom of what the photo shows of it, in pixels of the canvas: several patterns
            share that, or one of them would lie beside the garment.
    """

    patterns: tuple[Pattern, ...]
    base: Rgb
    seed: str
    unit: float
    size: tuple[int, int]
    frame: tuple[float, float, float, float]
    _cache: dict[int, Image.Image] = field(default_factory=dict)

    def image(self, angle: float) -> Image.Image | None:
        """The fabric over the whole canvas, RGB, turned by ``angle`` degrees; None for a solid one."""
        if self.patterns == ("solid",):
            return None
        key = round(angle)
        if key not in self._cache:
            self._cache[key] = self._render(key)
        return self._cache[key]

    def _render(self, angle: int) -> Image.Image:
        image = _printed(self, self.patterns[0], Random(self.seed), angle)
        for number, pattern in enumerate(self.patterns[1:], 1):
            rng = Random(f"{self.seed}/{number}")
            ground = rng.choice((self.base, contrasting(self.base, rng)))
            other = _printed(replace(self, base=ground), pattern, rng, angle)
            image.paste(other, (0, 0), _pieces(rng, self, number))
        return image


def _printed(cloth: Fabric, pattern: Pattern, rng: Random, angle: int) -> Image.Image:
    """One pattern over the whole canvas."""
    if pattern == "striped":
        return _woven(_stripes(rng, cloth.base), None, cloth, angle, rng.choice((0, 0, 90, 90, 90, 45)))
    if pattern == "checker":
        across, down = _checks(rng, cloth.base)
        return _woven(across, down, cloth, angle, rng.choice((0, 0, 0, 0, 45)))
    if pattern == "polka dot":
        return _dots(rng, cloth, angle)
    return _flowers(rng, cloth)


def _pieces(rng: Random, cloth: Fabric, number: int) -> Image.Image:
    """Where one of several patterns is, counted from 0: a part of the garment, or patches all over it."""
    width, height = cloth.size
    mask = Image.new("1", cloth.size, 0)
    draw = ImageDraw.Draw(mask)
    if rng.random() < 0.6:  # below, or to the right
        share = number / len(cloth.patterns) + rng.uniform(-0.06, 0.06)
        left, top, right, bottom = cloth.frame
        if rng.random() < 0.3:
            draw.rectangle((left + (right - left) * share, 0, width, height), fill=1)
        else:
            draw.rectangle((0, top + (bottom - top) * share, width, height), fill=1)
        return mask
    side = max(8, round(rng.choice((12, 16, 22)) * cloth.unit))
    for y in range(0, height, side):
        for x in range(0, width, side):
            if (x // side + y // side) % (number + 1) == 0:
                draw.rectangle((x, y, x + side - 1, y + side - 1), fill=1)
    return mask


@dataclass(frozen=True, slots=True)
class _Weave:
    """Bands of one direction: (width in units, colour, opacity), repeated."""

    bands: tuple[_Band, ...]
    ground: Rgb


def _stripes(rng: Random, base: Rgb) -> _Weave:
    other = contrasting(base, rng)
    thick = rng.choice((2.2, 3, 4, 6, 9, 12))
    kind = rng.random()
    bands: tuple[_Band, ...]
    if kind < 0.5:
        bands = ((thick, base, 0.0), (thick * rng.uniform(0.5, 1.0), other, 1.0))
    elif kind < 0.75:  # pin stripes
        bands = ((thick * 1.6, base, 0.0), (max(1.0, thick * 0.25), other, 0.9))
    else:
        third = contrasting(base, rng)
        bands = ((thick, base, 0.0), (thick * 0.6, other, 1.0), (thick * 0.5, base, 0.0), (thick * 0.3, third, 1.0))
    return _Weave(bands, base)


def _checks(rng: Random, base: Rgb) -> tuple[_Weave, _Weave]:
    other = contrasting(base, rng)
    cell = rng.choice((3.2, 4, 5, 7, 9, 13))
    kind = rng.random()
    bands: tuple[_Band, ...]
    if kind < 0.45:  # gingham: both directions half see-through
        bands = ((cell, base, 0.0), (cell, other, 0.5))
    elif kind < 0.85:  # tartan: wide bands with thin lines between
        line = contrasting(base, rng)
        bands = (
            (cell * 1.3, base, 0.0),
            (cell * 0.8, other, 0.55),
            (cell * 0.35, base, 0.0),
            (max(0.9, cell * 0.16), line, 0.8),
            (cell * 0.35, base, 0.0),
        )
    else:  # window pane
        bands = ((cell * 2, base, 0.0), (max(1.0, cell * 0.22), other, 0.85))
    return _Weave(bands, base), _Weave(bands, base)


def _profile(weave: _Weave, unit: float) -> tuple[_Row, _Row]:
    """Colour [P, 3] and opacity [P, 1] across one repeat of the bands."""
    widths = [max(1, round(b[0] * unit)) for b in weave.bands]
    colours = np.repeat(np.array([b[1] for b in weave.bands], np.float32), widths, axis=0)
    opacity = np.repeat(np.array([b[2] for b in weave.bands], np.float32), widths)[:, None]
    return colours, opacity


def _woven(across: _Weave, down: _Weave | None, cloth: Fabric, angle: int, own: int) -> Image.Image:
    colours, opacity = _profile(across, cloth.unit)
    tile = (colours * opacity + np.array(across.ground, np.float32) * (1 - opacity))[None]
    if down is not None:
        colours, opacity = _profile(down, cloth.unit)
        tile = tile * (1 - opacity)[:, None] + (colours * opacity)[:, None]
    return _tiled(tile.astype(np.uint8), cloth.size, angle + own)


def _tiled(tile: npt.NDArray[np.uint8], size: tuple[int, int], turn: float) -> Image.Image:
    """One repeat [h, w, 3] laid out over ``size`` pixels and turned."""
    side = round((size[0] ** 2 + size[1] ** 2) ** 0.5) + 2
    width, height = size if turn % 360 == 0 else (side, side)
    grid = np.tile(tile, (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1))[:height, :width]
    image = Image.fromarray(np.ascontiguousarray(grid))
    return image if turn % 360 == 0 else _turned(image, turn, size)


def _turned(image: Image.Image, angle: float, size: tuple[int, int]) -> Image.Image:
    """The middle of ``image`` turned clockwise by ``angle`` degrees, ``size`` pixels large."""
    c, s = cos(angle * pi / 180), sin(angle * pi / 180)
    w, h = size
    dx = image.width / 2 - c * w / 2 - s * h / 2
    dy = image.height / 2 + s * w / 2 - c * h / 2
    return image.transform(size, Image.Transform.AFFINE, (c, s, dx, -s, c, dy), Image.Resampling.NEAREST)


def _dots(rng: Random, cloth: Fabric, angle: int) -> Image.Image:
    other = contrasting(cloth.base, rng)
    radius = rng.choice((1.3, 1.8, 2.4, 3.2, 4.5))
    step = radius * rng.uniform(3.0, 4.4)
    own = rng.choice((0, 0, 30, 45))
    wide, tall = max(4, round(step * cloth.unit)), max(6, round(step * cloth.unit * 1.72))
    tile = Image.new("RGB", (wide, tall), cloth.base)
    draw = ImageDraw.Draw(tile)
    r = max(1.0, radius * cloth.unit)
    for x, y in ((0, 0), (wide, 0), (0, tall), (wide, tall), (wide / 2, tall / 2)):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=other)
    return _tiled(np.asarray(tile), cloth.size, angle + own)


def _flowers(rng: Random, cloth: Fabric) -> Image.Image:
    image = Image.new("RGB", cloth.size, cloth.base)
    radius = rng.choice((3.0, 3.8, 4.8, 6.0, 7.5))
    petals = [contrasting(cloth.base, rng) for _ in range(2)]
    leaf = mix((64, 128, 66), cloth.base, rng.uniform(0, 0.3))
    stamps = [
        _flower(rng, radius * cloth.unit * k, c) for k, c in ((1.0, petals[0]), (0.75, petals[1]), (0.9, petals[0]))
    ]
    leaves = [_leaf(rng, radius * cloth.unit * 0.8, leaf) for _ in range(3)]
    step = radius * cloth.unit * rng.uniform(1.8, 2.5)
    for j in range(-1, int(cloth.size[1] / step) + 2):
        for i in range(-1, int(cloth.size[0] / step) + 2):
            x = (i + 0.5 * (j % 2) + rng.uniform(-0.25, 0.25)) * step
            y = (j + rng.uniform(-0.25, 0.25)) * step
            for stamp in (rng.choice(leaves), rng.choice(stamps)):
                reach = stamp.width // 3
                at = (round(x) + rng.randint(-reach, reach) // 2, round(y) + rng.randint(-reach, reach) // 2)
                image.paste(stamp, at, stamp)
    return image


def _flower(rng: Random, radius: float, colour: Rgb) -> Image.Image:
    side = max(6, round(radius * 2))
    image = Image.new("RGBA", (side, side), (*colour, 0))
    draw = ImageDraw.Draw(image)
    count = rng.choice((4, 5, 5, 6))
    start, mid = rng.uniform(0, 2 * pi), side / 2
    for k in range(count):
        angle = start + 2 * pi * k / count
        x, y, r = mid + cos(angle) * radius * 0.52, mid + sin(angle) * radius * 0.52, radius * 0.46
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*tint(colour, 0.92 + 0.16 * (k % 2)), 255))
    r = radius * 0.28
    draw.ellipse(
        (mid - r, mid - r, mid + r, mid + r), fill=(*rng.choice(((246, 208, 92), (90, 50, 40), (250, 246, 236))), 255)
    )
    return image


def _leaf(rng: Random, radius: float, colour: Rgb) -> Image.Image:
    side = max(6, round(radius * 2))
    image = Image.new("RGBA", (side, side), (*colour, 0))
    ImageDraw.Draw(image).ellipse(
        (0, side * 0.3, side - 1, side * 0.7), fill=(*tint(colour, rng.uniform(0.8, 1.2)), 255)
    )
    return image.rotate(rng.uniform(0, 180))

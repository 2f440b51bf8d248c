"""The upper garment that T-shirts, shirts, sweaters, jackets and dresses share: body, sleeves, neckline."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from multimodal.data.sample.palette import Rgb
from multimodal.data.sample.shapes.figure import Body, arm_line
from multimodal.data.sample.sketch import Cloth, Node, Points, Sketch, flip, mirrored, ribbon, smooth

Neck = Literal["round", "v", "boat", "square", "scoop", "high", "straps", "off"]


@dataclass(frozen=True, slots=True)
class Bodice:
    """The cut of an upper garment.

    Attributes:
        sleeve: share of the arm that is covered; 0 is sleeveless.
        ease: units the cloth stands off the body.
        hem_y, hem: height and half-width of the lower edge.
        hem_curve: units the lower edge hangs lower in the middle (negative: higher).
        flare: half-width of the cuff less that of a narrow one.
        boxy: hangs straight, without a waist.
    """

    neck: Neck = "round"
    sleeve: float = 0.34
    ease: float = 3.0
    waist: float | None = None
    hem_y: float = 52.0
    hem: float | None = None
    hem_curve: float = 2.0
    flare: float = 3.0
    shoulder: float = 0.0
    boxy: bool = False


_NECKS: dict[Neck, tuple[float, float]] = {
    "round": (14, 13), "v": (13, 27), "boat": (24, 5), "square": (18, 19), "scoop": (18, 24), "high": (10, 2),
    "straps": (21, 4), "off": (36, 4),
}


def neckline(kind: Neck) -> list[Node]:
    """The front edge from the left neck point to the right one."""
    n, d = _NECKS[kind]
    y = {"straps": -38.0, "off": -48.0}.get(kind, -71.0)
    if kind == "v":
        return [(-n, y, "c"), (0, y + d, "c"), (n, y, "c")]
    if kind == "square":
        return [(-n, y, "c"), (-n + 1, y + d, "c"), (n - 1, y + d, "c"), (n, y, "c")]
    if kind == "straps":
        return [(-n, y, "c"), (-9, y + 3), (0, y + d + 3), (9, y + 3), (n, y, "c")]
    return [(-n, y, "c"), (-n * 0.72, y + d * 0.7), (0, y + d), (n * 0.72, y + d * 0.7), (n, y, "c")]


def draw_bodice(sk: Sketch, who: Body, cut: Bodice, worn: bool) -> None:
    """Sleeves, body, folds, and (where nobody is inside) the back seen through the neck."""
    if not worn and cut.neck not in ("off", "straps"):
        _inside(sk, cut)
    if cut.sleeve > 0:
        draw_sleeves(sk, who, cut)
    if cut.neck == "straps":
        _straps(sk)
    sk.fill(_outline(who, cut), Cloth())
    _folds(sk, who, cut)


def _outline(who: Body, cut: Bodice) -> list[Node]:
    front = neckline(cut.neck)
    chest, hem = who.chest + cut.ease, cut.hem if cut.hem is not None else who.hip + cut.ease
    waist = _waist(who, cut, hem)
    right: list[Node] = []
    if cut.neck == "off":
        right += [(who.shoulder + cut.ease - 1, -46, "c"), (chest, -28)]
    elif cut.neck == "straps":
        right += [(chest - 4, -37), (chest, -28)]
    elif cut.sleeve > 0:
        right += [(who.shoulder + cut.shoulder, -61, "c"), (chest + 3, -45), (chest, -28)]
    else:
        edge = max(who.shoulder * 0.72, _NECKS[cut.neck][0] + 5)
        right += [(edge, -64, "c"), (edge - 3, -48), (chest - 3, -32), (chest, -26, "c")]
    right += [(waist, 8)]
    if cut.hem_y > 60:
        share = min(1.0, 1.3 * 28 / (cut.hem_y - 10))
        right += [(max(who.hip - 2, waist + (hem - waist) * share), 38)]
    right += [(hem, cut.hem_y, "c")]
    return [*front, *right, (0, cut.hem_y + cut.hem_curve), *reversed(flip(right))]


def _waist(who: Body, cut: Bodice, hem: float) -> float:
    if cut.boxy:
        return max(hem - 0.5, who.waist + cut.ease)
    if cut.waist is not None:
        return cut.waist
    return (who.waist + who.chest) / 2 + cut.ease - 1 if who.woman else who.waist + cut.ease


def sleeve_outline(who: Body, cut: Bodice) -> Points:
    """The right sleeve from shoulder seam to cuff."""
    line = arm_line(who, cut.sleeve)
    top, low = _sleeve_widths(who, cut)
    limb = ribbon(line, (top, top, (top + low) / 2, low))
    half = len(limb) // 2
    tip = (who.shoulder + cut.shoulder, -61.0)
    inner, outer = limb[half // 4 : half], limb[half : -max(2, half // 4)]
    start: list[Node] = [(who.chest + cut.ease - 6, -27.0, "c"),
                         tuple(inner[0].tolist())]
    shoulder: list[Node] = [tuple(outer[-1].tolist()), (tip[0] + 0.6, tip[1] + 1.5),
                            (tip[0] - 9, tip[1] - 2.5, "c")]
    return np.concatenate([smooth(start, False), inner, outer, smooth(shoulder, False),
                           [(tip[0] - 12, -40.0)]])


def _sleeve_widths(who: Body, cut: Bodice) -> tuple[float, float]:
    """Half-widths at the top and at the cuff."""
    top = (9.0 if who.woman else 10.5) + cut.ease * 0.7
    return top, 4.6 + cut.flare if cut.sleeve > 0.6 else top - 0.5 + cut.flare * 0.4


def draw_sleeves(sk: Sketch, who: Body, cut: Bodice) -> None:
    """Both sleeves, their weave turned with the arm."""
    outline = sleeve_outline(who, cut)
    line = arm_line(who, cut.sleeve)
    for side in (1, -1):
        sk.fill(outline * (side, 1), Cloth(angle=-side * round(who.spread), light=0.95))
        if cut.sleeve > 0.5:
            elbow = line[len(line) // 2]
            for k in (-1, 1):
                sk.fold([(side * (elbow[0] - 7), elbow[1] + 5 * k),
                         (side * (elbow[0] + 5), elbow[1] + 2 * k)], -0.22, 2)
        sk.fold([(side * (who.shoulder - 5), -58), (side * (who.chest + cut.ease - 1), -30)], -0.4, 2.6)


def cuffs(sk: Sketch, who: Body, cut: Bodice, paint: Rgb | Cloth, depth: float = 0.06) -> None:
    """A band around the end of each sleeve, ``depth`` of the arm wide."""
    full = arm_line(who, cut.sleeve)
    start = arm_line(who, cut.sleeve - depth)[-1]
    low = _sleeve_widths(who, cut)[1] + 0.3
    band = ribbon(np.stack([start, full[-1]]), (low + 0.6, low + 0.2))
    for side in (1, -1):
        sk.fill(band * (side, 1), paint)


def neck_trim(sk: Sketch, cut: Bodice, colour: Rgb, width: float) -> None:
    """A ribbed or contrasting band along the neckline."""
    sk.line(neckline(cut.neck), colour, width)


def hem_band(sk: Sketch, who: Body, cut: Bodice, paint: Rgb | Cloth, depth: float) -> None:
    """A ribbed band at the lower edge."""
    hem = (cut.hem if cut.hem is not None else who.hip + cut.ease) + 0.6
    y = cut.hem_y
    sk.fill(mirrored([(0, y - depth + cut.hem_curve), (hem + 0.4, y - depth, "c"), (hem - 0.6, y + 1, "c"),
                      (0, y + 1 + cut.hem_curve)]), paint)


def ribs(sk: Sketch, x0: float, x1: float, y0: float, y1: float, colour: Rgb, step: float = 2.6) -> None:
    """Fine vertical lines, as in knitted bands."""
    for x in np.arange(x0, x1, step):
        sk.line(np.array([(x, y0), (x, y1)]), colour, 0.6)


def _inside(sk: Sketch, cut: Bodice) -> None:
    n, d = _NECKS[cut.neck]
    sk.fill([(-n - 1, -72, "c"), (0, -68 if cut.neck != "high" else -70), (n + 1, -72, "c"), (n, -60),
             (0, -69 + d), (-n, -60)], Cloth(light=0.62))
    if d > 9:
        sk.box(-3.4, -67.5, 3.4, -63.5, (244, 242, 236))


def _straps(sk: Sketch) -> None:
    for side in (1, -1):
        sk.fill(ribbon([(side * 17, -36), (side * 15.5, -52), (side * 14, -66)], (2.4, 1.8, 1.6)),
                Cloth(light=0.93))


def _folds(sk: Sketch, who: Body, cut: Bodice) -> None:
    chest, hem = who.chest + cut.ease, cut.hem_y
    for side in (1, -1):
        sk.fold([(side * (chest - 1), -24), (side * (chest * 0.5), -14)], -0.32, 2.6)
        sk.fold([(side * who.waist, 10), (side * who.waist * 0.35, 16)], -0.22, 2.6)
        sk.fold([(side * who.waist * 0.6, hem - 4), (side * who.waist * 0.5, 12)], -0.16, 3.4)
        sk.fold([(side * chest * 0.52, -40), (side * chest * 0.5, 0)], 0.13, 12)
        sk.fold([(side * (chest + 1), -20), (side * (who.waist + cut.ease), 10),
                 (side * (who.hip + 2), hem)], -0.34, 5)
    if who.woman:
        for side in (1, -1):
            sk.fold([(side * 20, -22), (side * 12, -15), (side * 5, -18)], -0.22, 3)


def sleeve_angle(rng: Random, worn: bool, who: Body, sleeve: float) -> tuple[float, float]:
    """Spread and bend of the sleeves: near the body when worn, wide when laid flat."""
    if worn:
        return who.spread, who.bend
    return (rng.uniform(44, 58), 0.0) if sleeve < 0.5 else (rng.uniform(16, 27), rng.uniform(0, 5))

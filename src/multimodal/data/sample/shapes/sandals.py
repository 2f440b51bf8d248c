"""Sandals from the side and flip flops from above."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

import numpy as np

from multimodal.data.sample.palette import Rgb, contrasting, tint
from multimodal.data.sample.sketch import Cloth, Node, Points, Sketch, arc, ribbon, smooth
from multimodal.data.sample.spec import Spec


def draw_sandal(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Flat, wedge, sport, gladiator or slide; straps let one see through."""
    base = spec.tone
    lift = {"flat": 0, "wedge": 20, "sport": 3, "gladiator": 0, "slide": 2}[spec.cut] * rng.uniform(0.8, 1.15)
    footbed = rng.choice(((196, 150, 102), (120, 82, 56), (60, 54, 52), (226, 206, 176)))
    top: list[Node] = [(-62, 26 - lift), (-30, 27 - lift), (0, 30 - lift * 0.5), (36, 31), (64, 29)]
    thick = 5.0 if spec.cut != "sport" else 8.0
    _straps_behind(sk, spec.cut, base, lift)
    sk.fill([*top, (69, 33), (60, 36 + thick * 0.6), (20, 36 + thick * 0.6), (-20, 36 + thick * 0.6),
             (-60, 36 + thick * 0.6), (-67, 32 - lift)], tint(footbed,
                                                            0.72) if lift < 12 else rng.choice(((190, 152,
                                                            106), tint(base, 0.6))))
    sk.fill(ribbon(smooth([(-64, 27 - lift), (-30, 27.5 - lift), (0, 30.5 - lift * 0.5), (36, 31.5),
                           (67, 30)], False), (2.6, 2.6, 2.4)), footbed)
    _straps(sk, spec.cut, base, lift, rng)


def _straps_behind(sk: Sketch, cut: str, base: Rgb, lift: float) -> None:
    dark = tint(base, 0.62)
    if cut != "slide":
        sk.fill(ribbon([(-58, 22 - lift), (-61, 2 - lift), (-50, -8 - lift)], (4, 3.4, 3)), dark)
    sk.fill(ribbon([(24, 30), (30, 14), (46, 20), (52, 30)], (3.4, 3.8, 3.4)), dark)


def _straps(sk: Sketch, cut: str, base: Rgb, lift: float, rng: Random) -> None:
    metal = (208, 178, 104)

    def strap(nodes: list[Node], half: float, light: float = 1.0) -> None:
        sk.fill(ribbon(nodes, (half, half * 1.15, half)), Cloth(light=light))

    if cut == "slide":
        sk.fill([(-6, 31, "c"), (4, 4), (28, 0), (48, 14), (56, 31, "c"), (24, 33)], Cloth())
        sk.fill([(4, 6), (28, 1), (40, 8), (30, 10), (10, 12)], tint(base, 0.6))
        sk.box(14, 14, 26, 22, metal, 2)
        return
    width = 6.0 if cut == "sport" else 3.6
    strap([(16, 32), (24, 12), (42, 12), (56, 31)], width)
    if cut in ("flat", "wedge"):
        strap([(-4, 31 - lift * 0.4), (10, 16), (34, 12)], 3.2, 0.92)
    if cut == "gladiator":
        for x in (-36, -16, 4):
            strap([(x - 8, 29 - lift), (x + 2, -4 - x * 0.15), (x + 16, 8), (x + 22, 31)], 2.8, 0.95)
        strap([(-54, -26), (-36, -30), (-18, -24)], 3)
        strap([(-52, -8), (-34, -12), (-12, -2)], 3)
        strap([(40, 12), (10, 2), (-20, -20)], 2.6)
        strap([(-55, 24), (-56, -28)], 3)
        return
    strap([(-60, 0 - lift), (-40, -10 - lift), (-22, -4 - lift), (-24, 6 - lift), (-42, 8 - lift),
           (-59, 6 - lift)], width * 0.6)
    strap([(-34, 27 - lift), (-30, 10 - lift), (-24, 0 - lift)], width * 0.8, 0.92)
    if cut == "sport":
        strap([(34, 14), (6, 4), (-22, 0)], 5, 0.88)
        sk.box(-4, -1, 8, 7, contrasting(base, rng), 1.5)
    else:
        sk.box(-30, -6 - lift, -23, 2 - lift, metal, 1.4)


def draw_flipflops(sk: Sketch, spec: Spec, rng: Random) -> None:
    """A pair from above: soles and the strap that forks between the toes."""
    sole_edge = tint(spec.tone, 0.66)
    strap = contrasting(spec.tone, rng)
    tilt = rng.uniform(2, 10)
    gap = rng.uniform(27, 29) + tilt * 0.75
    for side in (-1, 1):
        sk.fill(_place(_sole(2.4), side, gap, tilt) + np.array((1.5, 3.5)), sole_edge)
        sk.fill(_place(_sole(0), side, gap, tilt), Cloth(angle=side * tilt))
        rim = _place(_sole(-3.2), side, gap, tilt)
        sk.dashes(np.concatenate([rim, rim[:1]]), sole_edge, 0.8, 4)
        wide = 3.4 if spec.cut == "classic" else 5.0
        if spec.cut == "slide":
            band = smooth([(-24, -10, "c"), (-10, -24), (10, -24), (25, -8, "c"), (24, 10, "c"), (0, -4),
                           (-23, 10, "c")], True)
            sk.fill(_place(band, side, gap, tilt), strap)
            continue
        for nodes in ([(-22, 6), (-14, -14), (2, -31)], [(23, 8), (18, -14), (2, -31)]):
            line = smooth([(float(x), float(y)) for x, y in nodes], False)
            sk.fill(_place(ribbon(line, (wide, wide, wide * 0.6)), side, gap, tilt), strap)
            sk.line(_place(line, side, gap, tilt), tint(strap, 0.8), 0.9)
        sk.fill(_place(arc(2, -32, 3.2, 3.2, 0, 360, 14), side, gap, tilt), tint(strap, 0.75))
        if spec.cut == "beach":
            sk.fill(_place(arc(2, -24, 6, 6, 0, 360, 14), side, gap, tilt), contrasting(strap, rng))
        sk.fold([tuple(p) for p in _place(np.array([(-8.0, 24.0), (0.0, 52.0)]), side, gap, tilt).tolist()],
                -0.2, 12)


def _sole(grow: float) -> Points:
    g = grow
    nodes: list[Node] = [(2, -66 - g), (18 + g, -56), (25 + g, -34), (20 + g, 0), (17 + g, 34), (13 + g, 58),
                         (0, 67 + g), (-13 - g, 58), (-17 - g, 34), (-20 - g, 0), (-23 - g, -30), (-15 - g,
                                                            -58)]
    return smooth(nodes, True)


def _place(points: Points, side: int, gap: float, tilt: float) -> Points:
    """A left sole's points put on its side of the axis, toes outwards."""
    angle = np.deg2rad(tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed: Points = ((points * (-1, 1)) @ turn + (gap, 0)) * (side, 1)
    return placed

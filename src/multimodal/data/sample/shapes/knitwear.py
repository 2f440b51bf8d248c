"""Sweaters and sweatshirts."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

import numpy as np

from multimodal.data.sample.palette import Rgb, contrasting, mix, tint
from multimodal.data.sample.shapes.bodice import (
    Bodice,
    Neck,
    cuffs,
    hem_band,
    neck_trim,
    ribs,
)
from multimodal.data.sample.shapes.parts import chest_print, dress_up, zip_line
from multimodal.data.sample.sketch import Cloth, Node, Sketch, mirrored
from multimodal.data.sample.spec import Spec


def draw_sweater(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Knitwear: crew, V-neck, turtleneck, cardigan, with ribs and knit bands."""
    neck: Neck = "v" if spec.cut in ("v-neck", "cardigan") else "high" if spec.cut == "turtleneck" else "round"
    cut = Bodice(neck=neck, sleeve=0.98, ease=rng.uniform(5, 8), hem_y=rng.uniform(48, 56), hem_curve=1,
                 flare=4, boxy=True)
    who = dress_up(sk, spec, rng, cut)
    base = spec.tone
    dark = tint(base, 0.8)
    hem = who.hip + cut.ease
    if spec.pattern == "solid":
        _knit(sk, rng, base, who.chest + cut.ease - 3, cut.hem_y)
    hem_band(sk, who, cut, tint(base, 0.93), 9)
    ribs(sk, -hem + 3, hem - 2, cut.hem_y - 7, cut.hem_y + 0.5, dark)
    cuffs(sk, who, cut, tint(base, 0.9), 0.1)
    if spec.cut == "turtleneck":
        sk.fill([(-11, -85), (0, -84), (11, -85), (13, -69), (0, -64), (-13, -69)], tint(base, 0.95))
        ribs(sk, -10, 11, -83, -67, dark)
    else:
        neck_trim(sk, cut, tint(base, 0.86), 4.4)
    if spec.cut == "cardigan":
        sk.line([(0, -44), (0, cut.hem_y)], tint(base, 0.6), 1.4)
        for side in (1, -1):
            sk.line([(side * 3.6, -41), (side * 3.6, cut.hem_y)], dark, 0.8)
        for y in np.arange(-36, cut.hem_y - 4, 14):
            sk.disc(0, float(y), 2.1, paint=tint(base, 0.45))


def _knit(sk: Sketch, rng: Random, base: Rgb, half: float, hem: float) -> None:
    style = rng.choice(("cables", "cables", "bands", "fairisle", "fine"))
    other = contrasting(base, rng)
    if style == "cables":
        for x in (-20, -7, 7, 20):
            for y in np.arange(-34, hem - 12, 7):
                sk.line([(x - 2.6, y), (x + 2.2, y + 3), (x - 2.2, y + 6.4)], tint(base, 0.78), 1.0)
                sk.line([(x + 2.6, y + 1), (x - 2.2, y + 4), (x + 2.4, y + 7.2)], tint(base, 1.18), 0.9)
    elif style == "bands":
        for y in (-12, -4):
            sk.box(-half, y, half, y + 4.4, other)
    elif style == "fairisle":
        for y in (-18, -6):
            for left in np.arange(-half + 3, half - 2, 7):
                diamond = np.array([(left, y - 4), (left + 3, y), (left, y + 4), (left - 3, y)])
                sk.fill(diamond, other)
        sk.line([(-half, -25), (half, -25)], other, 1.2)
        sk.line([(-half, 1), (half, 1)], other, 1.2)
    else:
        for row in np.arange(-40, hem - 10, 3):
            sk.line(np.array([(-half + 2, row), (half - 2, row)]), mix(base, tint(base, 0.8), 0.6), 0.6)


def draw_sweatshirt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Crew sweatshirt or hoodie, with a kangaroo pocket, ribs and often a print."""
    hood = spec.cut in ("hoodie", "zip hoodie")
    cut = Bodice(neck="round", sleeve=0.98, ease=rng.uniform(6, 9), hem_y=rng.uniform(48, 56), hem_curve=1,
                 flare=4.5, boxy=True)
    base = spec.tone
    if hood and spec.stage != "model":
        sk.fill(mirrored([(0, -97), (14, -94), (22, -80), (21, -64), (0, -55)]), Cloth(light=0.86))
    who = dress_up(sk, spec, rng, cut)
    hem_band(sk, who, cut, tint(base, 0.86), 7)
    cuffs(sk, who, cut, tint(base, 0.82), 0.09)
    if hood:
        _hood(sk, base, spec.stage == "model")
        pocket: list[Node] = [(0, 14, "c"), (17, 14, "c"), (25, 36, "c"), (25, 44, "c"), (0, 44, "c")]
        sk.fill(mirrored(pocket), Cloth(light=0.9))
        for side in (1, -1):
            sk.line([(side * 17, 14), (side * 25, 36)], tint(base, 0.66), 1.4)
    else:
        neck_trim(sk, cut, tint(base, 0.82), 4)
        sk.fill([(-5, -56, "c"), (5, -56, "c"), (0, -49, "c")], tint(base, 0.84))
    if spec.cut == "zip hoodie":
        zip_line(sk, -56, cut.hem_y)
    elif spec.pattern == "solid" and rng.random() < 0.6:
        chest_print(sk, contrasting(base, rng), rng, top=-38 if hood else -30)


def _hood(sk: Sketch, base: Rgb, worn: bool) -> None:
    for side in (1, -1):
        roll: list[Node] = [(side * 10, -78), (side * 20, -74), (side * 23, -64), (side * 10, -54), (0, -50),
                            (0, -56), (side * 9, -62)]
        sk.fill(roll, Cloth(light=0.9))
        sk.line([(side * 10, -77), (side * 10.5, -63), (0, -54)], tint(base, 0.66), 1.2)
        sk.line([(side * 5, -54), (side * 6, -40), (side * 5.4, -30)], (236, 234, 228), 1.5)
    if not worn:
        sk.fill(mirrored([(0, -90), (9, -86), (12, -74), (9, -63), (0, -56)]), tint(base, 0.5))

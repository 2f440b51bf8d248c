"""Bottomwear: jeans, trousers, shorts, skirts; the waist stands at 18, the floor at 222."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from multimodal.data.sample.palette import COLOURS, Rgb, contrasting, mix, tint
from multimodal.data.sample.shapes.figure import Body, body, draw_arms, draw_bust, draw_legs
from multimodal.data.sample.sketch import Cloth, Node, Sketch, mirrored
from multimodal.data.sample.spec import Spec

_WAIST = 18.0
_SHOES: tuple[Rgb, ...] = ((40, 38, 40), (238, 236, 230), (120, 78, 50), (196, 196, 200))


def draw_jeans(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Slim, straight, flared or ripped; stitching, pockets, fades."""
    knee, ankle = {"slim": (12.5, 8.5), "straight": (15, 13.5), "flared": (13, 20), "ripped": (13, 9.5),
                   "wide": (18, 21)}[spec.cut]
    who, legs = _legs(sk, spec, rng, knee, ankle, rng.uniform(203, 213))
    base = spec.tone
    seam = (212, 164, 96) if rng.random() < 0.75 else tint(base, 0.7)
    for side in (1, -1):
        sk.fold([(side * legs, 78), (side * legs * 0.98, 118)], rng.uniform(0.2, 0.5), 12)
        sk.fold([(side * legs, 136), (side * legs * 0.98, 186)], 0.18, 9)
        sk.line([(side * 9, 26), (side * 13, 37), (side * (who.hip + 1), 38)], seam, 1.2)
        sk.dashes([(side * (who.hip + 1.4), 46), (side * (legs + knee), 132),
                   (side * (legs + ankle - 1), 200)], seam, 0.8)
    _waistband(sk, who, base, seam)
    sk.dashes([(4, 27), (5, 50), (0.6, 61)], seam, 0.9)
    if spec.cut == "ripped":
        _rips(sk, rng, legs, who.skin if spec.stage == "model" else tint(base, 1.6))


def _rips(sk: Sketch, rng: Random, legs: float, behind: Rgb) -> None:
    for side, y in ((1, 132), (-1, 124), (rng.choice((1, -1)), 92)):
        x = side * legs
        sk.fill([(x - 9, y), (x, y - 3.5), (x + 9, y), (x, y + 4)], behind)
        for k in (-1.4, 1.4):
            sk.line([(x - 8, y + k * 0.6), (x + 8, y + k)], (232, 236, 240), 0.9)


def draw_trousers(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Pressed, chino, wide, cargo or jogger."""
    knee, ankle = {"classic": (15, 12), "chino": (13.5, 10), "wide": (20, 24), "cargo": (17, 13.5),
                   "jogger": (15.5, 8)}[spec.cut]
    who, legs = _legs(sk, spec, rng, knee, ankle, rng.uniform(200, 212))
    base = spec.tone
    edge = tint(base, 0.72)
    for side in (1, -1):
        if spec.cut in ("classic", "wide"):
            sk.line([(side * legs * 0.95, 40), (side * legs, 130), (side * legs, 204)], tint(base, 1.16), 1.1)
            sk.fold([(side * (legs - 2), 50), (side * (legs - 2), 202)], -0.2, 2.5)
        sk.line([(side * 14, 26), (side * (who.hip - 1), 44)], edge, 1.2)
        if spec.cut == "cargo":
            x = side * (legs + 8)
            sk.box(x - 8, 98, x + 8, 124, Cloth(light=0.9), 1.5)
            sk.box(x - 9, 95, x + 9, 104, Cloth(light=0.8), 1.5)
        if spec.cut == "jogger":
            sk.box(side * legs - 8.5, 194, side * legs + 8.5, 206, tint(base, 0.78), 2)
    if spec.cut == "jogger":
        sk.box(-who.waist - 3, 16, who.waist + 3, 27, tint(base, 0.86), 2)
        for side in (1, -1):
            sk.line([(side * 2, 26), (side * 5, 36), (side * 4, 45)], (238, 236, 230), 1.5)
    else:
        _waistband(sk, who, base, edge)
        sk.line([(3, 27), (4, 50), (0.6, 60)], edge, 0.9)


def draw_shorts(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Denim, chino, sport or wide shorts that may pass for a skirt."""
    low = {"denim": 88, "chino": 122, "sport": 100, "skort": 92, "bermuda": 132}[spec.cut] + rng.uniform(-5,
                                                            5)
    width = {"denim": 18, "chino": 18, "sport": 21, "skort": 24, "bermuda": 18.5}[spec.cut]
    who, legs = _legs(sk, spec, rng, width, width, low)
    base = spec.tone
    if spec.cut == "skort":
        sk.fill([(-who.waist, 30, "c"), (who.waist - 4, 30, "c"), (legs + width - 3, low - 5, "c"),
                 (-legs - width + 1, low - 1, "c")], Cloth(light=0.97))
        sk.line([(who.waist - 4, 30), (legs + width - 3, low - 5)], tint(base, 0.7), 1.2)
    if spec.cut == "sport":
        sk.box(-who.waist - 3, 16, who.waist + 3, 28, tint(base, 0.84), 2)
        stripe = contrasting(base, rng)
        for side in (1, -1):
            sk.line([(side * 2, 27), (side * 5, 40)], (240, 238, 232), 1.6)
            sk.line([(side * (who.hip - 2), 34), (side * (legs + width - 4), low - 1)], stripe, 3.4)
    else:
        _waistband(sk, who, base, (212, 164, 96) if spec.cut == "denim" else tint(base, 0.7))
        sk.line([(3, 27), (4, 50), (0.6, 60)], tint(base, 0.7), 0.9)
    for side in (1, -1):
        sk.line([(side * 11, 27), (side * 15, 40), (side * (who.hip + 1), 42)], tint(base, 0.68), 1.2)
        x0, x1 = sorted((side * (legs - width + 1), side * (legs + width)))
        if spec.cut != "skort":
            sk.line([(x0, low - 5), (x1, low - 6)], tint(base, 0.74), 1.0)
        if spec.cut == "denim":
            for x in np.arange(x0 + 1, x1 - 1, 1.8):
                sk.line(np.array([(x, low - 1), (x + rng.uniform(-1, 1), low + 3.5)]), tint(base, 1.4), 0.6)


def draw_skirt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Pencil, A-line, pleated, maxi or tiered."""
    low, hem = {"pencil": (118.0, 31.0), "a-line": (108, 52), "pleated": (102, 56), "maxi": (202, 56),
                "tiered": (124, 58), "mini": (84, 42)}[spec.cut]
    low, hem = low + rng.uniform(-7, 7), hem + rng.uniform(-4, 4)
    who = _wearer(sk, spec, rng, woman=True)
    waist = who.waist + 1
    base = spec.tone
    right: list[Node] = [(0, _WAIST + 2), (waist, _WAIST, "c"),
                         (max(who.hip + 1, waist + (hem - waist) * 0.42), 50), (hem, low, "c"), (0,
                                                            low + (2 if hem < 40 else 7))]
    sk.fill(mirrored(right), Cloth())
    count = 11 if spec.cut == "pleated" else 5
    for i in range(count):
        x = (2 * (i + 0.5) / count - 1) * 0.94
        top, end = (x * waist, 28), (x * hem, low + 3)
        if spec.cut == "pleated":
            sk.line([top, end], tint(base, 0.68), 1.2)
            sk.fold([(top[0] + 3, 30), (end[0] + 5, low)], 0.3, 4)
        elif spec.cut not in ("pencil", "mini"):
            sk.fold([(x * waist, 40), ((x + rng.uniform(-0.1, 0.1)) * hem, low)],
                    rng.choice((-0.42, -0.3, 0.2)), 5)
    if spec.cut == "tiered":
        for share in (0.4, 0.72):
            y, half = 18 + (low - 18) * share, waist + (hem - waist) * (0.15 + share * 0.85)
            sk.line([(-half, y), (-half / 2, y + 3), (0, y + 4), (half / 2, y + 3), (half, y)],
                    tint(base, 0.62), 2)
    if spec.cut in ("pencil", "mini"):
        sk.fold([(-hem * 0.9, 58), (0, 63), (hem * 0.9, 58)], -0.2, 4)
        sk.line([(hem * 0.35, low), (hem * 0.35, low - 20)], tint(base, 0.55), 1.4)
    if spec.cut == "mini":
        sk.line([(0, 27), (0, low)], tint(base, 0.7), 1)
        for height in np.arange(32, low - 4, 11):
            sk.disc(-2.2, float(height), 1.8, paint=(214, 196, 150))
    sk.fill(mirrored([(0, 18), (waist + 0.5, 16, "c"), (waist + 1.6, 26, "c"), (0, 28)]), tint(base, 0.84))
    sk.fold([(hem * 0.86, low), (who.hip + 2, 60)], -0.34, 6)
    sk.fold([(-hem * 0.86, low), (-who.hip - 2, 60)], -0.34, 6)


def _wearer(sk: Sketch, spec: Spec, rng: Random, woman: bool) -> Body:
    who = body(rng, woman)
    if woman and spec.stage == "model":
        who = replace(who, waist=who.waist + 2)
    if spec.stage != "model":
        return replace(who, waist=who.waist + (3 if woman else 0))
    sk.subject = False
    draw_legs(sk, who, rng.choice(_SHOES), rng.uniform(12, 15))
    draw_bust(sk, who)
    draw_arms(sk, who)
    top = rng.choice([c.rgb for c in COLOURS if c.en in ("white", "black", "grey", "light blue", "beige")])
    half: list[Node] = [(0, -60), (who.shoulder, -60), (who.chest + 2, -25), (who.waist + 2, 8),
                        (who.hip - 4, 24, "c"), (0, 25)]
    sk.fill(mirrored(half), top)
    sk.fold([(-who.waist, 12), (who.waist * 0.4, 17)], -0.3, 3)
    sk.subject = True
    return who


def _legs(sk: Sketch, spec: Spec, rng: Random, knee: float, ankle: float, low: float) -> tuple[Body, float]:
    """Both legs of a pair of trousers; returns the build and the distance of a leg's middle from the axis."""
    woman = spec.gender == "women" or (spec.gender == "unisex" and rng.random() < 0.5)
    who = _wearer(sk, spec, rng, woman)
    legs = max(17.0, knee + 2.5) if low > 140 else max(19.0, knee + 1.0)
    hip = who.hip + 2
    long = low > 140
    outer: list[Node] = [(0, _WAIST + 2), (who.waist + 1.5, _WAIST, "c"), (hip, 46)]
    if long:
        outer += [(legs + knee, 132), (legs + ankle, low, "c"), (legs - ankle, low + 1, "c"),
                  (legs - knee + 1, 134), (1.2, 68, "c")]
    else:
        outer += [(legs + knee, low, "c"), (legs - knee + 1, low + 2, "c"), (1.0, 67, "c")]
    sk.fill(mirrored([*outer, (0, 64, "c")]), Cloth())
    sk.line([(0, 26), (0, 64)], tint(spec.tone, 0.68), 1.1)
    for side in (1, -1):
        sk.fold([(side * 2, 64), (side * 16, 56)], -0.36, 2.4)
        sk.fold([(side * 3, 70), (side * (legs - knee + 3), min(low, 140))], -0.42, 5)
        sk.fold([(side * hip, 50), (side * (legs + knee), min(low, 132))], -0.3, 5)
        if long:
            for dy in (0, 7):
                sk.fold([(side * (legs - knee + 2), 132 + dy), (side * (legs + 4), 136 + dy)], -0.26, 2)
            sk.fold([(side * (legs - ankle), low - 8), (side * (legs + ankle), low - 11)], -0.28, 2.4)
            sk.line([(side * (legs - ankle), low - 3), (side * (legs + ankle), low - 4)],
                    tint(spec.tone, 0.76), 0.9)
    return who, legs


def _waistband(sk: Sketch, who: Body, base: Rgb, seam: Rgb) -> None:
    half = who.waist + 1.5
    sk.fill(mirrored([(0, 18.5), (half, 16.5, "c"), (half + 1.4, 26, "c"), (0, 28)]), Cloth(light=0.9))
    sk.line([(-half - 1.2, 26), (0, 28), (half + 1.2, 26)], seam, 0.9)
    for x in (-half * 0.62, half * 0.62):
        sk.box(x - 1.6, 16.5, x + 1.6, 28.5, mix(base, (0, 0, 0), 0.25))
    sk.disc(0, 23, 2.1, paint=(196, 178, 134))

"""Bags and wallets, seen from the front."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

import numpy as np

from multimodal.data.sample.palette import GOLD, SILVER, Rgb, contrasting, tint
from multimodal.data.sample.sketch import Cloth, Node, Sketch, arc, mirrored, ribbon
from multimodal.data.sample.spec import Spec


def draw_handbag(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Tote, satchel, hobo, crossbody, or a small clutch on a chain."""
    metal = rng.choice((GOLD, SILVER))
    base = spec.tone
    {"tote": _tote, "satchel": _satchel, "hobo": _hobo, "crossbody": _crossbody,
     "evening": _evening}[spec.cut](sk, base, metal, rng)


def _handle(sk: Sketch, half: float, top: float, height: float, paint: Rgb, width: float) -> None:
    sk.line([(-half, top + 10), (-half * 0.9, top - height * 0.7), (0, top - height),
             (half * 0.9, top - height * 0.7), (half, top + 10)], paint, width)


def _tote(sk: Sketch, base: Rgb, metal: Rgb, rng: Random) -> None:
    wide, low, tall = rng.uniform(40, 48), rng.uniform(34, 42), rng.uniform(30, 52)
    strap = rng.choice((tint(base, 0.62), (122, 80, 50), (40, 36, 36)))
    _handle(sk, wide * 0.46, -34, tall * 0.92, tint(strap, 0.8), 4)
    sk.fill(mirrored([(0, -36), (wide, -38, "c"), (low + 1, 36), (low - 3, 42), (0, 43)]), Cloth())
    sk.fill(mirrored([(0, -36), (wide, -38, "c"), (wide - 0.6, -30, "c"), (0, -28)]), Cloth(light=0.8))
    _handle(sk, wide * 0.52, -24, tall, strap, 4.4)
    for side in (1, -1):
        sk.box(side * wide * 0.52 - 3.4, -24, side * wide * 0.52 + 3.4, -10, strap, 1.5)
        sk.disc(side * wide * 0.52, -14, 1.5, paint=metal)
    if rng.random() < 0.5:
        sk.box(-10, 2, 10, 12, tint(base, 0.7), 1.5)
        sk.box(-7, 6, 7, 8, metal)
    sk.fold([(-wide * 0.6, -20), (-low * 0.7, 36)], -0.3, 5)
    sk.fold([(wide * 0.3, -22), (low * 0.1, 34)], 0.22, 9)


def _satchel(sk: Sketch, base: Rgb, metal: Rgb, rng: Random) -> None:
    wide, low = rng.uniform(36, 42), rng.uniform(46, 54)
    _handle(sk, 19, -24, rng.uniform(24, 34), tint(base, 0.66), 5)
    sk.fill(mirrored([(0, -30), (wide - 5, -29), (wide, -24), (low, 26), (low - 4, 32), (0, 33)]), Cloth())
    flap: list[Node] = [(0, -31), (wide - 5, -30), (wide + 1, -24), (wide + 3, -6), (wide - 6, 2), (0, 6)]
    sk.fill(mirrored(flap), Cloth(light=0.9))
    sk.dashes([(-wide - 1, -8), (-wide + 6, 0), (0, 3.6), (wide - 6, 0), (wide + 1, -8)], tint(base, 1.3),
              0.9)
    sk.line([(-wide - 3, -6), (-wide + 6, 2), (0, 6), (wide - 6, 2), (wide + 3, -6)], tint(base, 0.55), 1.2)
    sk.box(-6, -1, 6, 12, metal, 2)
    sk.box(-3, 3, 3, 8, tint(metal, 0.7), 1)
    for side in (1, -1):
        sk.disc(side * 19, -22, 3, paint=metal)
        sk.fold([(side * (low - 4), -10), (side * (low - 4), 28)], -0.3, 6)


def _hobo(sk: Sketch, base: Rgb, metal: Rgb, rng: Random) -> None:
    drop = rng.uniform(24, 34)
    strap = tint(base, 0.74)
    sk.fill(ribbon([(-38, -10), (-30, -38), (0, -54 - drop * 0.3), (30, -38), (38, -10)],
                   (5, 3.4, 3.2, 3.4, 5)), strap)
    right: list[Node] = [(0, -8), (22, -10), (40, -18, "c"), (52, 2), (48, 26), (26, 38), (0, 40)]
    sk.fill(mirrored(right), Cloth())
    sk.line([(-40, -18), (-22, -10), (0, -8), (22, -10), (40, -18)], tint(base, 0.6), 2)
    sk.dashes([(-36, -14), (0, -5), (36, -14)], metal, 1.4, 2.2)
    for x in (-26, -10, 8, 24):
        sk.fold([(x * 0.8, -4), (x * 1.15, 30)], -0.36, 4)
    for side in (1, -1):
        sk.disc(side * 38, -14, 3.6, paint=metal)
        sk.disc(side * 38, -14, 1.9, paint=strap)
    sk.line([(28, -8), (30, 8)], strap, 1.6)
    sk.fill([(27, 8), (33, 8), (34, 20), (26, 20)], tint(base, 0.6))


def _crossbody(sk: Sketch, base: Rgb, metal: Rgb, rng: Random) -> None:
    strap = metal if rng.random() < 0.4 else tint(base, 0.68)
    sk.line([(-33, -12), (-30, -44), (-8, -72), (14, -66), (31, -40), (33, -12)], strap, 2.4)
    sk.box(-36, -18, 36, 34, Cloth(), 7)
    flap: list[Node] = [(0, -19), (30, -19), (36, -14), (35, 4), (20, 12), (0, 16)]
    sk.fill(mirrored(flap), Cloth(light=0.9))
    sk.line([(-35, 4), (-20, 12), (0, 16), (20, 12), (35, 4)], tint(base, 0.55), 1.3)
    sk.disc(0, 11, 4.2, paint=metal)
    sk.disc(0, 11, 2, paint=tint(metal, 0.66))
    for side in (1, -1):
        sk.disc(side * 33, -14, 2.8, paint=metal)


def _evening(sk: Sketch, base: Rgb, metal: Rgb, rng: Random) -> None:
    # Held in the hand; with its frame and without its chain it could be a wallet.
    tall = rng.uniform(21, 27)
    if rng.random() < 0.5:
        sk.line([(-40, -tall), (-28, -tall - 16), (0, -tall - 22), (28, -tall - 16), (40, -tall)], metal, 1.6)
    sk.fill(mirrored([(0, -tall), (46, -tall + 1, "c"), (48, 0), (45, tall, "c"), (0, tall + 1)]), Cloth())
    sk.fill(mirrored([(0, -tall - 1), (46, -tall, "c"), (40, -2), (0, 10, "c")]), Cloth(light=0.88))
    sk.line([(-46, -tall), (0, 10), (46, -tall)], tint(base, 0.6), 1.2)
    sk.line([(-46, -tall), (46, -tall)], metal, 2.4)
    sk.disc(0, 7, 3.2, paint=metal)


def draw_backpack(sk: Sketch, spec: Spec, rng: Random) -> None:
    """School, city, hiking or roll-top."""
    base = spec.tone
    accent = contrasting(base, rng) if rng.random() < 0.5 else tint(base, 0.7)
    wide = {"school": 40, "city": 36, "hiking": 39, "roll-top": 35}[spec.cut] * rng.uniform(0.95, 1.05)
    for side in (1, -1):
        sk.fill(ribbon([(side * (wide - 12), -46), (side * (wide + 5), -20), (side * (wide + 4), 30),
                        (side * (wide - 5), 48)], (3, 4.5, 4, 2)), tint(base, 0.55))
    sk.line(arc(0, -58, 11, 12, 170, 370, 14), tint(base, 0.6), 4.2)
    top = -62 if spec.cut != "roll-top" else -50
    right: list[Node] = [(0, top), (wide * 0.6, top + 3), (wide * 0.94, top + 22), (wide, 10),
                         (wide * 0.98, 48), (wide * 0.84, 58), (0, 60)]
    sk.fill(mirrored(right), Cloth())
    sk.line([(-wide * 0.8, -4), (-wide * 0.82, top + 26), (-wide * 0.5, top + 11), (0, top + 8),
             (wide * 0.5, top + 11), (wide * 0.82, top + 26), (wide * 0.8, -4)], tint(base, 0.5), 1.6)
    if spec.cut == "roll-top":
        sk.box(-wide * 0.72, -66, wide * 0.72, -50, Cloth(light=0.84), 4)
        sk.line([(0, -64), (0, -22)], accent, 4)
        sk.box(-4.5, -34, 4.5, -27, SILVER, 1.2)
    if spec.cut == "hiking":
        sk.fill(mirrored([(0, -70), (wide * 0.7, -66), (wide * 0.9, -52), (wide * 0.86, -34), (0, -30)]),
                accent)
        for side in (1, -1):
            sk.line([(side * 16, -34), (side * 16, 54)], tint(base, 0.5), 3)
            sk.box(side * 16 - 3.4, -18, side * 16 + 3.4, -11, (60, 60, 64), 1)
    pocket = rng.uniform(2, 12)
    inner = wide * 0.74
    sk.fill(mirrored([(0, pocket), (inner * 0.8, pocket + 1), (inner, pocket + 10), (inner, 46),
                      (inner * 0.88, 53), (0, 54)]), Cloth(light=0.86))
    sk.line([(-inner * 0.88, pocket + 9), (-inner * 0.6, pocket + 6), (inner * 0.6, pocket + 6),
             (inner * 0.88, pocket + 9)], accent, 1.8)
    sk.box(inner * 0.6, pocket + 5, inner * 0.6 + 3, pocket + 14, accent, 1)
    if rng.random() < 0.5:
        sk.box(-9, pocket + 18, 9, pocket + 28, accent, 2)
    if spec.cut == "school":
        sk.box(-inner * 0.7, -34, inner * 0.7, -31.6, tint(base, 0.55))
    for side in (1, -1):
        sk.fold([(side * wide * 0.9, -30), (side * wide * 0.92, 50)], -0.42, 6)
    sk.fold([(-wide * 0.3, -44), (-wide * 0.34, 40)], 0.18, 12)


def draw_wallet(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Bifold, zip-around, long with a snap, card holder."""
    base = spec.tone
    metal = rng.choice((GOLD, SILVER))
    seam = tint(base, 1.35) if sum(base) < 330 else tint(base, 0.66)
    half, tall = {"bifold": (41.0, 31.0), "zip": (54, 28), "long": (56, 27), "cards": (37, 26)}[spec.cut]
    half, tall = half * rng.uniform(0.95, 1.04), tall * rng.uniform(0.94, 1.06)
    if spec.cut == "bifold":
        sk.fill(np.array([(-half + 2, -tall - 4), (half + 3, -tall - 3), (half + 3, tall - 2),
                          (-half, tall)], float), tint(base, 0.62))
    sk.box(-half, -tall, half, tall, Cloth(), 4)
    inset = 3.2
    sk.dashes([(-half + inset, -tall + inset, "c"), (half - inset, -tall + inset, "c"),
               (half - inset, tall - inset, "c"), (-half + inset, tall - inset, "c"), (-half + inset,
                                                            -tall + inset, "c")], seam, 0.8, 3.4)
    if spec.cut == "zip":
        sk.line([(-half + 3, -tall + 1), (half - 2, -tall + 1), (half, -tall + 4), (half, tall - 4)], metal,
                2.6)
        sk.box(half - 3, tall - 12, half + 3.5, tall + 4, metal, 1.5)
    elif spec.cut == "long":
        sk.box(-half, -tall, half, 2, Cloth(light=0.9), 4)
        sk.line([(-half + 1, 2), (half - 1, 2)], tint(base, 0.52), 1.3)
        sk.disc(0, -3, 3.4, paint=metal)
    elif spec.cut == "cards":
        for y in (-10, -2, 6):
            sk.line([(-half + 2, y), (half - 2, y)], tint(base, 0.55), 1.3)
        sk.box(-half + 6, -tall - 5, half - 6, -tall + 1,
               rng.choice(((90, 140, 200), (206, 172, 90), (230, 230, 232))), 2)
    if rng.random() < 0.6:
        sk.box(half * 0.35, tall * 0.42, half * 0.8, tall * 0.62, tint(base, 0.7), 1)
    sk.fold([(-half * 0.8, -tall * 0.4), (half * 0.5, -tall * 0.7)], 0.26, 9)

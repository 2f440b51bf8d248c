"""Jackets: bomber, denim, blazer, puffer, parka."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

import numpy as np

from multimodal.data.sample.palette import contrasting, tint
from multimodal.data.sample.shapes.bodice import Bodice, cuffs, hem_band, ribs
from multimodal.data.sample.shapes.figure import Body, arm_line
from multimodal.data.sample.shapes.parts import collar, dress_up, zip_line
from multimodal.data.sample.sketch import Cloth, Node, Sketch
from multimodal.data.sample.spec import Spec


def draw_jacket(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Dispatches to the cut named in ``spec``."""
    long = spec.cut == "parka"
    bulky = spec.cut in ("puffer", "parka")
    cut = Bodice(
        neck="round" if bulky or spec.cut == "bomber" else "v",
        sleeve=1.0,
        ease=rng.uniform(8, 11) if bulky else rng.uniform(5.5, 8),
        hem_y=rng.uniform(70, 80) if long else rng.uniform(48, 58),
        hem_curve=1,
        flare=6.0,
        shoulder=2.0,
        boxy=spec.cut != "blazer",
    )
    who = dress_up(sk, spec, rng, cut)
    if spec.stage == "model" and spec.cut != "blazer" and rng.random() < 0.45:
        _open_front(sk, cut, contrasting(spec.tone, rng))
    {"bomber": _bomber, "denim": _denim, "blazer": _blazer, "puffer": _puffer, "parka": _parka}[spec.cut](sk,
                                                            spec, rng, who, cut)


def _open_front(sk: Sketch, cut: Bodice, inner: tuple[int, int, int]) -> None:
    sk.fill([(-9, -66, "c"), (0, -60), (9, -66, "c"), (6, -20), (11, cut.hem_y - 1, "c"),
             (-6, cut.hem_y - 1, "c"), (-5, -20)], inner)


def _bomber(sk: Sketch, spec: Spec, rng: Random, who: Body, cut: Bodice) -> None:
    base = spec.tone
    band = tint(base, 0.7) if rng.random() < 0.6 else contrasting(base, rng)
    hem = who.hip + cut.ease
    hem_band(sk, who, cut, band, 9)
    ribs(sk, -hem + 3, hem - 2, cut.hem_y - 7, cut.hem_y + 0.5, tint(band, 0.8))
    cuffs(sk, who, cut, band, 0.09)
    sk.line([(-14, -72), (-9, -62), (0, -58), (9, -62), (14, -72)], band, 6)
    zip_line(sk, -58, cut.hem_y)
    for side in (1, -1):
        sk.line([(side * 14, 8), (side * 24, 28)], tint(base, 0.58), 2)


def _denim(sk: Sketch, spec: Spec, rng: Random, who: Body, cut: Bodice) -> None:
    base = spec.tone
    seam = (206, 160, 92) if rng.random() < 0.7 else tint(base, 0.6)
    hem_band(sk, who, cut, Cloth(light=0.88), 7)
    cuffs(sk, who, cut, Cloth(light=0.86), 0.08)
    sk.line([(0, -46), (0, cut.hem_y)], tint(base, 0.6), 1.4)
    for side in (1, -1):
        sk.line([(side * 3, -26), (side * (who.chest + 3), -28)], seam, 1.0)
        sk.fill([(side * 9, -26, "c"), (side * 26, -26, "c"), (side * 26, -18, "c"), (side * 17.5, -13, "c"),
                 (side * 9, -18, "c")], Cloth(light=0.84))
        sk.disc(side * 17.5, -16.5, 1.4, paint=(206, 190, 150))
        sk.line([(side * 10, -13), (side * 6, cut.hem_y - 7)], seam, 0.9)
        sk.line([(side * 25, -13), (side * 19, cut.hem_y - 7)], seam, 0.9)
    for y in np.arange(-38, cut.hem_y, 16):
        sk.disc(-2.2, float(y), 1.7, paint=(206, 190, 150))
    collar(sk, base, 20, 15)


def _blazer(sk: Sketch, spec: Spec, rng: Random, who: Body, cut: Bodice) -> None:
    base = spec.tone
    low = rng.uniform(-14, 2)
    inner = rng.choice(((244, 243, 240), (196, 212, 232), tint(base, 0.5)))
    sk.fill([(-11, -74, "c"), (0, -68), (11, -74, "c"), (9, -50), (0, low + 2, "c"), (-9, -50)], inner)
    if spec.gender != "women":
        tie = contrasting(inner, rng)
        sk.fill([(-3, -62, "c"), (3, -62, "c"), (2, -57), (4, low - 10), (0, low), (-4, low - 10),
                 (-2, -57)], tie)
    for side in (1, -1):
        wing: list[Node] = [(side * 11, -76, "c"), (side * 20, -64, "c"), (side * 14.5, -53, "c"),
                            (side * 22, -46, "c"), (0, low, "c"), (side * 8, -52)]
        sk.fill(wing, Cloth(light=1.1))
        sk.line([wing[1], wing[2], wing[3], wing[4]], tint(base, 0.6), 1.1)
        sk.box(side * 20 - 8, 18, side * 20 + 8, 22, Cloth(light=0.78))
    sk.line([(0, low), (1, 30), (7, cut.hem_y + 1)], tint(base, 0.6), 1.3)
    for y in (low + 5, low + 19):
        sk.disc(2, y, 1.9, paint=tint(base, 0.4))


def _puffer(sk: Sketch, spec: Spec, rng: Random, who: Body, cut: Bodice) -> None:
    base = spec.tone
    half = who.chest + cut.ease
    for y in np.arange(-46, cut.hem_y - 2, rng.choice((11, 14))):
        edge = half if y > -30 else half - 4
        sk.line([(-edge + 1, y), (-edge / 2, y + 2.4), (-1, y), (0, y - 0.5), (1, y), (edge / 2, y + 2.4),
                 (edge - 1, y)], tint(base, 0.62), 1.2)
        sk.fold([(-edge * 0.7, y + 6), (edge * 0.7, y + 6)], 0.34, 4)
    _sleeve_rings(sk, who, tint(base, 0.62))
    sk.fill([(-15, -80), (0, -78), (15, -80), (17, -66), (0, -60), (-17, -66)], Cloth(light=0.92))
    sk.line([(-16, -73), (0, -70), (16, -73)], tint(base, 0.6), 1)
    zip_line(sk, -76, cut.hem_y)
    cuffs(sk, who, cut, tint(base, 0.7), 0.05)


def _sleeve_rings(sk: Sketch, who: Body, paint: tuple[int, int, int]) -> None:
    for share in (0.2, 0.36, 0.52, 0.68, 0.84):
        x, y = arm_line(who, share)[-1]
        for side in (1, -1):
            sk.line([(side * (x - 11), y + 3.5), (side * x, y + 1.5), (side * (x + 11.5), y - 3)], paint, 1.1)


def _parka(sk: Sketch, spec: Spec, rng: Random, who: Body, cut: Bodice) -> None:
    base = spec.tone
    fur = rng.choice(((196, 170, 136), (226, 220, 208), (92, 78, 66)))
    sk.fill([(-24, -76), (0, -66), (24, -76), (25, -64), (14, -54), (0, -50), (-14, -54), (-25, -64)],
            tint(base, 0.8))
    for i in range(46):
        t = i / 45
        x = -25 + 50 * t
        y = -70 + 18 * (1 - (2 * t - 1) ** 2) + rng.uniform(-2.5, 2.5)
        sk.disc(x, y, rng.uniform(3.2, 4.8), paint=tint(fur, rng.uniform(0.82, 1.15)))
    zip_line(sk, -50, cut.hem_y)
    sk.line([(5, -50), (5, cut.hem_y)], tint(base, 0.72), 0.9)
    sk.line([(-who.waist - cut.ease, 12), (who.waist + cut.ease, 12)], tint(base, 0.66), 1.2)
    for side in (1, -1):
        sk.box(side * 23 - 9, 26, side * 23 + 9, 48, Cloth(light=0.92), 2)
        sk.box(side * 23 - 10, 24, side * 23 + 10, 31, Cloth(light=0.8), 1)
    cuffs(sk, who, cut, Cloth(light=0.8), 0.05)

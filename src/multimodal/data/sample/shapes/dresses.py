"""Dresses: their cuts and what is drawn on top of them."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

from multimodal.data.sample.palette import contrasting, tint
from multimodal.data.sample.shapes.bodice import Bodice, Neck, cuffs, neck_trim
from multimodal.data.sample.shapes.figure import Body
from multimodal.data.sample.shapes.parts import collar, dress_up
from multimodal.data.sample.sketch import Cloth, Sketch, mirrored
from multimodal.data.sample.spec import Spec

_NECKS: tuple[Neck, ...] = ("round", "scoop", "v", "boat", "square")


def draw_dress(sk: Sketch, spec: Spec, rng: Random) -> None:
    """A-line, sheath, maxi, shirt dress or slip, worn or alone."""
    cut = _cut(spec.cut, rng)
    who = dress_up(sk, spec, rng, cut)
    _finish(sk, spec, rng, who, cut)


def _cut(name: str, rng: Random) -> Bodice:
    sleeve = rng.choice((0.0, 0.0, 0.24, 0.34))
    neck: Neck = rng.choice(_NECKS)
    return {
        "a-line": Bodice(neck, sleeve, 1.5, 24.5, rng.uniform(98, 128), rng.uniform(52, 66),
                         6),
        "sheath": Bodice(neck, sleeve, 1.5, 25.0, rng.uniform(100, 122), rng.uniform(30, 34),
                         1),
        "maxi": Bodice(neck, sleeve, 1.5, 25.0, rng.uniform(190, 206), rng.uniform(54, 68),
                       5),
        "slip": Bodice("straps", 0.0, 1.5, 25.0, rng.uniform(96, 150), rng.uniform(38, 50), 4),
        "shirt dress": Bodice("v", rng.choice((0.4, 0.95)), 3.0, 28.0, rng.uniform(92, 118),
                              rng.uniform(42, 50), 5),
        "long sleeve": Bodice(neck, 0.96, 1.8, 25.0, rng.uniform(94, 126), rng.uniform(38, 56),
                              4),
    }[name]


def _finish(sk: Sketch, spec: Spec, rng: Random, who: Body, cut: Bodice) -> None:
    base = spec.tone
    half = (cut.waist or 25.0) + 0.6
    hem = cut.hem or 40.0
    for share in (-0.7, -0.4, -0.1, 0.2, 0.5, 0.8):
        x = share + rng.uniform(-0.08, 0.08)
        sk.fold([(x * half * 0.8, 18), (x * hem * 0.62, (18 + cut.hem_y) / 2), (x * hem, cut.hem_y)],
                -0.34 if hem > 40 else -0.14, 3.4)
        sk.fold([((x + 0.12) * half * 0.8, 24), ((x + 0.12) * hem, cut.hem_y - 4)],
                0.16 if hem > 40 else 0.06, 4)
    if spec.cut == "shirt dress":
        sk.line([(0, -44), (0, cut.hem_y + 3)], tint(base, 0.72), 1.1)
        for y in range(-38, int(cut.hem_y), 15):
            sk.disc(-2, y, 1.3, paint=(245, 243, 238))
        collar(sk, base, 17, 12)
        if cut.sleeve > 0.6:
            cuffs(sk, who, cut, Cloth(light=0.85), 0.07)
    elif cut.neck not in ("straps", "off"):
        neck_trim(sk, cut, tint(base, 0.82), 1.6)
    if (spec.cut != "sheath" and rng.random() < 0.7) or spec.cut == "shirt dress":
        belt = contrasting(base, rng) if rng.random() < 0.5 else tint(base, 0.68)
        sk.fill(mirrored([(0, 7), (half, 5.5, "c"), (half + 0.6, 11.5, "c"), (0, 13)]), belt)
    if spec.cut == "maxi" and rng.random() < 0.4:
        low = cut.hem_y - 34
        sk.line([(-hem * 0.88, low), (0, low + 4), (hem * 0.88, low)], tint(base, 0.74), 1.4)

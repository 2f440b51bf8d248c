"""Watches, sunglasses, caps and belts."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

import numpy as np

from multimodal.data.sample.palette import GOLD, SILVER, Rgb, contrasting, mix, tint
from multimodal.data.sample.sketch import Cloth, Node, Sketch, arc, mirrored, ribbon, smooth
from multimodal.data.sample.spec import Spec


def draw_watch(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Leather, bracelet, square, chronograph or digital."""
    metal = rng.choice((SILVER, SILVER, GOLD, (58, 60, 64), (196, 142, 112)))
    half = 13.0 if spec.cut == "square" else 15.0
    half = half * (0.85 if spec.gender == "women" else 1.05)
    strap = metal if spec.cut == "bracelet" else spec.tone
    for end in (-1, 1):
        nodes: list[Node] = [(-half, end * 20, "c"), (-half * 0.8, end * 54), (-half * 0.74, end * 92, "c"),
                             (half * 0.74, end * 92, "c"), (half * 0.8, end * 54), (half, end * 20, "c")]
        sk.fill(nodes, strap if spec.cut == "bracelet" else Cloth())
        if spec.cut == "bracelet":
            for y in range(24, 90, 8):
                edge = half * float(np.interp(y, (20, 54, 92), (1.0, 0.8, 0.74))) - 0.6
                sk.line([(-edge, end * y), (edge, end * y)], tint(metal, 0.62), 1.2)
            for x in (-half * 0.36, half * 0.36):
                sk.line([(x, end * 24), (x, end * 91)], tint(metal, 0.78), 1)
        else:
            for x in (-half * 0.6, half * 0.6):
                sk.dashes([(x, end * 28), (x, end * 88)],
                          tint(strap, 1.35) if sum(strap) < 400 else tint(strap, 0.7), 0.8)
        for x in (-half + 1, half - 6):
            sk.box(x, min(end * 20, end * 32), x + 5, max(end * 20, end * 32), tint(metal, 0.9), 1)
    if spec.cut != "bracelet":
        for y in (52, 61, 70, 79):
            sk.disc(0, y, 1.5, paint=tint(strap, 0.4))
    sk.box(24, -5, 32, 5, tint(metal, 0.8), 1.6)
    _dial(sk, spec.cut, metal, rng)


def _dial(sk: Sketch, cut: str, metal: Rgb, rng: Random) -> None:
    face = rng.choice(((246, 245, 240), (34, 36, 42), (38, 56, 96), (246, 245, 240), (40, 84, 72)))
    ink = (40, 42, 46) if sum(face) > 500 else (236, 236, 232)
    if cut in ("square", "digital"):
        sk.box(-26, -28, 26, 28, metal, 7)
        sk.box(-22, -24, 22, 24, tint(metal, 0.62), 5)
        sk.box(-20, -22, 20, 22, face, 4)
    else:
        sk.disc(0, 0, 29, paint=metal)
        sk.disc(0, 0, 25.6, paint=tint(metal, 0.6))
        sk.disc(0, 0, 24, paint=face)
    if cut == "digital":
        sk.box(-15, -9, 15, 9, (176, 190, 170), 1)
        for x in (-12, -4.5, 3.5, 10):
            sk.box(x - 1, -6, x + 2.4, 6, (38, 44, 40))
        return
    for hour in range(12):
        x, y = np.sin(hour * np.pi / 6), -np.cos(hour * np.pi / 6)
        inner = 15.0 if hour % 3 == 0 else 17.5
        sk.line([(inner * x, inner * y), (20.5 * x, 20.5 * y)], ink, 2.2 if hour % 3 == 0 else 1.2)
    if cut == "chronograph":
        for x, y in ((-9, 0), (9, 0), (0, 10)):
            sk.disc(x, y, 5.4, paint=mix(face, ink, 0.25))
            sk.line([(x, y), (x + 2, y - 3.4)], ink, 0.9)
    for angle, length, width in ((rng.uniform(0, 360), 11, 2.6), (rng.uniform(0, 360), 17, 1.8),
                                 (rng.uniform(0, 360), 19, 0.7)):
        a = np.deg2rad(angle)
        sk.line([(0, 0), (length * np.sin(a), -length * np.cos(a))], ink if width > 1 else (196, 60, 50),
                width)
    sk.disc(0, 0, 2, paint=metal)


def draw_sunglasses(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Aviator, square, round, cat eye or sport, from the front with folded-out arms."""
    frame = spec.tone if spec.cut != "aviator" else rng.choice((GOLD, SILVER, (60, 60, 64)))
    lens = rng.choice(((46, 44, 50), (92, 64, 48), (58, 74, 98), (74, 92, 78), (108, 64, 96)))
    for side in (1, -1):
        arm: list[Node] = [(side * 58, -10, "c"), (side * 66, -16), (side * 56, -26), (side * 40, -30)]
        sk.line(arm, tint(frame, 0.62), 3.2)
    shapes: dict[str, list[Node]] = {
        "aviator": [(10, -14), (34, -18), (55, -13), (54, 4), (40, 18), (22, 16), (11, 2)],
        "square": [(8, -15), (32, -18), (57, -16), (55, 6), (46, 14), (18, 14), (10, 6)],
        "round": [(8, 0), (14, -15), (31, -21), (48, -15), (54, 0), (48, 15), (31, 21), (14, 15)],
        "cat eye": [(8, -11), (30, -16), (62, -22, "c"), (56, 2), (44, 13), (20, 13), (9, 4)],
        "sport": [(4, -12), (34, -16), (64, -14), (58, 4), (34, 9), (12, 8), (5, 0)],
    }
    shape = smooth(shapes[spec.cut], True)
    middle = shape.mean(0)
    rim = 1.1 if spec.cut == "aviator" else 1.24
    for side in (1, -1):
        outer = (shape - middle) * rim + middle
        sk.fill(outer * (side, 1), frame if spec.cut == "aviator" else Cloth())
        sk.fill(shape * (side, 1), lens)
        sk.fill((shape - middle) * (0.82 * side, 0.5) + (side * middle[0], middle[1] + 6), tint(lens, 1.3))
        sk.fold([(side * middle[0] - 9, 5), (side * middle[0] + 7, -9)], 0.6, 4.5)
        sk.fill(ribbon([(side * 53, -12), (side * 62, -11)], (3.4, 2.6)), frame)
    sk.line([(-11, -9), (0, -13), (11, -9)], frame, 2.0 if spec.cut == "aviator" else 4.4)
    if spec.cut == "aviator":
        sk.line([(-20, -17.5), (0, -18.5), (20, -17.5)], frame, 1.8)


def draw_cap(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Baseball, trucker or flat-peaked, turned three quarters; now and then a knitted beanie."""
    base = spec.tone
    accent = contrasting(base, rng)
    if spec.cut == "beanie":
        sk.disc(0, -44, 11, 10, accent if rng.random() < 0.5 else tint(base, 0.9))
        sk.fill(mirrored([(0, -40), (24, -35), (40, -10), (43, 20, "c"), (0, 24)]), Cloth())
        sk.box(-45, 10, 45, 32, Cloth(light=0.85), 6)
        for x in range(-42, 44, 4):
            sk.line([(x, 12), (x, 31)], tint(base, 0.66), 1)
        return
    flat = spec.cut == "flat peak"
    crown: list[Node] = [(-50, 18, "c"), (-51, -4), (-36, -32), (-6, -42), (24, -34), (38, -10),
                         (40, 14, "c"), (0, 20)]
    sk.fill(crown, Cloth())
    if spec.cut == "trucker":
        sk.fill([(-50, 18, "c"), (-51, -4), (-36, -32), (-10, -41.5), (-14, -10), (-12, 19, "c")], accent)
        for y in range(-28, 16, 5):
            left = float(np.interp(y, (-32, -18, -4, 16), (-33, -43, -48, -47)))
            sk.dashes([(left, y), (-15, y)], tint(accent, 0.72), 0.9, 3.2)
    for seam in ([(-6, -42), (-16, -16), (-14, 19)], [(-6, -42), (20, -22), (27, 16)],
                 [(-6, -42), (-38, -22), (-44, 8)]):
        sk.line([(float(x), float(y)) for x, y in seam], tint(base, 0.66), 1.0)
    peak: list[Node] = [(-14, 15, "c"), (14, 8), (40, 11, "c"), (64, 17 if flat else 22),
                        (76, 25 if flat else 33), (56, 29 if flat else 36), (22, 25), (-4, 24)]
    peak_paint = accent if rng.random() < 0.35 else tint(base, 0.86)
    sk.fill(peak, peak_paint)
    sk.line([(-12, 22), (22, 22), (54, 32 if not flat else 25), (74, 31 if not flat else 24)],
            tint(peak_paint, 0.7), 0.9)
    sk.line([(-14, 15.5), (14, 8.5), (40, 11.5)], tint(base, 0.5), 1.3)
    sk.disc(-6, -42, 3.4, 2.4, tint(base, 0.75))
    kind = rng.random()
    if kind < 0.4:
        sk.disc(7, -12, 9, 11, accent)
        sk.disc(7, -12, 5, 6.5, tint(base, 0.9))
    elif kind < 0.75:
        for i in range(3):
            sk.box(-6 + 9 * i, -18, 0 + 9 * i, -4, accent, 1)
    sk.fold([(-28, -26), (-36, 8)], 0.3, 8)
    sk.fold([(36, -8), (38, 12)], -0.4, 6)


def draw_belt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Coiled, with its buckle in front: plain, wide, woven."""
    base = spec.tone
    metal = rng.choice((SILVER, SILVER, GOLD))
    wide = {"classic": 9.0, "wide": 14.0, "braided": 9.5, "thin": 5.5}[spec.cut]
    rx, ry = rng.uniform(60, 66), rng.uniform(17, 23)
    back = np.concatenate([arc(0, -wide, rx, ry, 180, 360, 30), arc(0, wide * 0.7, rx, ry, 360, 180, 30)])
    sk.fill(back, tint(base, 0.55))
    front = np.concatenate([arc(0, -wide, rx, ry, 180, 0, 36), arc(0, wide, rx, ry, 0, 180, 36)])
    sk.fill(front, Cloth())
    seam = tint(base, 1.3) if sum(base) < 380 else tint(base, 0.7)
    if spec.cut == "braided":
        for angle in range(176, 4, -7):
            (x0, y0), (x1, y1) = arc(0, -wide, rx, ry, angle, angle, 1)[0], arc(0, wide, rx, ry, angle - 9,
                                                            angle - 9, 1)[0]
            sk.line([(x0, y0), (x1, y1)], tint(base, 0.66), 1.2)
            sk.line([(x0, y1), (x1, y0)], tint(base, 1.2), 0.9)
    else:
        for k in (-1, 1):
            sk.dashes(arc(0, k * (wide - 1.8), rx, ry, 176, 4, 36), seam, 0.8, 3.4)
    x = rng.uniform(-14, 6)
    y = ry * (1 - (x / rx) ** 2) ** 0.5
    tall = wide + 3.5
    sk.box(x - 13, y - tall, x + 13, y + tall, metal, 3)
    sk.box(x - 9, y - tall + 4, x + 9, y + tall - 4, base, 1.5)
    sk.line([(x - 11, y), (x + 11, y)], tint(metal, 0.8), 2.2)
    sk.box(x + 19, y - wide - 1, x + 25, y + wide - 0.4, Cloth(light=0.7), 1)
    for i in range(4):
        hx = x - 22 - 8 * i
        if abs(hx) < rx * 0.9:
            sk.disc(hx, ry * (1 - (hx / rx) ** 2) ** 0.5, 1.4, paint=tint(base, 0.35))
    sk.fold([(-rx * 0.9, ry * 0.3 - wide * 0.4), (-rx * 0.5, ry * 0.82 - wide * 0.4)], 0.5, 4)

"""Footwear from the side, toe to the right: sneakers, formal shoes, heels, boots; the floor is at 40."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from collections.abc import Callable
from random import Random

from multimodal.data.sample.palette import Rgb, contrasting, mix, tint
from multimodal.data.sample.sketch import Cloth, Node, Sketch, ribbon
from multimodal.data.sample.spec import Spec


def draw_sneaker(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Low, high-top, running or slip-on."""
    base = spec.tone
    sole = rng.choice(((246, 245, 240), (246, 245, 240), (222, 206, 174), (52, 52, 56),
                       contrasting(base, rng)))
    accent = contrasting(base, rng)
    high = spec.cut == "high-top"
    collar = -34.0 if high else -12.0
    upper: list[Node] = [(-62, 26), (-64, 4), (-58, collar + 2, "c"), (-42, collar + 5),
                         (-24, collar - 2, "c")]
    upper += [(2, -2 if not high else -6), (30, 8), (54, 13), (66, 22), (66, 30, "c"), (-60, 30, "c")]
    sk.fill([(-58, collar + 1), (-40, collar - 4), (-24, collar - 1), (-30, collar + 8), (-52, collar + 9)],
            tint(base, 0.5))
    sk.fill(upper, Cloth())
    _sneaker_panels(sk, spec.cut, base, accent, rng, high)
    running = spec.cut == "running"
    bottom: list[Node] = [(-66, 22 if running else 26, "c"), (-30, 27), (10, 28), (50, 27), (70, 22),
                          (72, 31), (62, 38), (20, 38 if not running else 36), (-20, 38), (-62, 39), (-69,
                                                            32)]
    sk.fill(bottom, sole)
    if running:
        sk.line([(-60, 33), (-20, 32), (30, 33), (66, 30)], accent, 1.8)
        for x in range(-56, 60, 9):
            sk.line([(x, 36), (x + 4, 40)], tint(sole, 0.6), 2)
    else:
        sk.line([(-66, 33), (0, 34.5), (68, 31)], mix(sole, accent, 0.7), 1.2)
        sk.line([(-64, 38.4), (62, 38)], tint(sole, 0.6), 2)


def _sneaker_panels(sk: Sketch, cut: str, base: Rgb, accent: Rgb, rng: Random, high: bool) -> None:
    dark = tint(base, 0.72)
    toe = (246, 245, 240) if cut in ("high-top", "low") and rng.random() < 0.5 else tint(base, 0.84)
    if cut == "slip-on":
        sk.fill([(-20, -8, "c"), (-4, -3, "c"), (-8, 12), (-18, 14)], tint(base, 0.55))
        return
    sk.fill([(42, 14), (54, 13), (66, 21), (67, 30, "c"), (38, 30, "c"), (39, 22)], toe)
    sk.fill([(-64, 4), (-58, -6), (-46, 4), (-44, 30, "c"), (-62, 30, "c")], tint(base, 0.8))
    tongue = -40.0 if high else -19.0
    sk.fill([(-25, tongue + 6, "c"), (-17, tongue, "c"), (2, -4), (30, 8), (24, 12), (-6, 6)],
            tint(base, 0.88))
    count = 7 if high else 5
    for i in range(count):
        t = i / (count - 1)
        x = -20 + 44 * t
        y = (tongue + 8) * (1 - t) + 6 * t + (5 if not high else 5 - 10 * t * (1 - t))
        sk.line([(x - 5, y + 7), (x + 4, y - 2)], (248, 247, 242) if sum(base) < 600 else (90, 90, 96), 2.4)
    style = rng.choice(("bars", "wave", "star", "none")) if cut != "running" else "wave"
    if style == "bars":
        for k in range(3):
            sk.line([(-26 + 9 * k, 27), (-12 + 8 * k, 6 + 2 * k)], accent, 4)
    elif style == "wave":
        sk.fill([(-48, 14), (-30, 24), (0, 20), (22, 8), (2, 26), (-30, 30)], accent)
    elif style == "star":
        sk.disc(-36, -8 if high else 12, 7, paint=accent)
        sk.disc(-36, -8 if high else 12, 4, paint=dark)


def draw_formal(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Oxford, derby, loafer, monk strap: low, slender, polished."""
    base = spec.tone
    long = rng.uniform(70, 78)
    upper: list[Node] = [(-62, 28), (-63, 6), (-58, -10, "c"), (-40, -6), (-22, -12, "c"), (4, 2), (34, 12),
                         (60, 17), (long, 26), (long - 3, 31, "c"), (-60, 31, "c")]
    sk.fill([(-57, -10), (-40, -14), (-23, -11), (-28, -2), (-50, -2)], tint(base, 0.45))
    sk.fill(upper, Cloth())
    edge = tint(base, 0.55)
    if spec.cut in ("oxford", "derby"):
        sk.fill([(-24, -14, "c"), (-16, -17, "c"), (10, 2), (4, 8), (-14, 0)], tint(base, 0.82))
        for i in range(4):
            sk.line([(-19 + 7 * i, -4 + 3 * i), (-11 + 7 * i, -9 + 3.6 * i)], tint(base, 0.4), 1.7)
        if spec.cut == "oxford":  # closed lacing, and a cap over the toe
            sk.line([(-26, -6), (-8, 12), (14, 10)], edge, 1.1)
            sk.line([(36, 12), (40, 22), (38, 31)], edge, 1.2)
        else:  # open flaps sewn on the vamp
            sk.line([(-30, -8), (-24, 14), (-4, 19), (14, 8)], edge, 1.3)
            sk.dashes([(-27, -4), (-22, 11), (-4, 16), (11, 7)], tint(base, 1.4), 0.8)
    elif spec.cut == "loafer":
        sk.line([(-6, -3), (16, 14), (44, 16), (62, 18)], edge, 1.3)
        sk.fill([(-14, -8), (-4, -4), (8, 24, "c"), (-4, 24, "c")], tint(base, 0.78))
        sk.box(-6, 4, 4, 9, (206, 176, 100), 1)
    else:
        sk.fill(ribbon([(-26, -4), (-8, 6), (6, 22)], (4, 4, 3.4)), tint(base, 0.8))
        sk.box(-13, 1, -4, 10, (200, 200, 204), 1.5)
        sk.line([(36, 12), (40, 22), (38, 31)], edge, 1.2)
    sk.fold([(30, 17), (60, 21)], 0.75, 5)
    sk.fold([(-52, 4), (-50, 22)], 0.4, 5)
    sole = rng.choice(((38, 34, 34), (84, 56, 38)))
    sk.fill([(-64, 29, "c"), (0, 30), (long + 1, 28), (long, 34), (40, 37), (-18, 34.5), (-26, 35, "c"),
             (-27, 41, "c"), (-63, 41, "c")], sole)


def draw_heels(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Stiletto or block pump, ankle strap, platform."""
    base = spec.tone
    tall = {"stiletto": 56, "pump": 38, "ankle strap": 50, "platform": 54,
            "kitten": 24}[spec.cut] * rng.uniform(0.92, 1.06)
    lift = 8.0 if spec.cut == "platform" else 0.0
    toe = 37.0 - lift
    seat = 38.0 - tall
    foot = 2.0 if spec.cut in ("stiletto", "kitten") or rng.random() < 0.3 else 7.5
    sk.fill([(-56, seat - 6, "c"), (-30, seat + 2, "c"), (-42 + foot * 0.6, seat + 20),
             (-45 + foot, 40, "c"), (-48 - foot, 40, "c"), (-53 - foot * 0.2, seat + 16)], tint(base, 0.62))
    sk.fill([(-56, seat - 24, "c"), (-34, seat - 19), (-4, toe - tall * 0.4 - 21), (22, toe - 21),
             (34, toe - 12), (0, toe - 8 - tall * 0.3), (-40, seat - 10)], tint(base, 0.5))
    side: list[Node] = [(-57, seat - 25, "c"), (-40, seat - 15), (-12, toe - tall * 0.46 - 12),
                        (12, toe - tall * 0.16 - 11), (31, toe - 18, "c"), (52, toe - 9), (64, toe, "c")]
    under: list[Node] = [(32, toe + 3), (10, toe - tall * 0.06), (-12, toe - tall * 0.5), (-34, seat + 3),
                         (-56, seat + 2, "c"), (-60, seat - 12)]
    sk.fill([*side, *under], Cloth())
    sk.line([(64, toe + 0.5), (32, toe + 3.2), (10, toe - tall * 0.06 + 0.6), (-12, toe - tall * 0.5 + 0.6),
             (-34, seat + 3.6)], tint(base, 0.4), 1.6)
    if lift:
        sk.fill([(6, toe, "c"), (32, toe + 2), (64, toe, "c"), (62, 40, "c"), (12, 40, "c")], tint(base, 0.7))
    if spec.cut == "ankle strap":
        sk.fill(ribbon([(-55, seat - 20), (-56, seat - 44)], (3.4, 2.4)), Cloth(light=0.9))
        sk.line([(-57, seat - 42), (-40, seat - 47), (-24, seat - 43), (-22, seat - 39), (-38, seat - 37),
                 (-56, seat - 39)], base, 3)
        sk.disc(-30, seat - 39, 2.2, paint=(212, 180, 104))
    elif rng.random() < 0.3:
        sk.disc(36, toe - 15, 4.5, paint=contrasting(base, rng))
    sk.fold([(32, toe - 12), (56, toe - 4)], 0.7, 4)
    sk.fold([(-52, seat - 14), (-44, seat - 2)], 0.3, 4)


def draw_boots(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Ankle, Chelsea, lace-up, knee-high, heeled."""
    base = spec.tone
    top = {"ankle": -42, "chelsea": -42, "lace-up": -52, "knee-high": -112, "heeled": -48,
           "rubber": -88}[spec.cut] * rng.uniform(0.93, 1.05)
    rise = 15.0 if spec.cut in ("heeled", "knee-high") and rng.random() < 0.7 else 4.0
    calf = 6.0 if spec.cut in ("knee-high", "rubber") else 0.0
    edge = tint(base, 0.56)
    sk.fill([(-52 - calf, top - 2), (-35, top - 5), (-12 + calf, top - 1), (-16, top + 7), (-48, top + 7)],
            tint(base, 0.45))
    shape: list[Node] = [(-52 - calf, top, "c"), (-32, top + 2), (-11 + calf, top, "c"),
                         (-12 + calf * 0.6, top * 0.45), (-12, -14), (2, 2), (30, 10), (54, 15), (66,
                                                            26), (64, 33)]
    shape += [(20, 34), (-12, 33 - rise * 0.7), (-40, 33 - rise), (-54, 33 - rise, "c"), (-58, 8),
              (-51, -16), (-53 - calf, top * 0.5)]
    sk.fill(shape, Cloth())
    sole = rng.choice(((40, 37, 36), (40, 37, 36), (196, 160, 112),
                       (240, 238, 232))) if spec.cut in ("lace-up", "chelsea", "rubber") else (44, 38, 36)
    sk.fill([(-56, 31 - rise, "c"), (-12, 33 - rise * 0.7), (20, 33), (66, 30), (67, 36), (50, 40),
             (16, 40, "c"), (-18, 38 - rise * 0.75, "c"), (-28, 38 - rise, "c"), (-31, 41, "c"), (-54, 41,
                                                            "c")], sole)
    _boot_details(sk, spec.cut, base, edge, top, rng)
    sk.fold([(26, 15), (52, 20)], 0.5, 5)
    sk.fold([(-40, top + 8), (-42, 0)], 0.26, 9)
    for y in (-16, -8):
        sk.fold([(-50, y + 3), (-30, y), (-14, y + 5)], -0.4, 2.6)


def _boot_details(sk: Sketch, cut: str, base: Rgb, edge: Rgb, top: float, rng: Random) -> None:
    if cut == "chelsea":
        sk.fill([(-38, top + 4, "c"), (-23, top + 4, "c"), (-26, -4), (-31, 0), (-36, -4)], tint(base, 0.5))
        sk.line([(-50, top - 1), (-49, top - 8)], base, 3)
    elif cut == "lace-up":
        sk.fill([(-16, top - 6, "c"), (-9, top - 2, "c"), (-8, -16), (24, 8), (14, 12), (-16, -8)],
                tint(base, 0.8))
        for i in range(7):
            t = i / 6
            x, y = (-17, top + 6 + (-14 - top) * t * 1.1) if t < 0.75 else (-12 + 34 * (t - 0.6),
                                                            -6 + 34 * (t - 0.75))
            sk.line([(x - 5, y + 3), (x + 6, y - 2)], (226, 204, 150), 2.2)
    elif cut == "knee-high":
        sk.line([(-32, top + 4), (-33, -6), (-36, 14)], edge, 1.5)
        sk.line([(-54, -10), (-30, -6), (-12, -12)], edge, 2.4)
        sk.disc(-22, -8, 2.4, paint=(206, 180, 112))
    elif cut == "rubber":
        sk.line([(-56, top + 9), (-30, top + 11), (-6, top + 8)], contrasting(base, rng), 3)
        sk.fold([(-18, top + 12), (-20, -12)], 0.8, 3)
    else:
        sk.line([(-34, top + 3), (-34, -8), (-30, 12)], edge, 1.4)
        sk.box(-36, top + 4, -32, top + 12, (200, 200, 204), 1)


def paired(draw: Callable[[Sketch, Spec, Random], None], sk: Sketch, spec: Spec, rng: Random) -> None:
    """One shoe, or (half the time) its twin behind it, up and to the left."""
    if rng.random() < 0.5:
        state = rng.getstate()
        start = len(sk.strokes)
        draw(sk, spec, rng)
        shift = (rng.uniform(-26, -14), rng.uniform(-26, -16))
        for i in range(start, len(sk.strokes)):
            sk.strokes[i] = sk.strokes[i].moved(*shift)
        rng.setstate(state)
    draw(sk, spec, rng)

"""Topwear but jackets: T-shirts, shirts, tops, sweaters, sweatshirts."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from multimodal.data.sample.palette import BY_NAME, Rgb, contrasting, mix, tint
from multimodal.data.sample.shapes.bodice import (
    Bodice,
    cuffs,
    draw_bodice,
    hem_band,
    neck_trim,
    ribs,
    sleeve_angle,
)
from multimodal.data.sample.shapes.figure import (
    Body,
    body,
    draw_figure,
    draw_hanger,
    draw_trousers_below,
)
from multimodal.data.sample.sketch import Cloth, Node, Sketch, mirrored
from multimodal.data.sample.spec import Spec

_DARKS: tuple[Rgb, ...] = ((44, 52, 74), (38, 38, 42), (70, 84, 112), (96, 88, 76), (58, 60, 66))


def dress_up(sk: Sketch, spec: Spec, rng: Random, cut: Bodice) -> Body:
    """Draws the wearer (or hanger) and the garment's body; returns the build it was cut for."""
    worn = spec.stage == "model"
    who = body(rng, spec.gender == "women" or (spec.gender == "unisex" and rng.random() < 0.5))
    spread, bend = sleeve_angle(rng, worn, who, cut.sleeve)
    if spec.stage == "hanger":
        spread = min(spread, 24.0)
    who = replace(who, spread=spread, bend=bend)
    sk.subject = False
    if worn:
        sk.subject = rng.random() < 0.65  # otherwise the frame may cut the head off, as in many catalogs
        draw_figure(sk, who, rng)
        sk.subject = False
        if cut.hem_y < 80:
            draw_trousers_below(sk, who, rng.choice(_DARKS))
    elif spec.stage == "hanger":
        draw_hanger(sk, who.shoulder, rng.choice(((168, 124, 78), (60, 58, 58), (226, 222, 214))))
    sk.subject = True
    draw_bodice(sk, who, cut, worn)
    return who


def draw_tshirt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Crew neck, V-neck, polo, long sleeve, or raglan in two colours."""
    neck = "v" if spec.cut == "v-neck" else "round"
    sleeve = 0.95 if spec.cut == "long sleeve" else rng.uniform(0.3, 0.4)
    cut = Bodice(neck=neck, sleeve=sleeve, ease=rng.uniform(2, 5), hem_y=rng.uniform(46, 58))
    who = dress_up(sk, spec, rng, cut)
    base = spec.tone
    trim = contrasting(base, rng) if rng.random() < 0.25 else tint(base, 0.82)
    if spec.cut == "polo":
        polo_collar(sk, trim if rng.random() < 0.5 else tint(base, 0.9))
        cuffs(sk, who, cut, trim, 0.03)
    else:
        neck_trim(sk, cut, trim, 2.6)
    if spec.cut == "ringer":
        cuffs(sk, who, cut, contrasting(base, rng), 0.05)
    if spec.pattern == "solid" and spec.cut != "polo" and rng.random() < 0.6:
        chest_print(sk, contrasting(base, rng), rng)


def draw_shirt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Collar, placket, buttons: long or short sleeves."""
    short = spec.cut == "short sleeve"
    cut = Bodice(neck="v", sleeve=rng.uniform(0.36, 0.44) if short else 0.97, ease=rng.uniform(3, 6), hem_y=rng.uniform(50, 60),
                 hem_curve=rng.uniform(4, 9), flare=2.4)  # fmt: skip
    who = dress_up(sk, spec, rng, cut)
    base = spec.tone
    edge = tint(base, 0.76)
    sk.line([(0, -44), (0.6, cut.hem_y + cut.hem_curve - 1)], edge, 1.1)
    sk.line([(-5.2, -46), (-4.8, cut.hem_y + cut.hem_curve - 1)], tint(base, 0.86), 0.8)
    for y in np.arange(-40, cut.hem_y - 2, 14.5):
        sk.disc(-2.4, float(y), 1.35, paint=(246, 244, 238) if spec.colour.en != "white" else (150, 150, 150))
    collar(sk, base, 18.0, 14.0)
    if spec.gender != "women" and rng.random() < 0.75:
        sk.fill([(11, -26, "c"), (26, -26, "c"), (26, -10, "c"), (18.5, -6, "c"), (11, -10, "c")], Cloth(light=0.93))
        sk.line([(11, -24.5), (26, -24.5)], edge, 0.9)
    if not short:
        cuffs(sk, who, cut, Cloth(light=0.86), 0.08)
    if spec.cut == "denim":
        for side in (1, -1):
            sk.line([(side * 4, -24), (side * who.chest, -30)], edge, 1.0)
            sk.fill([(side * 9, -20, "c"), (side * 25, -20, "c"), (side * 25, -14, "c"), (side * 17, -10, "c"), (side * 9, -14, "c")], Cloth(light=0.82))


def draw_top(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Women's tops: camisole, boat neck, peplum, off shoulder, tunic-like, sleeveless."""
    plans = {
        "camisole": Bodice(neck="straps", sleeve=0, ease=2, hem_y=44, waist=27),
        "sleeveless": Bodice(neck="round", sleeve=0, ease=2.5, hem_y=44),
        "peplum": Bodice(neck="scoop", sleeve=rng.choice((0, 0.2)), ease=1.5, hem_y=48, hem=45, waist=24, hem_curve=5),
        "off shoulder": Bodice(neck="off", sleeve=rng.choice((0.4, 0.6)), ease=3, hem_y=40, flare=7),
        "bell sleeve": Bodice(neck="v", sleeve=0.7, ease=3, hem_y=48, flare=9),
        "fitted": Bodice(neck="boat", sleeve=0.26, ease=1.5, hem_y=44),
    }
    cut = plans[spec.cut]
    who = dress_up(sk, spec, rng, cut)
    base = spec.tone
    if spec.cut == "camisole":
        sk.line([(-21, -38), (0, -31), (21, -38)], tint(base, 0.8), 2)
    elif cut.neck != "off":
        neck_trim(sk, cut, tint(base, 0.8), 1.8)
    if spec.cut == "peplum":
        sk.line([(-24.5, 12), (0, 15), (24.5, 12)], tint(base, 0.7), 1.8)
        for x in (-30, -16, -3, 10, 25):
            sk.fold([(x * 0.75, 17), (x * 1.2, 48)], -0.4, 3)
    if spec.cut == "off shoulder":
        half = who.shoulder + 8
        frill: list[Node] = [(-half, -47), (-half * 0.5, -45), (0, -44), (half * 0.5, -45), (half, -47)]
        low: list[Node] = [(half + 3, -31), (half * 0.66, -24), (half * 0.33, -28), (0, -23), (-half * 0.33, -28), (-half * 0.66, -24), (-half - 3, -31)]
        sk.fill([*frill, *low], Cloth(light=0.92))
        sk.line(low, tint(base, 0.72), 1.2)
    if spec.cut == "fitted" and spec.pattern == "solid" and rng.random() < 0.5:
        chest_print(sk, contrasting(base, rng), rng)


def draw_sweater(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Knitwear: crew, V-neck, turtleneck, cardigan, with ribs and knit bands."""
    neck = "v" if spec.cut in ("v-neck", "cardigan") else "high" if spec.cut == "turtleneck" else "round"
    cut = Bodice(neck=neck, sleeve=0.98, ease=rng.uniform(5, 8), hem_y=rng.uniform(48, 56), hem_curve=1, flare=4, boxy=True)
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
            for x in np.arange(-half + 3, half - 2, 7):
                sk.fill([(x, y - 4, "c"), (x + 3, y, "c"), (x, y + 4, "c"), (x - 3, y, "c")], other)
        sk.line([(-half, -25), (half, -25)], other, 1.2)
        sk.line([(-half, 1), (half, 1)], other, 1.2)
    else:
        for y in np.arange(-40, hem - 10, 3):
            sk.line(np.array([(-half + 2, y), (half - 2, y)]), mix(base, tint(base, 0.8), 0.6), 0.6)


def draw_sweatshirt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Crew sweatshirt or hoodie, with a kangaroo pocket, ribs and often a print."""
    hood = spec.cut in ("hoodie", "zip hoodie")
    cut = Bodice(neck="round", sleeve=0.98, ease=rng.uniform(6, 9), hem_y=rng.uniform(48, 56), hem_curve=1, flare=4.5, boxy=True)
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
        roll: list[Node] = [(side * 10, -78), (side * 20, -74), (side * 23, -64), (side * 10, -54), (0, -50), (0, -56), (side * 9, -62)]
        sk.fill(roll, Cloth(light=0.9))
        sk.line([(side * 10, -77), (side * 10.5, -63), (0, -54)], tint(base, 0.66), 1.2)
        sk.line([(side * 5, -54), (side * 6, -40), (side * 5.4, -30)], (236, 234, 228), 1.5)
    if not worn:
        sk.fill(mirrored([(0, -90), (9, -86), (12, -74), (9, -63), (0, -56)]), tint(base, 0.5))


def collar(sk: Sketch, base: Rgb, reach: float, drop: float) -> None:
    """A pointed shirt collar around the neck."""
    sk.fill([(-12, -74, "c"), (0, -70), (12, -74, "c"), (9, -64), (0, -60), (-9, -64)], Cloth(light=0.66))
    for side in (1, -1):
        wing: list[Node] = [(side * 12, -76, "c"), (side * reach * 0.98, -68, "c"), (side * reach * 0.74, -68 + drop, "c"), (0, -55, "c"), (side * 7, -68)]
        sk.fill(wing, Cloth(light=1.06))
        sk.line([wing[1], wing[2], wing[3]], tint(base, 0.7), 0.9)


def polo_collar(sk: Sketch, colour: Rgb) -> None:
    """A soft collar and a short placket with two buttons."""
    sk.box(-4, -60, 4, -34, tint(colour, 1.08), 1.5)
    for side in (1, -1):
        sk.fill([(side * 13, -75, "c"), (side * 17, -68), (side * 12, -57, "c"), (0, -59, "c"), (side * 6, -66)], colour)
        sk.line([(side * 16.5, -68), (side * 12, -57.5), (0, -59)], tint(colour, 0.72), 0.9)
    for y in (-52, -43):
        sk.disc(0, y, 1.3, paint=(240, 238, 232))


def zip_line(sk: Sketch, top: float, bottom: float) -> None:
    """A zip down the middle with its puller."""
    sk.line([(0, top), (0, bottom)], (70, 70, 74), 2.2)
    sk.dashes([(0, top), (0, bottom)], (196, 198, 202), 1.2, 2.4)
    sk.box(-1.4, top, 1.4, top + 6, (170, 172, 176), 1)


def chest_print(sk: Sketch, ink: Rgb, rng: Random, top: float = -34) -> None:
    """A made-up emblem or lines of made-up lettering on the chest."""
    kind = rng.choice(("ring", "bars", "triangle", "sun", "letters", "pocket logo"))
    if kind == "ring":
        sk.disc(0, top + 14, 14, paint=ink)
        sk.disc(0, top + 14, 9, paint=BY_NAME["white"].rgb if sum(ink) < 380 else (40, 40, 48))
        sk.box(-17, top + 11, 17, top + 17, ink)
    elif kind == "bars":
        for i, half in enumerate((18, 13, 18)):
            sk.box(-half, top + 9 * i, half, top + 5 + 9 * i, ink)
    elif kind == "triangle":
        sk.fill([(0, top, "c"), (16, top + 26, "c"), (-16, top + 26, "c")], ink)
    elif kind == "sun":
        sk.disc(0, top + 14, 8, paint=ink)
        for a in range(0, 360, 30):
            x, y = np.cos(np.deg2rad(a)), np.sin(np.deg2rad(a))
            sk.line([(10 * x, top + 14 + 10 * y), (16 * x, top + 14 + 16 * y)], ink, 1.8)
    elif kind == "letters":
        for i in range(2):
            x = -19.0
            while x < 16:
                w = rng.uniform(3, 6)
                sk.box(x, top + 11 * i, x + w, top + 8 + 11 * i, ink, 1.2)
                x += w + 1.6
    else:
        sk.disc(14, top + 6, 3.2, paint=ink)
        sk.box(10, top + 11, 18, top + 13, ink)


def lapels(sk: Sketch, base: Rgb, low: float) -> None:
    """Notched lapels of a blazer, folded back down to ``low``."""
    for side in (1, -1):
        sk.fill([(side * 11, -75, "c"), (side * 19, -64, "c"), (side * 14, -52, "c"), (side * 20, -46, "c"), (0, low, "c")], Cloth(light=1.1))
        sk.line([(side * 19, -64), (side * 14, -52), (side * 20, -46), (0, low)], tint(base, 0.62), 1.0)

"""T-shirts, shirts and women's tops."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from random import Random

import numpy as np

from multimodal.data.sample.palette import contrasting, tint
from multimodal.data.sample.shapes.bodice import (
    Bodice,
    Neck,
    cuffs,
    neck_trim,
)
from multimodal.data.sample.shapes.parts import chest_print, collar, dress_up, polo_collar
from multimodal.data.sample.sketch import Cloth, Node, Sketch
from multimodal.data.sample.spec import Spec


def draw_tshirt(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Crew neck, V-neck, polo, long sleeve, or raglan in two colours."""
    neck: Neck = "v" if spec.cut == "v-neck" else "round"
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
    cut = Bodice(neck="v", sleeve=rng.uniform(0.36, 0.44) if short else 0.97, ease=rng.uniform(3, 6),
                 hem_y=rng.uniform(50, 60),
                 hem_curve=rng.uniform(4, 9), flare=2.4)
    who = dress_up(sk, spec, rng, cut)
    base = spec.tone
    edge = tint(base, 0.76)
    sk.line([(0, -44), (0.6, cut.hem_y + cut.hem_curve - 1)], edge, 1.1)
    sk.line([(-5.2, -46), (-4.8, cut.hem_y + cut.hem_curve - 1)], tint(base, 0.86), 0.8)
    for y in np.arange(-40, cut.hem_y - 2, 14.5):
        sk.disc(-2.4, float(y), 1.35, paint=(246, 244, 238) if spec.colour.en != "white" else (150, 150, 150))
    collar(sk, base, 18.0, 14.0)
    if spec.gender != "women" and rng.random() < 0.75:
        sk.fill([(11, -26, "c"), (26, -26, "c"), (26, -10, "c"), (18.5, -6, "c"), (11, -10, "c")],
                Cloth(light=0.93))
        sk.line([(11, -24.5), (26, -24.5)], edge, 0.9)
    if not short:
        cuffs(sk, who, cut, Cloth(light=0.86), 0.08)
    if spec.cut == "denim":
        for side in (1, -1):
            sk.line([(side * 4, -24), (side * who.chest, -30)], edge, 1.0)
            sk.fill([(side * 9, -20, "c"), (side * 25, -20, "c"), (side * 25, -14, "c"),
                     (side * 17, -10, "c"), (side * 9, -14, "c")], Cloth(light=0.82))


def draw_top(sk: Sketch, spec: Spec, rng: Random) -> None:
    """Women's tops: camisole, boat neck, peplum, off shoulder, tunic-like, sleeveless."""
    plans = {
        "camisole": Bodice(neck="straps", sleeve=0, ease=2, hem_y=44, waist=27),
        "sleeveless": Bodice(neck="round", sleeve=0, ease=2.5, hem_y=44),
        "peplum": Bodice(neck="scoop", sleeve=rng.choice((0, 0.2)), ease=1.5, hem_y=48, hem=45, waist=24,
                         hem_curve=5),
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
        low: list[Node] = [(half + 3, -31), (half * 0.66, -24), (half * 0.33, -28), (0, -23),
                           (-half * 0.33, -28), (-half * 0.66, -24), (-half - 3, -31)]
        sk.fill([*frill, *low], Cloth(light=0.92))
        sk.line(low, tint(base, 0.72), 1.2)
    if spec.cut == "fitted" and spec.pattern == "solid" and rng.random() < 0.5:
        chest_print(sk, contrasting(base, rng), rng)

"""What upper garments have in common beside their cut: wearers, collars, zips, prints."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from multimodal.data.sample.palette import BY_NAME, Rgb, tint
from multimodal.data.sample.shapes.bodice import (
    Bodice,
    draw_bodice,
    sleeve_angle,
)
from multimodal.data.sample.shapes.figure import Body, body, draw_figure, draw_hanger, draw_legs, draw_trousers_below
from multimodal.data.sample.sketch import Cloth, Node, Sketch
from multimodal.data.sample.spec import Spec

_DARKS: tuple[Rgb, ...] = ((44, 52, 74), (38, 38, 42), (70, 84, 112), (96, 88, 76), (58, 60, 66))
_PUMPS: tuple[Rgb, ...] = ((30, 30, 34), (206, 172, 140), (150, 40, 48))


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
        if cut.hem_y >= 80:
            draw_legs(sk, who, rng.choice(_PUMPS), rng.uniform(9, 14))
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


def collar(sk: Sketch, base: Rgb, reach: float, drop: float) -> None:
    """A pointed shirt collar around the neck."""
    sk.fill([(-12, -74, "c"), (0, -70), (12, -74, "c"), (9, -64), (0, -60), (-9, -64)], Cloth(light=0.66))
    for side in (1, -1):
        wing: list[Node] = [(side * 12, -76, "c"), (side * reach * 0.98, -68, "c"),
                            (side * reach * 0.74, -68 + drop, "c"), (0, -55, "c"), (side * 7, -68)]
        sk.fill(wing, Cloth(light=1.06))
        sk.line([wing[1], wing[2], wing[3]], tint(base, 0.7), 0.9)


def polo_collar(sk: Sketch, colour: Rgb) -> None:
    """A soft collar and a short placket with two buttons."""
    sk.box(-4, -60, 4, -34, tint(colour, 1.08), 1.5)
    for side in (1, -1):
        sk.fill([(side * 13, -75, "c"), (side * 17, -68), (side * 12, -57, "c"), (0, -59, "c"),
                 (side * 6, -66)], colour)
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

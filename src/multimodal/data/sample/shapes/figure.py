"""Whoever wears the product: head, arms, torso, legs in body units (shoulders at -62, hips at 45, feet at 222)."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from dataclasses import dataclass
from random import Random

from multimodal.data.sample.palette import HAIRS, SKINS, Rgb, tint, vary
from multimodal.data.sample.sketch import Node, Points, Sketch, arc, mirrored, polar, ribbon, smooth

ARM = 98.0
"""Length of an arm from shoulder to wrist."""


@dataclass(frozen=True, slots=True)
class Body:
    """Half-widths and colours of one person.

    Attributes:
        spread: degrees the arms stand off the body.
        bend: degrees the forearm turns back inwards.
    """

    woman: bool
    shoulder: float
    chest: float
    waist: float
    hip: float
    skin: Rgb
    hair: Rgb
    spread: float
    bend: float


def body(rng: Random, woman: bool) -> Body:
    """A person (or the ghost inside a flat garment) of the given build."""
    k = rng.uniform(0.95, 1.05)
    skin, hair = vary(rng.choice(SKINS), rng, 6), vary(rng.choice(HAIRS), rng, 6)
    spread, bend = rng.uniform(9, 20), rng.uniform(4, 16)
    if woman:
        return Body(True, 33 * k, 28 * k, 23 * k, 33 * k, skin, hair, spread, bend)
    return Body(False, 41 * k, 35 * k, 32 * k, 35 * k, skin, hair, spread, bend)


def arm_line(who: Body, fraction: float = 1.0) -> Points:
    """The middle of the right arm from the shoulder joint, ``fraction`` of its length."""
    x, y = who.shoulder - 6.5, -53.0
    nodes: list[Node] = [(x, y)]
    for share, angle in ((0.5, who.spread), (0.5, who.spread - who.bend)):
        part = min(share, max(0.0, fraction - 0.5 * (len(nodes) - 1)))
        if part > 0:
            dx, dy = polar(angle, ARM * part)
            nodes.append((nodes[-1][0] + dx, nodes[-1][1] + dy))
    return smooth(nodes, closed=False)


def draw_arms(sk: Sketch, who: Body) -> None:
    """Both bare arms with hands; sleeves are drawn over them."""
    thick = 1.0 if not who.woman else 0.8
    line = arm_line(who)
    limb = ribbon(line, (8.5 * thick, 7.6 * thick, 6.2 * thick, 4.4 * thick))
    end, before = line[-1], line[-3]
    step = (end - before) / (((end - before) ** 2).sum() ** 0.5 + 1e-9)
    hand = ribbon([tuple(end - step), tuple(end + step * 9), tuple(end + step * 19)], (4.2, 5.6 * thick, 2.6))
    for side in (1, -1):
        for outline in (limb, hand):
            sk.fill(outline * (side, 1), who.skin)
        sk.fold([(side * p[0], p[1]) for p in line[2:-2:3].tolist()], -0.12, 5)


def draw_bust(sk: Sketch, who: Body) -> None:
    """Neck and upper body, seen through necklines and straps."""
    neck = 9.5 if not who.woman else 7.2
    half: list[Node] = [(0, -86), (neck, -84, "c"), (neck, -74), (neck + 6, -68), (who.shoulder - 5, -60)]
    half += [(who.shoulder, -50), (who.chest, -25), (who.waist - 2, 8, "c"), (0, 12)]
    sk.fill(mirrored(half), who.skin)
    sk.fill([(-neck, -84, "c"), (neck, -84, "c"), (neck, -76), (0, -70), (-neck, -76)], tint(who.skin, 0.85))


def draw_figure(sk: Sketch, who: Body, rng: Random) -> None:
    """Head, neck, upper body and arms, plain as a shop-window figure's."""
    if who.woman:
        _long_hair(sk, who, rng)
    draw_arms(sk, who)
    draw_bust(sk, who)
    ear = tint(who.skin, 0.94)
    for side in (1, -1):
        sk.disc(side * 13.4, -96, 2.4, 4, ear)
    face: list[Node] = [(0, -116), (11, -112), (13.4, -99), (11, -87), (5, -79.5), (0, -78)]
    sk.fill(mirrored(face), who.skin)
    _features(sk, who)
    _fringe(sk, who, rng)


def _features(sk: Sketch, who: Body) -> None:
    dark = tint(who.skin, 0.72)
    for side in (1, -1):
        sk.line([(side * 3.2, -101.5), (side * 8.4, -101.5)], tint(who.hair, 1.1), 1.2)
        sk.disc(side * 5.6, -97.8, 1.7, 1.2, (48, 38, 36))
    sk.line([(0.4, -96), (1.4, -91), (-0.8, -90.4)], dark, 0.8)
    sk.line([(-3.6, -86), (0, -85.2), (3.6, -86)], (170, 84, 80) if who.woman else dark, 1.5)


def _long_hair(sk: Sketch, who: Body, rng: Random) -> None:
    low = rng.choice((-82, -66, -52))
    half: list[Node] = [(0, -121), (12, -117), (17, -102), (17.5, -86), (16, low), (8, low + 4), (0, low)]
    sk.fill(mirrored(half), tint(who.hair, 0.85))


def _fringe(sk: Sketch, who: Body, rng: Random) -> None:
    part = rng.uniform(-6, 6)
    side = -92 if who.woman else -103
    nodes: list[Node] = [(-14.6, side), (-15, -108), (-9, -119), (1, -121.5), (10, -119), (15, -108),
                         (14.6, side, "c")]
    nodes += [(12.2, -104, "c"), (8, -110), (part, -113), (-8, -109), (-12.2, -104, "c")]
    sk.fill(nodes, who.hair)


def draw_legs(sk: Sketch, who: Body, shoe: Rgb, stance: float) -> None:
    """Bare legs and plain shoes from hip to floor; ``stance`` is the distance of the feet from the axis."""
    thick = 1.0 if not who.woman else 0.9
    for side in (1, -1):
        line: list[Node] = [(side * who.hip * 0.5, 40), (side * (stance + 2), 132), (side * stance, 214)]
        sk.fill(ribbon(line, (15.5 * thick, 14 * thick, 9.5 * thick, 9.6 * thick, 5.6 * thick)), who.skin)
        sk.fold([(side * (stance + 6), 100), (side * (stance + 5), 200)], -0.16, 5)
        foot = [(side * (stance - 6), 208), (side * (stance + 6), 208), (side * (stance + 12), 222),
                (side * (stance - 5), 223)]
        sk.fill(list(foot), shoe)


def draw_trousers_below(sk: Sketch, who: Body, cloth: Rgb) -> None:
    """The dark trousers that most models wear under a top."""
    half: list[Node] = [(0, 20), (who.waist + 2, 18, "c"), (who.hip + 1, 48), (who.hip + 2, 100),
                        (who.hip, 160, "c"), (7, 160, "c"), (1.5, 66)]
    sk.fill(mirrored([*half, (0, 64, "c")]), cloth)
    sk.line([(0, 62), (0, 80)], tint(cloth, 0.7), 1.2)


def draw_hanger(sk: Sketch, half: float, wood: Rgb) -> None:
    """A hanger whose hook rises above the neckline; drawn before the garment."""
    sk.line(arc(0, -88, 5, 5.5, 150, 400, 12), (120, 122, 126), 1.8)
    sk.line([(3.4, -84), (0, -80), (0, -70)], (120, 122, 126), 1.8)
    sk.line([(-half * 0.82, -58), (-6, -71), (0, -72), (6, -71), (half * 0.82, -58)], wood, 4.2)

"""A drawing as a list of strokes in body units, before any pixel: outlines, lines, soft folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from math import cos, pi, sin
from typing import Literal

import numpy as np
import numpy.typing as npt

from multimodal.data.sample.palette import Rgb

Points = npt.NDArray[np.float64]
Node = tuple[float, float] | tuple[float, float, str]
"""A point of an outline; a third item marks a corner, other points are rounded."""


@dataclass(frozen=True, slots=True)
class Cloth:
    """The product's own fabric as paint.

    Attributes:
        angle: degrees the weave is turned by, as on a sleeve.
        light: below 1 the cloth is darker (its inside, a part further back), above 1 lighter.
    """

    angle: float = 0.0
    light: float = 1.0


Paint = Rgb | Cloth


@dataclass(frozen=True, slots=True)
class Stroke:
    """One step of a drawing. ``subject`` strokes are the product; the rest is whoever wears it."""

    kind: Literal["fill", "line", "fold"]
    points: Points
    paint: Paint
    width: float = 0.0
    subject: bool = True

    def moved(self, dx: float, dy: float) -> Stroke:
        """The same stroke elsewhere."""
        return replace(self, points=self.points + np.array((dx, dy)))


@dataclass(slots=True)
class Sketch:
    """Collects strokes; y points down, units are those of the body (a head is 36 high)."""

    strokes: list[Stroke] = field(default_factory=list)
    subject: bool = True

    def fill(self, points: Points | Sequence[Node], paint: Paint) -> None:
        """Fills an outline; a list of nodes is rounded first."""
        self.strokes.append(Stroke("fill", _outline(points, True), paint, subject=self.subject))

    def line(self, points: Points | Sequence[Node], paint: Rgb, width: float) -> None:
        """Draws an open line with round joints."""
        self.strokes.append(Stroke("line", _outline(points, False), paint, width, self.subject))

    def fold(self, points: Sequence[Node], strength: float, width: float = 3.0) -> None:
        """A soft shadow (negative) or highlight (positive) along a line; ``strength`` within -1 to 1."""
        level = max(0, min(255, round(128 + 127 * strength)))
        self.strokes.append(Stroke("fold", _outline(points, False), (level,) * 3, width, self.subject))

    def box(self, x0: float, y0: float, x1: float, y1: float, paint: Paint, radius: float = 0.0) -> None:
        """Fills a rectangle with rounded corners."""
        if radius <= 0:
            self.fill(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float), paint)
            return
        r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
        arcs = [
            arc(cx, cy, r, r, start, start + 90, 6)
            for cx, cy, start in (
                (x1 - r, y0 + r, -90),
                (x1 - r, y1 - r, 0),
                (x0 + r, y1 - r, 90),
                (x0 + r, y0 + r, 180),
            )
        ]
        self.fill(np.concatenate(arcs), paint)

    def disc(self, cx: float, cy: float, rx: float, ry: float | None = None, paint: Paint = (0, 0, 0)) -> None:
        """Fills an ellipse."""
        self.fill(arc(cx, cy, rx, rx if ry is None else ry, 0, 360, 28), paint)

    def dashes(self, points: Points | Sequence[Node], paint: Rgb, width: float, step: float = 3.0) -> None:
        """A line of stitches."""
        track = resample(_outline(points, False), step)
        for a, b in pairwise(track):
            self.line(np.stack([a, a + (b - a) * 0.6]), paint, width)

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the product's own strokes (of all, where none is marked)."""
        chosen = [s for s in self.strokes if s.subject and s.kind != "fold"] or self.strokes
        every = np.concatenate([s.points for s in chosen])
        (x0, y0), (x1, y1) = every.min(0), every.max(0)
        return float(x0), float(y0), float(x1), float(y1)


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float, steps: int = 14) -> Points:
    """Points [steps, 2] along an ellipse, degrees clockwise from the right."""
    angle = np.linspace(start, end, steps) * (pi / 180)
    return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], 1)


def mirrored(right: Sequence[Node]) -> list[Node]:
    """A closed symmetric outline from its right half (top to bottom); points on the axis are not doubled."""
    left: list[Node] = []
    for node in reversed(right):
        if abs(node[0]) > 1e-6:
            left.append((-node[0], node[1], node[2]) if len(node) == 3 else (-node[0], node[1]))
    return [*right, *left]


def flip(nodes: Sequence[Node]) -> list[Node]:
    """The mirror image of an outline about the vertical axis."""
    return [(-n[0], n[1], n[2]) if len(n) == 3 else (-n[0], n[1]) for n in nodes]


def smooth(nodes: Sequence[Node], closed: bool, samples: int = 7) -> Points:
    """A curve through ``nodes`` (Hermite, tangents scaled to each piece so that it never loops)."""
    p = np.array([n[:2] for n in nodes], float)
    corner = np.array([len(n) == 3 for n in nodes])
    if not closed:
        corner[0] = corner[-1] = True
    ahead = np.arange(1, len(p) + 1) % len(p)
    step = p[ahead] - p
    length = np.sqrt((step * step).sum(1, keepdims=True)) + 1e-9
    unit = step / length
    tangent = unit + unit[ahead - 2]
    tangent /= np.sqrt((tangent * tangent).sum(1, keepdims=True)) + 1e-9
    start = np.where(corner[:, None], unit, tangent) * length
    end = np.where(corner[ahead][:, None], unit, tangent[ahead]) * length
    a, b, c, d = _basis(samples)
    curve = a * p[:, None] + b * start[:, None] + c * p[ahead][:, None] + d * end[:, None]
    if closed:
        result: Points = curve.reshape(-1, 2)
        return result
    return np.concatenate([curve[:-1].reshape(-1, 2), p[-1:]])


@cache
def _basis(samples: int) -> Points:
    """The four Hermite polynomials [4, samples, 1] at even steps from 0 to below 1."""
    t = np.linspace(0, 1, samples, endpoint=False)
    return np.stack([2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2])[..., None]


def resample(points: Points, step: float) -> Points:
    """Points about ``step`` apart along a line, its ends kept."""
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(gaps)])
    wanted = np.linspace(0, at[-1], max(2, round(at[-1] / step) + 1))
    return np.stack([np.interp(wanted, at, points[:, k]) for k in (0, 1)], 1)


def ribbon(centre: Points | Sequence[Node], widths: Sequence[float]) -> Points:
    """The outline of a band along ``centre``; half-widths are spread evenly over its length."""
    line = _outline(centre, False)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-along[:, 1], along[:, 0]], 1)
    half = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(widths)), widths)[:, None]
    return np.concatenate([line + normal * half, (line - normal * half)[::-1]])


def polar(angle: float, length: float) -> tuple[float, float]:
    """The vector of a limb: ``angle`` degrees outwards (right) from straight down."""
    return sin(angle * pi / 180) * length, cos(angle * pi / 180) * length


def _outline(points: Points | Sequence[Node], closed: bool) -> Points:
    return points if isinstance(points, np.ndarray) else smooth(points, closed)

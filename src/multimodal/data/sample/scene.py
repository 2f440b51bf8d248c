"""Puts a sketch on a background: fits it to the frame, paints it large, shrinks it, adds light and shadow."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from multimodal.data.sample.fabrics import Fabric
from multimodal.data.sample.palette import Rgb, tint
from multimodal.data.sample.sketch import Cloth, Points, Sketch, Stroke, ribbon

OVERSAMPLING = 3
"""Shapes are painted this many times larger than the photo, then averaged down."""

_GLOSS = 34
"""Steps of light that folds add even to black, which would swallow them otherwise."""

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camera:
    """Where body units land: ``scale`` photo pixels a unit, turned, then moved so that ``centre`` meets ``at``."""

    scale: float
    angle: float
    centre: tuple[float, float]
    at: tuple[float, float]
    mirror: bool = False

    def project(self, points: Points, zoom: float) -> Points:
        """Photo pixels times ``zoom`` [N, 2] of points in body units [N, 2]."""
        c, s = cos(self.angle * pi / 180), sin(self.angle * pi / 180)
        p = (points - self.centre) * (self.scale * zoom * (-1 if self.mirror else 1), self.scale * zoom)
        placed: Points = p @ np.array([[c, s], [-s, c]]) + np.array(self.at) * zoom
        return placed


def fit(sketch: Sketch, size: tuple[int, int], rng: Random, fill: float, tilt: float, may_mirror: bool) -> Camera:
    """A camera that shows the product over about ``fill`` of the frame, with a little jitter."""
    x0, y0, x1, y1 = sketch.bounds()
    scale = min(size[0] / (x1 - x0), size[1] / (y1 - y0)) * fill * rng.uniform(0.92, 1.03)
    shift = (size[0] * rng.uniform(-0.03, 0.03), size[1] * rng.uniform(-0.03, 0.03))
    at = (size[0] / 2 + shift[0], size[1] / 2 + shift[1])
    mirror = may_mirror and rng.random() < 0.5
    return Camera(scale, rng.gauss(0, tilt), ((x0 + x1) / 2, (y0 + y1) / 2), at, mirror)


def cloth_frame(sketch: Sketch, camera: Camera, canvas: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the product's fabric on the canvas, as far as the canvas goes."""
    cloth = [camera.project(s.points, OVERSAMPLING) for s in sketch.strokes if isinstance(s.paint, Cloth)]
    if not cloth:
        return 0.0, 0.0, float(canvas[0]), float(canvas[1])
    points = np.concatenate(cloth).clip((0, 0), canvas)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


class _Easel:
    """The large canvas that strokes are painted on, and the soft light map beside it."""

    def __init__(self, size: tuple[int, int], camera: Camera, fabric: Fabric) -> None:
        self.camera, self.fabric = camera, fabric
        self.canvas = Image.new("RGBA", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.canvas)
        self.light = Image.new("L", size, 128)
        self.broad = Image.new("L", size, 128)
        self.pens = (ImageDraw.Draw(self.light), ImageDraw.Draw(self.broad))

    def paint(self, stroke: Stroke) -> None:
        if stroke.kind == "fold":
            half = stroke.width / 2
            taper = ribbon(stroke.points, (0.2, half, half * 1.2, half, 0.2))
            pen = self.pens[stroke.width >= 4]
            pen.polygon(_flat(self.camera.project(taper, 1.0)), fill=stroke.paint[0])  # type: ignore[index]
            return
        xy = self.camera.project(stroke.points, OVERSAMPLING)
        if stroke.kind == "line":
            self._line(xy, stroke)
        elif isinstance(stroke.paint, Cloth):
            self._cloth(xy, stroke.paint)
        else:
            self.draw.polygon(_flat(xy), fill=(*stroke.paint, 255))

    def _line(self, xy: Points, stroke: Stroke) -> None:
        assert not isinstance(stroke.paint, Cloth)
        width = max(1, round(stroke.width * self.camera.scale * OVERSAMPLING))
        fill = (*stroke.paint, 255)
        self.draw.line(_flat(xy), fill=fill, width=width, joint="curve")
        if width > 4:
            for x, y in (xy[0], xy[-1]):
                r = width / 2
                self.draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def _cloth(self, xy: Points, cloth: Cloth) -> None:
        weave = self.fabric.image(cloth.angle * (-1 if self.camera.mirror else 1) + self.camera.angle)
        base = (*tint(self.fabric.base, cloth.light), 255)
        if weave is None:
            self.draw.polygon(_flat(xy), fill=base)
            return
        low = np.floor(xy.min(0)).astype(int).clip(0)
        high = np.minimum(np.ceil(xy.max(0)).astype(int) + 1, self.canvas.size)
        if (high <= low).any():
            return
        mask = Image.new("1", tuple((high - low).tolist()), 0)
        ImageDraw.Draw(mask).polygon(_flat(xy - low), fill=1)
        part = weave.crop((*low.tolist(), *high.tolist()))
        if cloth.light != 1.0:
            part = part.point([min(255, round(v * cloth.light)) for v in range(256)] * 3)
        self.canvas.paste(part, (int(low[0]), int(low[1])), mask)


def shoot(
    sketch: Sketch, fabric: Fabric, camera: Camera, backdrop: Image.Image, rng: Random, *, grounded: bool
) -> Image.Image:
    """The finished photo, RGB of the backdrop's size.

    Args:
        grounded: things that stand (shoes, bags) cast a shadow below themselves, others one behind.
    """
    easel = _Easel(backdrop.size, camera, fabric)
    for stroke in sketch.strokes:
        easel.paint(stroke)
    small = easel.canvas.reduce(OVERSAMPLING)
    alpha = small.getchannel("A")
    light = _light(easel.light, easel.broad, alpha, rng)
    thing = np.asarray(small.convert("RGB"), np.float32) * light[..., None] + (light[..., None] - 1) * _GLOSS
    ground = np.asarray(_shadowed(backdrop, alpha, rng, grounded), np.float32)
    share = np.asarray(alpha, np.float32)[..., None] / 255
    mixed = ground * (1 - share) + thing * share
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def _light(fine: Image.Image, broad: Image.Image, alpha: Image.Image, rng: Random) -> Pixels:
    """Factor of brightness for each pixel: folds, darker rims, and light from one side."""
    unit = fine.width / 180
    soft = np.asarray(fine.filter(ImageFilter.GaussianBlur(1.3 * unit)), np.float32)
    soft = soft + np.asarray(broad.filter(ImageFilter.GaussianBlur(3.4 * unit)), np.float32)
    rim = np.asarray(alpha.filter(ImageFilter.BoxBlur(5 * unit)), np.float32) / 255
    side = np.linspace(-1, 1, fine.width, dtype=np.float32)[None, :] * rng.uniform(-0.1, 0.1)
    factor: Pixels = (1 + (soft - 256) * (0.66 / 128)) * (0.76 + 0.26 * rim) * (1 + side)
    return factor


def _shadowed(backdrop: Image.Image, alpha: Image.Image, rng: Random, grounded: bool) -> Image.Image:
    unit = backdrop.width / 180
    if grounded:
        box = alpha.getbbox()
        if box is None:
            return backdrop
        shade = Image.new("L", backdrop.size, 0)
        drop = 3.5 * unit
        edge = (box[0] + 2, box[3] - drop * 1.4, box[2] - 2, box[3] + drop)
        ImageDraw.Draw(shade).ellipse(edge, fill=round(rng.uniform(70, 130)))
        shade = shade.filter(ImageFilter.GaussianBlur(2.6 * unit))
    else:
        shift = (round(rng.uniform(-3, 3) * unit), round(rng.uniform(1, 4) * unit))
        strength = rng.uniform(0.12, 0.4)
        moved = Image.new("L", backdrop.size, 0)
        moved.paste(alpha, shift)
        shade = moved.filter(ImageFilter.BoxBlur(3.4 * unit)).point(lambda v: v * strength)
    dark: Rgb = (30, 28, 32)
    result = backdrop.copy()
    result.paste(dark, (0, 0, *backdrop.size), shade)
    return result


def _flat(xy: Points) -> list[float]:
    flat: list[float] = xy.ravel().tolist()
    return flat

"""Takes the photo of one product: fits, paints, spoils it a little, and packs it as JPEG."""

from __future__ import annotations

from io import BytesIO
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from multimodal.data.sample.backdrops import backdrop, grain
from multimodal.data.sample.fabrics import Fabric
from multimodal.data.sample.palette import SKINS, contrasting
from multimodal.data.sample.scene import OVERSAMPLING, Camera, cloth_frame, fit, shoot
from multimodal.data.sample.shapes.table import MIRRORED, STANDING, draw
from multimodal.data.sample.spec import Spec, Trouble

_FILL: dict[Trouble, float] = {"far": 0.55, "crop": 1.45}


def draw_image(spec: Spec, rng: Random) -> Image.Image:
    """The photo of ``spec`` as an RGB image of ``spec.size``."""
    sketch = draw(spec, rng)
    camera = _camera(spec, fit(sketch, spec.size, rng, _FILL.get(spec.trouble, 0.9), 1.6, spec.leaf in MIRRORED), rng)
    canvas = (spec.size[0] * OVERSAMPLING, spec.size[1] * OVERSAMPLING)
    fabric = Fabric(
        (spec.pattern, *spec.beside),
        spec.tone,
        f"{spec.article}/{spec.colour.en}",
        camera.scale * OVERSAMPLING,
        canvas,
        cloth_frame(sketch, camera, canvas),
    )
    behind = backdrop(spec.backdrop, spec.size, rng)
    image = shoot(sketch, fabric, camera, behind, rng, grounded=spec.leaf in STANDING)
    return _finish(_spoil(image, spec, rng), spec, rng)


def draw_photo(spec: Spec, rng: Random) -> bytes:
    """The same as JPEG."""
    buffer = BytesIO()
    draw_image(spec, rng).save(buffer, "JPEG", quality=rng.randint(80, 92))
    return buffer.getvalue()


def _camera(spec: Spec, camera: Camera, rng: Random) -> Camera:
    if spec.trouble != "crop":
        return camera
    w, h = spec.size
    at = (camera.at[0] + w * rng.uniform(-0.22, 0.22), camera.at[1] + h * rng.uniform(-0.2, 0.2))
    return Camera(camera.scale, camera.angle, camera.centre, at, camera.mirror)


def _spoil(image: Image.Image, spec: Spec, rng: Random) -> Image.Image:
    unit = spec.size[0] / 180
    if spec.trouble == "blur":
        return image.filter(ImageFilter.GaussianBlur(rng.uniform(1.6, 3.2) * unit))
    if spec.trouble == "dark":
        return ImageEnhance.Brightness(image).enhance(rng.uniform(0.42, 0.62))
    if spec.trouble == "badge":
        _badge(image, spec, rng, unit)
    elif spec.trouble == "covered":
        _cover(image, rng, unit)
    return image


def _badge(image: Image.Image, spec: Spec, rng: Random, unit: float) -> None:
    """A seller's sticker: a price cut or NEW."""
    pen = ImageDraw.Draw(image)
    r = rng.uniform(20, 27) * unit
    x = rng.choice((r + 4 * unit, image.width - r - 4 * unit))
    y = rng.choice((r + 4 * unit, image.height - r - 4 * unit))
    paint = contrasting(spec.tone, rng)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=paint)
    ink = (255, 255, 255) if sum(paint) < 480 else (40, 36, 40)
    text = rng.choice(("NEW", "HIT", "-20%", "-35%", "-50%", "SALE"))
    pen.text((x, y), text, fill=ink, anchor="mm", font=ImageFont.load_default(max(6, round(r * 0.62))))


def _cover(image: Image.Image, rng: Random, unit: float) -> None:
    """A hand, a box or a card in front of a part of the product."""
    pen = ImageDraw.Draw(image)
    x, y = image.width * rng.uniform(0.2, 0.8), image.height * rng.uniform(0.25, 0.8)
    if rng.random() < 0.5:
        skin = rng.choice(SKINS)
        edge = 0 if x < image.width / 2 else image.width
        pen.line((edge, y + 46 * unit, x, y), fill=skin, width=max(3, round(22 * unit)))
        for dy in (-12, -4, 4, 12):
            pen.line(
                (x, y + dy * unit, x + (14 if edge == 0 else -14) * unit, y + (dy - 8) * unit),
                fill=skin,
                width=max(2, round(7 * unit)),
            )
    else:
        w, h = rng.uniform(26, 50) * unit, rng.uniform(20, 44) * unit
        pen.rectangle((x - w, y - h, x + w, y + h), fill=rng.choice(((238, 236, 230), (196, 156, 112), (60, 62, 68))))
        for k in range(3):
            pen.line(
                (x - w * 0.7, y - h * 0.5 + k * h * 0.4, x + w * 0.5, y - h * 0.5 + k * h * 0.4),
                fill=(120, 120, 124),
                width=max(1, round(2 * unit)),
            )


def _finish(image: Image.Image, spec: Spec, rng: Random) -> Image.Image:
    """Exposure, a cast of colour, sensor noise: strong at home, faint in a studio."""
    home = spec.backdrop not in ("studio", "plain")
    cast = np.array([rng.gauss(1, 0.022) for _ in range(3)], np.float32) if home else np.float32(1)
    gain = rng.gauss(1, 0.05) if home else 1.0
    values = np.asarray(image, np.float32) * (cast * np.float32(gain))
    values += grain(spec.size, rng, rng.uniform(2.0, 5.0) if home else 1.0)[..., None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))

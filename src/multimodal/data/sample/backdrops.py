"""What stands behind the product: a studio's white, or a home's wood, tiles, carpet, bricks."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from multimodal.data.sample.palette import COLOURS, Rgb, mix, tint, vary
from multimodal.data.sample.spec import Backdrop

Size = tuple[int, int]


def backdrop(kind: Backdrop, size: Size, rng: Random) -> Image.Image:
    """An RGB image of ``size`` (width, height)."""
    return _PAINTERS[kind](size, rng)


def grain(size: Size, rng: Random, amount: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Noise of ``amount`` steps around zero [height, width]."""
    raw = np.frombuffer(rng.randbytes(size[0] * size[1]), np.uint8).reshape(size[1], size[0])
    return (raw.astype(np.float32) - 127.5) * np.float32(amount / 74)


def _noisy(image: Image.Image, rng: Random, amount: float) -> Image.Image:
    values = np.asarray(image, np.float32) + grain(image.size, rng, amount)[..., None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _studio(size: Size, rng: Random) -> Image.Image:
    level = rng.choice((255, 255, 255, 252, 247))
    return Image.new("RGB", size, (level, level, level))


def _plain(size: Size, rng: Random) -> Image.Image:
    base = rng.choice(((236, 236, 238), (228, 224, 218), (216, 222, 228), (240, 232, 226), (222, 228, 220)))
    return _ramp(size, vary(base, rng, 6), tint(base, 0.9), 90)


def _gradient(size: Size, rng: Random) -> Image.Image:
    a, b = (mix(rng.choice(COLOURS).rgb, (225, 225, 225), rng.uniform(0.35, 0.7)) for _ in range(2))
    return _ramp(size, a, b, rng.uniform(0, 180))


def _ramp(size: Size, a: Rgb, b: Rgb, angle: float) -> Image.Image:
    radians = np.deg2rad(angle)
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    t = x * np.cos(radians) + y * np.sin(radians)
    t = ((t - t.min()) / (np.ptp(t) + 1e-9))[..., None]
    return Image.fromarray((np.array(a) * (1 - t) + np.array(b) * t).astype(np.uint8))


def _wood(size: Size, rng: Random) -> Image.Image:
    base = vary(rng.choice(((186, 142, 98), (140, 98, 64), (214, 184, 146), (112, 90, 76), (200, 196, 188))), rng)
    image = Image.new("RGB", size, base)
    draw = ImageDraw.Draw(image)
    upright = rng.random() < 0.5
    length, span = (size[1], size[0]) if upright else size
    board = max(8, round(span / rng.choice((4, 5, 6, 8))))
    for start in range(0, span, board):
        tone = tint(base, rng.uniform(0.86, 1.1))
        _bar(draw, upright, start, start + board, length, tone)
        for _ in range(6):
            at = start + rng.randrange(board)
            _bar(draw, upright, at, at + 1, length, tint(tone, rng.uniform(0.88, 0.97)))
        _bar(draw, upright, start, start + 1, length, tint(base, 0.58))
    return _noisy(image, rng, 5)


def _bar(draw: ImageDraw.ImageDraw, upright: bool, start: int, end: int, length: int, tone: Rgb) -> None:
    draw.rectangle((start, 0, end - 1, length) if upright else (0, start, length, end - 1), fill=tone)


def _tiles(size: Size, rng: Random) -> Image.Image:
    base = vary(rng.choice(((214, 216, 214), (176, 190, 198), (224, 212, 196), (128, 132, 136))), rng)
    image = Image.new("RGB", size, tint(base, 0.7))
    draw = ImageDraw.Draw(image)
    step = max(10, round(size[0] / rng.choice((3, 4, 6))))
    for y in range(-rng.randrange(step), size[1], step):
        for x in range(-rng.randrange(3), size[0], step):
            draw.rectangle((x + 1, y + 1, x + step - 2, y + step - 2), fill=tint(base, rng.uniform(0.93, 1.06)))
    return _noisy(image, rng, 3)


def _carpet(size: Size, rng: Random) -> Image.Image:
    base = mix(rng.choice(COLOURS).rgb, (150, 140, 132), rng.uniform(0.4, 0.8))
    return _noisy(_noisy(Image.new("RGB", size, base), rng, 22).filter(ImageFilter.SMOOTH), rng, 5)


def _blurred(size: Size, rng: Random) -> Image.Image:
    small = (max(8, size[0] // 4), max(8, size[1] // 4))
    image = Image.new("RGB", small, mix(rng.choice(COLOURS).rgb, (200, 196, 190), 0.6))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(6, 14)):
        x, y, r = rng.uniform(0, small[0]), rng.uniform(0, small[1]), small[0] * rng.uniform(0.08, 0.3)
        tone = mix(rng.choice(COLOURS).rgb, (210, 206, 200), rng.uniform(0.2, 0.7))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x - r, y - r, x + r, y + r * rng.uniform(0.6, 2)), fill=tone)
    return image.filter(ImageFilter.GaussianBlur(small[0] / 22)).resize(size, Image.Resampling.BICUBIC)


def _bricks(size: Size, rng: Random) -> Image.Image:
    base = vary(rng.choice(((168, 92, 70), (226, 222, 216), (142, 124, 112))), rng)
    image = Image.new("RGB", size, mix(base, (205, 200, 192), 0.55))
    draw = ImageDraw.Draw(image)
    high = max(5, round(size[1] / rng.choice((16, 20))))
    wide = round(high * 2.3)
    for row, y in enumerate(range(0, size[1], high)):
        for x in range(-(wide // 2) * (row % 2), size[0], wide):
            draw.rectangle((x, y, x + wide - 2, y + high - 2), fill=tint(base, rng.uniform(0.85, 1.12)))
    return _noisy(image, rng, 6)


def _cloth(size: Size, rng: Random) -> Image.Image:
    base = mix(rng.choice(COLOURS).rgb, (220, 214, 206), rng.uniform(0.3, 0.8))
    light = Image.new("L", size, 128)
    draw = ImageDraw.Draw(light)
    for _ in range(12):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        to = (x + rng.uniform(-0.7, 0.7) * size[0], y + rng.uniform(-0.7, 0.7) * size[1])
        draw.line((x, y, *to), fill=rng.choice((90, 104, 150, 165)), width=max(2, size[0] // 20))
    factor = np.asarray(light.filter(ImageFilter.GaussianBlur(size[0] / 36)), np.float32)[..., None] / 128
    return Image.fromarray((np.array(base, np.float32) * factor).clip(0, 255).astype(np.uint8))


_PAINTERS: dict[Backdrop, Callable[[Size, Random], Image.Image]] = {
    "studio": _studio, "plain": _plain, "gradient": _gradient, "wood": _wood, "tiles": _tiles, "carpet": _carpet,
    "blurred": _blurred, "bricks": _bricks, "cloth": _cloth,
}  # fmt: skip

"""Makes photos of every kind in memory, whole and broken."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

RED, BLUE = (200, 30, 40), (20, 40, 210)


def picture(width: int = 60, height: int = 80) -> Image.Image:
    """The left half red, the right half blue, with a soft gradient from top to bottom in green."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = RED, BLUE
    pixels[..., 1] += np.linspace(0, 40, height, dtype=np.uint8)[:, None]
    return Image.fromarray(pixels)


def encoded(image: Image.Image | None = None, kind: str = "JPEG", **options: Any) -> bytes:
    """``image`` (the default picture without one) as the bytes of a file."""
    stream = BytesIO()
    (picture() if image is None else image).save(stream, kind, **options)
    return stream.getvalue()


def noise(width: int = 200, height: int = 150) -> Image.Image:
    """Pixels that no format packs into its header."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8))


def random_in_mode(mode: str, size: tuple[int, int]) -> Image.Image:
    """Any value that the mode knows, at random; greys of 32 bits go below and beyond those of 16."""
    chance = np.random.default_rng(1)
    if mode in {"I", "F", "I;16"}:
        kinds = {"I": np.int32, "F": np.float32, "I;16": np.uint16}
        low, high = (0, 65_536) if mode == "I;16" else (-5, 70_000)
        return Image.fromarray(chance.integers(low, high, size[::-1]).astype(kinds[mode]))
    image = Image.fromarray(chance.integers(0, 256, (*size[::-1], 4), dtype=np.uint8))
    return image.convert(mode) if mode in {"RGBA", "LA"} else image.convert("RGB").convert(mode)


def png_with_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def with_exif(orientation: int, width: int = 60, height: int = 80) -> bytes:
    """A JPEG that is to be turned by its EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(width, height), exif=exif)


def in_mode(mode: str) -> tuple[bytes, tuple[int, int, int]]:
    """A one-coloured photo stored in a mode or manner, and the RGB it should come out as."""
    size = (40, 30)
    grey16 = Image.fromarray(np.full((30, 40), 51400, np.uint16))
    made: dict[str, tuple[bytes, tuple[int, int, int]]] = {
        "RGB": (encoded(Image.new("RGB", size, RED), "PNG"), RED),
        "L": (encoded(Image.new("L", size, 90), "PNG"), (90, 90, 90)),
        "1": (encoded(Image.new("1", size, 1), "PNG"), (255, 255, 255)),
        "LA": (encoded(Image.new("LA", size, (0, 127)), "PNG"), (128, 128, 128)),
        "RGBA half": (encoded(Image.new("RGBA", size, (0, 0, 0, 127)), "PNG"), (128, 128, 128)),
        "RGBA clear": (encoded(Image.new("RGBA", size, (*RED, 0)), "PNG"), (255, 255, 255)),
        "RGBA webp": (encoded(Image.new("RGBA", size, (*RED, 0)), "WEBP", lossless=True), (255, 255, 255)),
        "P": (encoded(Image.new("RGB", size, BLUE).quantize(4), "PNG"), BLUE),
        "P clear": (encoded(Image.new("RGB", size, BLUE).quantize(4), "PNG", transparency=0), (255, 255, 255)),
        "GIF clear": (encoded(Image.new("P", size, 3), "GIF", transparency=3), (255, 255, 255)),
        "RGB clear colour": (encoded(Image.new("RGB", size, RED), "PNG", transparency=RED), (255, 255, 255)),
        "CMYK jpeg": (encoded(Image.new("CMYK", size, (255, 0, 255, 0)), quality=100), (0, 255, 0)),
        "CMYK tiff": (encoded(Image.new("CMYK", size, (0, 255, 255, 0)), "TIFF"), (255, 0, 0)),
        "YCbCr": (encoded(Image.new("RGB", size, RED).convert("YCbCr"), quality=100), RED),
        "L jpeg": (encoded(Image.new("L", size, 90), quality=100), (90, 90, 90)),
        "I;16 png": (encoded(grey16, "PNG"), (200, 200, 200)),
        "I;16 tiff": (encoded(grey16, "TIFF"), (200, 200, 200)),
        "I 16 bit": (encoded(Image.new("I", size, 51400), "TIFF"), (200, 200, 200)),
        "I 8 bit": (encoded(Image.new("I", size, 200), "TIFF"), (200, 200, 200)),
        "F unit": (encoded(Image.new("F", size, 0.4), "TIFF"), (102, 102, 102)),
        "F 8 bit": (encoded(Image.new("F", size, 102.0), "TIFF"), (102, 102, 102)),
        "LAB tiff": (encoded(Image.new("LAB", size, (255, 128, 128)), "TIFF"), (255, 255, 255)),
    }
    return made[mode]


MODES = (
    "RGB", "L", "1", "LA", "RGBA half", "RGBA clear", "RGBA webp", "P", "P clear", "GIF clear",
    "RGB clear colour", "CMYK jpeg", "CMYK tiff", "YCbCr", "L jpeg", "I;16 png", "I;16 tiff", "I 16 bit",
    "I 8 bit", "F unit", "F 8 bit", "LAB tiff",
)  # fmt: skip


def animated(kind: str) -> bytes:
    """Two frames: red, then blue."""
    first, second = Image.new("RGB", (40, 30), RED), Image.new("RGB", (40, 30), BLUE)
    return encoded(first, kind, save_all=True, append_images=[second], duration=100)

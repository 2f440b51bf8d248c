"""Every colour mode to RGB: palettes, transparency, 16 and 32 bit greys, CMYK, single bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from multimodal.errors import ImageError

_WHITE = (255, 255, 255)
_EIGHT_BIT, _SIXTEEN_BIT = 255, 65535


def to_rgb(image: Image.Image) -> Image.Image:
    """``image`` as RGB, transparency laid over white. The image itself where it is RGB already.

    Raises:
        ImageError: pixels that are no finite numbers (code image_unreadable).
    """
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        return _deep_grey(image).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        paper = Image.new("RGB", image.size, _WHITE)
        paper.paste(rgba, mask=rgba.getchannel("A"))
        return paper
    return image if image.mode == "RGB" else image.convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    return Image.fromarray(_by_range(values).astype(np.uint8))


def _by_range(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Greys of 32 bits say nothing of their range: unit, 8 bit and 16 bit are known, others stretched."""
    wide = values.astype(np.float64)
    if not np.isfinite(wide).all():
        raise ImageError(
            "got pixels that are no finite numbers, expected a photo; save it as an 8 bit JPEG or PNG",
            code="image_unreadable",
        )
    low, high = float(wide.min()), float(wide.max())
    if low < 0 or high > _SIXTEEN_BIT:
        return np.rint((wide - low) * (_EIGHT_BIT / (high - low or 1)))
    top = _EIGHT_BIT if high <= _EIGHT_BIT else _SIXTEEN_BIT
    if values.dtype.kind == "f" and high <= 1:
        top = 1
    return np.rint(wide * (_EIGHT_BIT / top))

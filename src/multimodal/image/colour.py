"""Every colour mode to RGB: palettes, transparency, 16 and 32 bit greys, CMYK, single bits."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from multimodal.errors import ImageError

_WIDE = frozenset({"I", "F"})
_WHITE = (255, 255, 255)
_EIGHT_BIT, _SIXTEEN_BIT = 255, 65535

Span = tuple[float, float]
"""Smallest and largest value."""


def span_of(image: Image.Image) -> Span | None:
    """Of greys of 32 bits, whose range has to be guessed from all of them; None for other modes."""
    if image.mode not in _WIDE:
        return None
    low, high = cast("Span", image.getextrema())  # pairs of pairs are for several channels
    return float(low), float(high)


def to_rgb(image: Image.Image, span: Span | None = None) -> Image.Image:
    """``image`` as RGB, transparency laid over white. The image itself where it is RGB already.

    Args:
        span: ``span_of`` the photo that ``image`` is a part of; without it the image is whole.

    Raises:
        ImageError: pixels that are no finite numbers (code image_unreadable).
    """
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.mode in _WIDE:
        return Image.fromarray(_by_range(np.asarray(image), span or span_of(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        paper = Image.new("RGB", image.size, _WHITE)
        paper.paste(rgba, mask=rgba.getchannel("A"))
        return paper
    return image if image.mode == "RGB" else image.convert("RGB")


def _by_range(values: npt.NDArray[Any], span: Span | None) -> npt.NDArray[np.uint8]:
    """Greys of 32 bits say nothing of their range: unit, 8 bit and 16 bit are known, others stretched."""
    wide = values.astype(np.float64)
    if span is None or not np.isfinite(wide).all():
        raise ImageError(
            "got pixels that are no finite numbers, expected a photo; save it as an 8 bit JPEG or PNG",
            code="image_unreadable",
        )
    low, high = span
    if low < 0 or high > _SIXTEEN_BIT:
        return np.rint((wide - low) * (_EIGHT_BIT / (high - low or 1))).astype(np.uint8)
    top = _EIGHT_BIT if high <= _EIGHT_BIT else _SIXTEEN_BIT
    if values.dtype.kind == "f" and high <= 1:
        top = 1
    return np.rint(wide * (_EIGHT_BIT / top)).astype(np.uint8)

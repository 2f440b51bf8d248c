"""A loaded photo of any mode, upright and in the size it has in its frame, without a second copy of all its pixels."""

from __future__ import annotations

from math import ceil

from PIL import Image

from multimodal.image.colour import span_of, to_rgb
from multimodal.image.letterbox import GAP, fitted_size

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF orientation."""
SIDEWAYS = frozenset({5, 6, 7, 8})
_BACKWARDS = frozenset({3, 4, 7, 8})
"""The top of the upright photo is the bottom, or the right side, of the stored one."""
_STRIP_PIXELS = 1_000_000


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """``image`` turned as EXIF says; the image itself where there is nothing to turn."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def fitted(image: Image.Image, orientation: int, height: int, width: int) -> Image.Image:
    """The upright RGB photo, resized (antialiased, bicubic) to fit the frame.

    The same pixels as from resizing ``upright(to_rgb(image), orientation)``, which for a large photo takes
    up to five times the memory of the photo itself: colours are converted in strips here, each shrunk by
    whole factors before the next.

    Raises:
        ImageError: see ``to_rgb``.
    """
    across, down = image.size[::-1] if orientation in SIDEWAYS else image.size
    size = fitted_size((across, down), height, width)
    factors = (int(across / size[0] / GAP) or 1, int(down / size[1] / GAP) or 1)
    if factors == (1, 1):
        whole = upright(to_rgb(image), orientation)
        return whole if whole.size == size else whole.resize(size, Image.Resampling.BICUBIC)
    small = Image.new("RGB", (ceil(across / factors[0]), ceil(down / factors[1])))
    span = span_of(image)
    rows = max(1, _STRIP_PIXELS // (across * factors[1])) * factors[1]
    for top in range(0, down, rows):
        part = image.crop(_stored_box(image.size, orientation, top, min(top + rows, down)))
        small.paste(upright(to_rgb(part, span), orientation).reduce(factors), (0, top // factors[1]))
    box = (0.0, 0.0, across / factors[0], down / factors[1])
    return small.resize(size, Image.Resampling.BICUBIC, box=box)


def _stored_box(size: tuple[int, int], orientation: int, top: int, bottom: int) -> tuple[int, int, int, int]:
    """Where rows ``top`` to ``bottom`` of the upright photo are in the stored one of ``size``."""
    width, height = size
    if orientation in _BACKWARDS:
        whole = width if orientation in SIDEWAYS else height
        top, bottom = whole - bottom, whole - top
    return (top, 0, bottom, height) if orientation in SIDEWAYS else (0, top, width, bottom)

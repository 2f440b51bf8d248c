"""Fits a photo into a fixed frame: whole, centred, its aspect ratio kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

GAP = 2.0  # shrink by whole factors first, down to twice the size: fast, and as good to the eye


def fitted_size(size: tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """The largest (width, height) of the aspect of ``size`` = (width, height) that fits the frame.

    At least one pixel a side, however thin the photo.
    """
    scale = min(width / size[0], height / size[1])
    return (
        min(width, max(1, round(size[0] * scale))),
        min(height, max(1, round(size[1] * scale))),
    )


def letterbox(
    image: Image.Image, height: int, width: int, fill: tuple[int, int, int] = (255, 255, 255)
) -> npt.NDArray[np.uint8]:
    """Fits an RGB image into a frame by an antialiased bicubic resize; the rest is ``fill``.

    Returns:
        uint8 [height, width, 3], C-contiguous and writable.
    """
    size = fitted_size(image.size, height, width)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=GAP)
    frame = np.empty((height, width, 3), np.uint8)
    if size != (width, height):
        frame[:] = fill
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    frame[top : top + size[1], left : left + size[0]] = np.asarray(image)
    return frame

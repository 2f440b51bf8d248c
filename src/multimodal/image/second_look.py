"""Another view of photos: mirrored, and a little farther away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

SCALE = 0.9


def second_look(
    pixels: npt.NDArray[np.uint8], fill: tuple[int, int, int] = (255, 255, 255)
) -> npt.NDArray[np.uint8]:
    """Photos as a second look sees them: mirrored, at ``SCALE`` of their size in the middle of the frame.

    A mirror image alone tells a net little that it has not seen; together with another scale it tells more.

    Args:
        pixels: uint8 [N, H, W, 3].
        fill: RGB around them.

    Returns:
        uint8 [N, H, W, 3].
    """
    height, width = pixels.shape[1:3]
    size = max(1, round(width * SCALE)), max(1, round(height * SCALE))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    frames = np.empty_like(pixels)
    frames[:] = fill
    for frame, photo in zip(frames, pixels, strict=True):
        small = Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC)
        frame[top : top + size[1], left : left + size[0]] = np.asarray(small)[:, ::-1]
    return frames

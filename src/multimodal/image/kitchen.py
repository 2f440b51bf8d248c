"""From an encoded photo to the pixels a model sees, with the parameters a bundle keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.errors import BundleError
from multimodal.image.decode import decode_fitted
from multimodal.image.letterbox import letterbox
from multimodal.types import ImageRef

VERSION = 1
"""Raised whenever the same photo would give other pixels; a bundle opens only with its own."""

_MAX_SIDE, _MAX_LEVEL = 4096, 255


@dataclass(frozen=True, slots=True)
class ImageKitchen:
    """Decodes and letterboxes; the same in training and serving. Safe to share between threads.

    Attributes:
        height, width: of the frame, in pixels.
        fill: RGB of what a photo leaves of the frame.
    """

    height: int
    width: int
    fill: tuple[int, int, int] = (255, 255, 255)

    def __post_init__(self) -> None:
        if not (1 <= self.height <= _MAX_SIDE and 1 <= self.width <= _MAX_SIDE):
            raise ValueError(f"ImageKitchen: got {self.height}x{self.width}, expected 1 to {_MAX_SIDE} pixels a side")
        if len(self.fill) != 3 or not all(0 <= level <= _MAX_LEVEL for level in self.fill):
            raise ValueError(f"ImageKitchen: got fill {self.fill}, expected three levels of 0 to {_MAX_LEVEL}")

    def prepare(self, ref: ImageRef) -> npt.NDArray[np.uint8]:
        """The photo's pixels, uint8 [height, width, 3] RGB, C-contiguous.

        Raises:
            ImageError: see ``decode_image``.
        """
        image = decode_fitted(ref, self.height, self.width)
        return letterbox(image, self.height, self.width, self.fill)

    def to_manifest(self) -> dict[str, Any]:
        """What a bundle's manifest keeps; plain JSON values."""
        return {"version": VERSION, "height": self.height, "width": self.width, "fill": list(self.fill)}

    @classmethod
    def from_manifest(cls, raw: Mapping[str, Any]) -> ImageKitchen:
        """The kitchen that ``to_manifest`` described.

        Raises:
            BundleError: another version of the kitchen, or values that make none.
        """
        if raw.get("version") != VERSION:
            raise BundleError(
                f"image kitchen: got version {raw.get('version')!r}, expected {VERSION}; this bundle needs "
                "the release of multimodal that wrote it, or export it again with this one"
            )
        try:
            red, green, blue = (int(level) for level in raw["fill"])
            return cls(int(raw["height"]), int(raw["width"]), (red, green, blue))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"image kitchen: got {dict(raw)!r}, expected height, width and fill (three levels): {error}; "
                "the manifest is damaged, fetch the bundle again"
            ) from error

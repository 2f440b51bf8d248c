"""Sizes, modes and the mean look of photos: headers of all of them, pixels of some."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from multimodal.errors import ImageError
from multimodal.image import ImageKitchen
from multimodal.image.caps import read_photo
from multimodal.types import ImageRef

Pixels = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 80, 60
"""Of the mean pictures."""
PER_GROUP = 100
"""Photos of a group whose pixels are looked at."""


@dataclass(slots=True)
class PhotoProfile:
    """Photos of one split.

    Attributes:
        sizes: (width, height) -> photos.
        formats, modes: Pillow's names -> photos; mode "L" is grey, "RGBA" has transparency.
        kilobytes: size in kB, rounded up -> photos.
        unreadable: error code -> photos.
        pixels: group -> some of its photos, uint8 [HEIGHT, WIDTH, 3] each.
    """

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    kilobytes: Counter[int] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    pixels: dict[str, list[Pixels]] = field(default_factory=dict)

    def add(self, photo: ImageRef, group: str) -> bytes | None:
        """Counts one photo; returns its encoded bytes, None where it cannot be read."""
        try:
            data = read_photo(photo)
            size, form, mode = _header(data)
        except ImageError as error:
            self.unreadable[error.code] += 1
            return None
        kept = self.pixels.setdefault(group, [])
        if len(kept) < PER_GROUP:
            try:
                kept.append(_KITCHEN.prepare(ImageRef(data=data, name=photo.name)))
            except ImageError as error:
                self.unreadable[error.code] += 1
                return None
        self.sizes[size] += 1
        self.formats[form] += 1
        self.modes[mode] += 1
        self.kilobytes[-(-len(data) // 1000)] += 1
        return data

    def mean(self, group: str) -> Pixels:
        """The mean of each pixel over the group's photos [HEIGHT, WIDTH, 3]."""
        mean: Pixels = np.stack(self.pixels[group]).mean(axis=0).round().astype(np.uint8)
        return mean

    def median(self, group: str) -> Pixels:
        """The median of each pixel over the group's photos [HEIGHT, WIDTH, 3]."""
        middle: Pixels = np.median(np.stack(self.pixels[group]), axis=0).round().astype(np.uint8)
        return middle


_KITCHEN = ImageKitchen(HEIGHT, WIDTH)


def _header(data: bytes) -> tuple[tuple[int, int], str, str]:
    """Size, format and mode, without decoding a pixel."""
    try:
        with Image.open(io.BytesIO(data)) as photo:
            return photo.size, photo.format or "?", photo.mode
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"not readable as a photo: {error}", code="image_unreadable") from error

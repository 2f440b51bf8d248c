"""The picture of ``multimodal classify --heat-map``: the photo, and where in it the answer comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal.cli.console import stderr
from multimodal.errors import InputError
from multimodal.types import Prediction, Product

if TYPE_CHECKING:
    from multimodal.image import ImageKitchen

_LONGER = 640


def draw_heat(file: Path, product: Product, answer: Prediction, frame: ImageKitchen) -> None:
    """Writes a PNG: the photo beside itself in grey, warm where it speaks for the category, cold where against it.

    Args:
        frame: how the bundle fits photos, whose proportions and edges the picture has.

    Raises:
        InputError: no photo, another kind of file, or a place that cannot be written.
    """
    from PIL import Image

    from multimodal.serving.heat import overlay

    if file.suffix.casefold() != ".png":
        raise InputError(f"--heat-map {file}: got the suffix {file.suffix!r}, expected .png; a PNG is what it draws")
    if product.image is None or answer.heat_map is None:
        raise InputError(f"--heat-map {file}: got no photo that can be read, expected one in --image")
    scale = _LONGER / max(frame.height, frame.width)
    larger = replace(frame, height=max(1, round(frame.height * scale)), width=max(1, round(frame.width * scale)))
    pixels = larger.prepare(product.image)
    both = np.concatenate([pixels, overlay(pixels, answer.heat_map)], axis=1)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(both).save(file, "PNG")
    except OSError as error:
        raise InputError(f"--heat-map {file}: cannot be written ({error.strerror}); choose another place") from error
    stderr().print(f"{file}: what in the photo speaks for the category (warm) and against it (cold)", markup=False)

"""Where in the photo an answer comes from: parts of it are covered in turn and the photo head is asked again.

Occlusion (Zeiler and Fergus, Visualizing and understanding convolutional networks, 2014) holds for every backbone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from multimodal.artifact import Calibration
from multimodal.artifact.engine import Engine
from multimodal.serving.odds import log_odds
from multimodal.taxonomy import Tree
from multimodal.types import FloatArray, HeatMap, InputName, Scores

ROWS, COLUMNS = 8, 6
_COVER = 2.5
"""Cells a cover spans, each way: one cell alone hides too little to be missed."""
_WARM, _COLD = (222, 60, 24), (32, 96, 208)
_PHOTO: frozenset[InputName] = frozenset({"image"})


class PhotoExplainer:
    """Explains what the photo head of one bundle looked at."""

    def __init__(self, engine: Engine, calibration: Calibration, tree: Tree) -> None:
        self._engine, self._calibration, self._tree = engine, calibration, tree

    def explain(self, pixels: npt.NDArray[np.uint8], node: str) -> HeatMap:
        """The effect of each of ``ROWS`` x ``COLUMNS`` places on the odds of a category.

        Args:
            pixels: uint8 [H, W, 3], as the model sees the photo.
            node: id of the category.
        """
        photos = np.stack([pixels, *covered(pixels)])
        logits = np.concatenate([self._engine.image(photos[at : at + 64])[1] for at in range(0, len(photos), 64)])
        n = len(photos)
        logs = log_odds(Scores({"image": logits}), [(_PHOTO, True)] * n, [node] * n, self._tree, self._calibration)
        effects = (logs[0] - logs[1:]).reshape(ROWS, COLUMNS)
        return HeatMap(node, tuple(tuple(round(float(one), 4) for one in row) for row in effects))


def covered(pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """The photo with each place covered by its mean colour, row by row."""
    height, width = pixels.shape[:2]
    colour = pixels.mean(axis=(0, 1)).astype(np.uint8)
    found = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            top, bottom = _span(row, ROWS, height)
            left, right = _span(column, COLUMNS, width)
            photo = pixels.copy()
            photo[top:bottom, left:right] = colour
            found.append(photo)
    return found


def overlay(pixels: npt.NDArray[np.uint8], heat: HeatMap) -> npt.NDArray[np.uint8]:
    """The photo with warm colours where it speaks for the category and cold ones where it speaks against it.

    Args:
        pixels: uint8 [H, W, 3], the photo in the shape of the model's frame, at any size.

    Returns:
        uint8 [H, W, 3].
    """
    from PIL import Image

    effects = np.asarray(heat.effects, np.float32)
    strongest = max(float(np.abs(effects).max()), 1e-6)
    size = (pixels.shape[1], pixels.shape[0])
    fine = Image.fromarray(effects / strongest).resize(size, Image.Resampling.BICUBIC)
    level: FloatArray = np.asarray(fine, np.float32).clip(-1, 1)[..., None]
    grey = pixels.astype(np.float32).mean(axis=2, keepdims=True) * 0.75 + 40
    paint = np.where(level > 0, np.array(_WARM, np.float32), np.array(_COLD, np.float32))
    share = 0.72 * np.abs(level) ** 0.8
    out: npt.NDArray[np.uint8] = (grey * (1 - share) + paint * share).clip(0, 255).astype(np.uint8)
    return out


def _span(cell: int, cells: int, size: int) -> tuple[int, int]:
    step = size / cells
    middle, half = (cell + 0.5) * step, _COVER * step / 2
    return max(0, round(middle - half)), min(size, round(middle + half))

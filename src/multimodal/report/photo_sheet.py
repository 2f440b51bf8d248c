"""Photos of a few rows, read from their source once more, and the sheet that shows a tag's mistakes with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multimodal.errors import ImageError
from multimodal.image import ImageKitchen
from multimodal.report.style import INK, LINE, MUTED, WRONG, new_figure, save, words
from multimodal.report.tag_mistakes import MOST, TagMistakes
from multimodal.types import Product, RowError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 182
"""Pixels of a thumbnail, which on the sheet are ``_PHOTO`` inches."""
_PHOTO, _CELL, _HEAD, _LINE = 1.4, 1.5, 0.28, 2.34
_LETTERS, _LINES = 18, 2
_STEP = 256


@dataclass(frozen=True, slots=True)
class RowPhoto:
    """What a sheet shows of one row.

    Attributes:
        name: its id, or its number in the data where it has none.
        pixels: uint8 [SIDE, SIDE, 3] RGB, or None where the photo cannot be read.
        problem: then, why.
    """

    name: str
    pixels: npt.NDArray[np.uint8] | None
    problem: str = ""


def read_photos(
    wanted: Collection[int],
    items: Iterable[Product | RowError],
    on_progress: Callable[[int], None] | None = None,
) -> dict[int, RowPhoto]:
    """Row -> its photo. All others are passed over undecoded, and nothing after the last one wanted is read.

    A photo that cannot be read any more costs its own cell alone, as does a row that is not there any more.

    Args:
        wanted: numbers of rows, from 0.
        items: the rows of the source, from the first one on.
        on_progress: called now and then with the number of rows passed.
    """
    found: dict[int, RowPhoto] = {}
    last, kitchen = max(wanted, default=-1), ImageKitchen(SIDE, SIDE)
    if last < 0:
        return found
    for row, item in enumerate(items):
        if row in wanted:
            found[row] = _photo(item, row, kitchen)
        if on_progress is not None and (row % _STEP == _STEP - 1 or row == last):
            on_progress(row + 1)
        if row == last:
            break
    gone = {row: RowPhoto(_name(None, row), None, "the row is gone") for row in wanted if row not in found}
    return found | gone


def draw_sheet(mistakes: TagMistakes, photos: Mapping[int, RowPhoto], file: Path) -> Path:
    """False alarms above, misses below, the most confident at the left; id and probability under each photo."""
    kinds = (
        ("false alarms: answered, not in the data", mistakes.false_alarms, mistakes.alarms),
        ("misses: in the data, not answered", mistakes.missed, mistakes.misses),
    )
    lines = [kind for kind in kinds if kind[2]]
    figure = new_figure(_CELL * MOST, _LINE * len(lines))
    for place, (title, count, rows) in enumerate(lines):
        top = _LINE * (len(lines) - place)
        shown = f"{count:,}" if count == len(rows) else f"{count:,}, of which {len(rows)} are here"
        text = f"{words(mistakes.tag, 40)}, {title} ({shown})"
        _text(figure, 0, top, text, fontsize=11, color=INK, fontweight="bold", va="top")
        for column, (row, probability) in enumerate(rows):
            _cell(figure, column * _CELL, top - _HEAD, photos[row], probability)
    return save(figure, file)


def _cell(figure: Figure, left: float, top: float, photo: RowPhoto, probability: float) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, (top - _PHOTO) / height, _PHOTO / width, _PHOTO / height))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(LINE)
    if photo.pixels is not None:
        axes.imshow(photo.pixels)
    else:
        text = f"no photo:\n{photo.problem}"
        axes.text(0.5, 0.5, text, fontsize=8, color=WRONG, ha="center", va="center", transform=axes.transAxes)
    _text(figure, left, top - _PHOTO - 0.06, f"{100 * probability:.1f} %", fontsize=9, color=INK, va="top")
    name = words(photo.name, _LETTERS * _LINES)
    lines = [name[i : i + _LETTERS] for i in range(0, len(name), _LETTERS)]
    _text(figure, left, top - _PHOTO - 0.22, "\n".join(lines), fontsize=9, color=MUTED, va="top")


def _text(figure: Figure, left: float, top: float, text: str, **look: Any) -> None:
    """Text at inches from the left and the bottom; it may come from the data, so no sign of it is a formula."""
    width, height = figure.get_size_inches()
    figure.text(left / width, top / height, text, **look)


def _photo(item: Product | RowError, row: int, kitchen: ImageKitchen) -> RowPhoto:
    name = _name(item.id, row)
    if isinstance(item, RowError):
        return RowPhoto(name, None, item.code.replace("_", " "))
    if item.image is None:
        return RowPhoto(name, None, "the row has none")
    try:
        return RowPhoto(name, kitchen.prepare(item.image))
    except ImageError as error:
        return RowPhoto(name, None, error.code.replace("_", " "))


def _name(id: object, row: int) -> str:
    return f"row {row}" if id is None else str(id)

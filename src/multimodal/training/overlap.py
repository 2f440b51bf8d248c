"""Validation rows that training has as well: what is known by heart says nothing of how sure answers are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.console import Console

from multimodal.data.groups import key_of
from multimodal.errors import DataError
from multimodal.text.alike import title_key
from multimodal.training.arrays import Split
from multimodal.types import Product

_console = Console(stderr=True)
_NONE = 0
_WAY_OUT = (
    "leave such rows out of one side, or leave data.val out: data.split then draws validation rows from data.train "
    "(docs/training.md)"
)


def marks_of(product: Product, pixels: object) -> tuple[int, int]:
    """What a row is recognised by in another split: its group, and what it is itself; 0 where there is none.

    An id counts with the row's title, or with all of the row where it has none: files that number their rows, and
    folders that number their photos, have the same ids for other products. A row without an id is known by its
    group alone, or by being the same all over.

    Args:
        pixels: of its photo, where it was read.
    """
    group = _NONE if product.group is None else key_of("group", product.group)
    title = title_key(product.title) if product.title else ""
    if product.id is not None and title:
        return group, key_of("id", f"{product.id}\n{title}")
    if product.id is None and group:
        return group, _NONE
    whole = (product.id, title, product.description, product.characteristics, _photo(product, pixels))
    return group, key_of("row", repr(whole))


def _photo(product: Product, pixels: object) -> object:
    """What tells one photo from another."""
    if isinstance(pixels, np.ndarray):
        return key_of("photo", pixels.tobytes())
    photo = product.image
    if photo is None:
        return None
    return key_of("photo", photo.data) if photo.data is not None else photo.path or photo.name


def known_rows(train: Split, val: Split) -> npt.NDArray[np.bool_]:
    """Whether training has a row of the same group as each validation row, or that row itself [N]."""
    known = np.zeros(len(val), np.bool_)
    if train.marks is None or val.marks is None:
        return known
    for ours, theirs in zip(val.marks.T, train.marks.T, strict=True):
        known |= (ours != _NONE) & np.isin(ours, theirs)
    return known


def check_overlap(train: Split, val: Split) -> None:
    """Tells of validation rows that training has, too.

    Raises:
        DataError: they are more than half: it is the same file, or part of it.
    """
    known = known_rows(train, val)
    count = int(known.sum())
    if not count:
        return
    row = int(known.argmax())
    first = f"the first: {_name(val, row)}"
    if 2 * count > len(val):
        raise DataError(
            f"data.val: got {len(val):,} rows, {count:,} of which data.train has too, by group or by id and title "
            f"({first}), expected rows that training has not seen, as probabilities and promises are fitted to them; "
            f"{_WAY_OUT}"
        )
    _console.print(
        f"  {count:,} of {len(val):,} validation rows stand in data.train too, by group or by id and title ({first}); "
        f"probabilities are fitted to them as if they were new: {_WAY_OUT}",
        style="yellow", highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


def _name(split: Split, row: int) -> str:
    id = split.ids[row]
    return f"usable row {row}" if id is None else f"id {id!r}"

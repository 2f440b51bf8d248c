"""Reads ``styles.csv`` of the Fashion Product Images download, line by line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from multimodal.errors import DataError
from multimodal.types import RowError

COLUMNS = (
    "id", "gender", "masterCategory", "subCategory", "articleType", "baseColour", "season", "year", "usage",
    "productDisplayName",
)  # fmt: skip
LEVELS = ("masterCategory", "subCategory", "articleType")
CHARACTERISTICS = ("baseColour", "usage")

_YEAR = re.compile(r"(\d{4}(\.0)?)?")
_ABSENT = frozenset({"", "na", "nan"})


@dataclass(frozen=True, slots=True)
class Style:
    """One product. ``path`` is its category, ``row`` counts from 0."""

    row: int
    id: int
    title: str | None
    path: tuple[str, ...]
    characteristics: str | None


def read_styles(file: Path) -> Iterator[Style | RowError]:
    """The products of ``styles.csv``, one item a line that is not blank.

    Some lines of the download have a comma in the title and no quotes around it: what is beyond the tenth
    cell belongs to the title, provided that the year stands where it should.

    Raises:
        DataError: the header lacks a column, or is in another order.
    """
    with file.open("rb") as stream:
        header = _cells(stream.readline())
        if header is None or tuple(cell.strip() for cell in header) != COLUMNS:
            found = "no text in UTF-8" if header is None else ", ".join(header)
            raise DataError(f"{file}: expected the columns {', '.join(COLUMNS)}, found {found}; take the file as it is")
        lines = (line for line in stream if line.strip())
        for row, line in enumerate(lines):
            cells = _cells(line)
            yield _error(row, None, "not_utf8", "got bytes that are no UTF-8") if cells is None else _style(row, cells)


def _style(row: int, cells: list[str]) -> Style | RowError:
    known = cells[0].strip()
    cells = _joined(cells)
    if len(cells) != len(COLUMNS):
        return _error(row, known, "ragged_row", f"got {len(cells)} cells, expected {len(COLUMNS)}")
    value = {name: " ".join(cell.split()) for name, cell in zip(COLUMNS, cells, strict=True)}
    if not (known.isascii() and known.isdigit()):
        return _error(row, known, "id", f"got the id {known!r}, expected a whole number")
    path = tuple(value[level] for level in LEVELS)
    empty = [level for level in LEVELS if value[level].casefold() in _ABSENT]
    if empty:
        return _error(row, known, "no_category", f"{', '.join(empty)}: got no value, expected a category")
    told = [f"{name}: {value[name]}" for name in CHARACTERISTICS if value[name].casefold() not in _ABSENT]
    return Style(row, int(known), value["productDisplayName"] or None, path, " / ".join(told) or None)


def _joined(cells: list[str]) -> list[str]:
    last = len(COLUMNS) - 1
    if len(cells) > len(COLUMNS) and _YEAR.fullmatch(cells[COLUMNS.index("year")].strip()):
        return [*cells[:last], ",".join(cells[last:])]
    return cells


def _cells(line: bytes) -> list[str] | None:
    try:
        return next(csv.reader([line.decode("utf-8-sig").rstrip("\r\n")]), [])
    except (UnicodeDecodeError, csv.Error):
        return None


def _error(row: int, id: str | None, code: str, what: str) -> RowError:
    return RowError(id or None, row, "read", code, f"styles.csv, row {row}: {what}; correct the line to use it")

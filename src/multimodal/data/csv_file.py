"""Reads products from a CSV file row by row; every column is text, photos are paths or data URLs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from multimodal.csv_reading import BLANK, DELIMITERS, CsvRows, OpenQuote
from multimodal.data.columns import ResolvedColumns, check_once
from multimodal.data.embedded import holds_embedded
from multimodal.data.rows import RowRules
from multimodal.data.values import Unreadable
from multimodal.errors import DataError
from multimodal.types import Product, RowError

_HEADER_LIMIT = 1 << 16
_LOOKED_AT = 1 << 20
_EMBEDDED_LIMIT = 32 << 20
"""Characters of a cell in a file of embedded photos, whether they are asked for or not; elsewhere the csv module's
own limit bounds an open quote."""


@dataclass(frozen=True, slots=True)
class CsvReader:
    """A ``Reader`` of one CSV file in UTF-8, with a header. Blank lines are no rows, and may come before it."""

    file: Path
    rules: RowRules

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> None:
        return None

    def __iter__(self) -> Iterator[Product | RowError]:
        with _open(self.file) as stream:
            limit = _cell_limit(stream)
            rows = CsvRows(stream, _delimiter(stream), limit)
            header = [name.strip() for name in rows.header()]
            at = {field: header.index(name) for field, name in self.columns.present().items()}
            for row, cells in enumerate(rows.rows(len(header))):
                if isinstance(cells, OpenQuote):
                    yield self._open_quote(cells.cells, row, at.get("id"), header)
                elif isinstance(cells, csv.Error):
                    yield self.rules.error(None, row, "csv", f"got no CSV ({cells}); expected quotes in pairs")
                elif len(cells) != len(header):
                    yield self._ragged(cells, row, at.get("id"), len(header))
                else:
                    yield self.rules.build({field: _text(cells[i]) for field, i in at.items()}, row)

    def _open_quote(self, before: list[str], row: int, id_at: int | None, header: list[str]) -> RowError:
        where = f"column {header[len(before)]!r}" if len(before) < len(header) else f"cell {len(before) + 1}"
        message = (
            f"{where}: got a quote that opens and does not close, expected quotes in pairs; close it, or double "
            'it ("") where it belongs to the text'
        )
        return self.rules.error(_known(before, id_at), row, "csv", message)

    def _ragged(self, cells: list[str], row: int, id_at: int | None, expected: int) -> RowError:
        message = f"got {len(cells)} cells, expected {expected} as in the header; quote cells that hold a delimiter"
        return self.rules.error(_known(cells, id_at), row, "ragged_row", message)


def csv_columns(file: Path) -> list[str]:
    """Names in a file's header: its first line with anything on it.

    Raises:
        DataError: no such file, an empty one, another encoding, no CSV, or a name that stands there twice.
    """
    with _open(file) as stream:
        try:
            header = CsvRows(stream, _delimiter(stream)).header()
        except csv.Error as error:
            raise DataError(f"{file}: the header is no CSV ({error}); expected quotes in pairs") from None
    text = "".join(header)
    if "\0" in text or isinstance(_text(text), Unreadable):
        raise DataError(f"{file}: the header is not UTF-8; expected a CSV file in UTF-8, save it again as that")
    if not header:
        raise DataError(f"{file}: got an empty file; expected a CSV file with a header")
    names = [name.strip() for name in header]
    check_once(file, names)
    return names


def _open(file: Path) -> TextIO:
    try:
        # a byte that is no UTF-8 becomes a lone surrogate, so that it costs its row and not the file
        return file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; expected a CSV file, check the path") from None


def _delimiter(stream: TextIO) -> str:
    line = stream.readline(_HEADER_LIMIT)
    while line and not line.strip(BLANK):
        line = stream.readline(_HEADER_LIMIT)
    stream.seek(0)
    return max(DELIMITERS, key=line.count)


def _cell_limit(stream: TextIO) -> int | None:
    head = stream.read(_LOOKED_AT)
    stream.seek(0)
    return _EMBEDDED_LIMIT if holds_embedded(head) else None


def _known(cells: list[str], id_at: int | None) -> str | None:
    """The id of a row that is no product."""
    return cells[id_at] if id_at is not None and id_at < len(cells) else None


def _text(cell: str) -> str | Unreadable:
    if cell.isascii() or not any("\udc80" <= sign <= "\udcff" for sign in cell):
        return cell
    return Unreadable(f"got bytes that are no UTF-8 {_reads_as(cell)}; save the file again in UTF-8")


def _reads_as(cell: str) -> str:
    """What a cell says in windows-1251, in which Russian spreadsheets are saved, where it says something there."""
    shown = cell[:60]
    raw = shown.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("cp1251")
    except UnicodeDecodeError:
        text = ""
    if sum("а" <= sign.casefold() <= "я" for sign in text) * 2 > len(text):
        return f"(in windows-1251 they are {text!r})"
    return f"in {shown.encode('ascii', 'replace')!r}"


def csv_rows(file: Path) -> tuple[str, list[str], Iterator[list[str] | csv.Error]]:
    """A file's delimiter, its header, and the cells of each row, counted as ``CsvReader`` counts them.

    Bytes that are no UTF-8 come as lone surrogates.

    Raises:
        DataError: see ``csv_columns``.
    """
    csv_columns(file)
    with _open(file) as stream:
        delimiter = _delimiter(stream)
        header = CsvRows(stream, delimiter).header()

    def rows() -> Iterator[list[str] | csv.Error]:
        with _open(file) as stream:
            cells = CsvRows(stream, delimiter, _cell_limit(stream))
            yield from cells.rows(len(cells.header()))

    return delimiter, header, rows()

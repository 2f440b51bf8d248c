"""Rows of an open CSV file; a quote that never closes costs the row where it opened, and no other."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from multimodal.csv_reading.lines import RowLines

DELIMITERS = ",;\t"
BLANK = DELIMITERS + '" \r\n'
_LARGEST_HEADER = 1 << 20
_LARGEST_ROW = 64 << 20
"""Characters of the lines that are held to be read again, however many large cells a row could have."""


class OpenQuote(csv.Error):
    """A row in which a quote opens and does not close.

    Attributes:
        cells: those before the quote.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        super().__init__("a quote opens and does not close")
        self.cells = list(cells)


class CsvRows:
    """The header of a file and then its rows; holds the lines of one row at a time.

    To the csv module text in quotes goes on to the next quote, wherever that is: one that lacks its partner takes
    in the rows below. ``_broken_at`` tells what gives it away. Then the row ends with the line where the quote
    opened, and the lines that were taken in are read again, each as the row it is.

    Args:
        limit: characters of a cell; the csv module's own limit by default.
    """

    def __init__(self, stream: TextIO, delimiter: str, limit: int | None = None) -> None:
        self._lines = RowLines(stream, delimiter)
        self._delimiter = delimiter
        self._limit = limit
        self._parser = self._parsed(self._lines)

    def header(self) -> list[str]:
        """The first row with anything in it; empty where there is none.

        Raises:
            csv.Error: it is no CSV.
        """
        while True:
            self._lines.begin(_LARGEST_HEADER)
            try:
                cells = next(self._parser)
            except StopIteration:
                return []
            if self._lines.open_at() is not None:
                raise OpenQuote(cells[:-1])
            if any(cell.strip(BLANK) for cell in cells):
                return cells

    def rows(self, width: int) -> Iterator[list[str] | csv.Error]:
        """The cells of each row that is not blank, or what is wrong with it; ``width`` is the number of columns."""
        largest = min((width + 1) * (self._limit or csv.field_size_limit()), _LARGEST_ROW)
        cells: list[str] | csv.Error
        while True:
            self._lines.begin(largest)
            try:
                cells = self._next(self._parser)
            except StopIteration:
                return
            except csv.Error as error:  # the parser starts afresh on the next line
                cells = error
            broken = self._broken_at(cells, width) if self._lines.cut or len(self._lines.row) > 1 else None
            if broken is not None:
                yield OpenQuote(self._alone(*self._lines.row[: broken + 1])[:-1])
                self._lines.again(broken + 1)
            elif cells:
                yield cells

    def _broken_at(self, cells: list[str] | csv.Error, width: int) -> int | None:
        """The line of the row, from 0, with a quote that lacks its partner; None where all is in order.

        Either the text ends inside the quotes, or what follows the closing quote shows that it was meant to open
        a cell. Where neither is so, a row of a wrong size may still be a few good ones: it is if a line that was
        taken in is a whole row by itself. Such lines, or more cells than a row has, also tell that not the cell at
        hand but an earlier one was left open.
        """
        lines, opened = self._lines.row, self._lines.open_at()
        if opened == 0 or (opened is None and not isinstance(cells, csv.Error) and len(cells) == width):
            return opened
        taken_in = lines[1:] if opened is None else lines[1 : opened + 1]
        crowded = opened is not None and len(self._alone(*lines[: opened + 1])) > width
        return 0 if crowded or any(len(self._alone(line)) == width for line in taken_in) else opened

    def _alone(self, *lines: str) -> list[str]:
        """The cells of lines that are a row by themselves; none where they are no CSV."""
        try:
            return self._next(self._parsed(lines))
        except csv.Error:
            return []

    def _parsed(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter)

    def _next(self, parser: Iterator[list[str]]) -> list[str]:
        """The next row under another limit, which is the module's and so is put back at once."""
        if self._limit is None:
            return next(parser)
        before = csv.field_size_limit(self._limit)
        try:
            return next(parser)
        finally:
            csv.field_size_limit(before)

"""Lines of a CSV file, one row's at a time, with an eye on the quotes that open and close in them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import TextIO

_INSIDE = re.compile('[^"]*+(?:""[^"]*+)*+')
"""Text in quotes up to the closing one, or to the end of the line."""


class RowLines:
    """The lines of a file, of which those of one row are held until the next begins.

    Attributes:
        row: lines of the row so far.
        cut: the csv module asked for one more line of the row and got none.
    """

    def __init__(self, stream: TextIO, delimiter: str) -> None:
        self.row: list[str] = []
        self.cut = False
        self._stream = stream
        self._quotes = _Quotes(delimiter)
        self._again: deque[str] = deque()
        self._left = 0

    def begin(self, largest: int) -> None:
        """Starts a row, of at most so many characters where it has several lines."""
        self.row = []
        self.cut = False
        self._left = largest
        self._quotes.begin()

    def again(self, start: int) -> None:
        """Gives the row's lines from ``start`` once more."""
        self._again.extendleft(reversed(self.row[start:]))

    def open_at(self) -> int | None:
        """The line with the row's first quote that opens a cell and does not close as it should."""
        while self._quotes.lines < len(self.row):
            self._quotes.read(self.row[self._quotes.lines])
        return self._quotes.opened

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.row and self._has_to_end():
            self.cut = True
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._stream, None)
        if line is None:
            self.cut = bool(self.row)
            raise StopIteration
        self.row.append(line)
        self._left -= len(line)
        return line

    def _has_to_end(self) -> bool:
        """Whether the row gets no more lines, though the csv module would go on.

        Of the lines that are given again only the last may begin a row of several: the others ended inside quotes,
        and to look ahead from each of them would take a time that is the square of their number.
        """
        self.open_at()
        return self._quotes.broken or bool(self._again) or self._left < 0


class _Quotes:
    """Where quotes open and close in the lines of a row, which are read as the csv module reads them.

    Attributes:
        lines: how many have been read.
        opened: the line with the quote that is open now, or with the one that is ``broken``.
        broken: what follows the closing quote of a cell of several lines shows that it was meant to open a cell.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._closing = re.compile(rf'" *(?:[{delimiter}\r\n]|\Z)')
        self.begin()

    def begin(self) -> None:
        self.lines = 0
        self.opened: int | None = None
        self.broken = False

    def read(self, line: str) -> None:
        at = 0
        while at >= 0 and not self.broken:
            if self.opened is None and line.startswith('"', at):
                self.opened, at = self.lines, at + 1
            if self.opened is not None:
                inside = _INSIDE.match(line, at)
                at = inside.end() if inside else at
                if at == len(line):
                    break
                self.broken = self.opened < self.lines and not self._closing.match(line, at)
                if not self.broken:
                    self.opened = None
            at = line.find(self._delimiter, at) + 1 or -1
        self.lines += 1

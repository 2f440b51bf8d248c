"""The list of rows without an answer, or left out, as CSV: row, id, stage, code, message."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from multimodal.types import RowError

_HEADER = ("row", "id", "stage", "code", "message")


def write_errors(errors: Iterable[RowError], path: Path) -> Path | None:
    """Lists rows; without any, no file is left, not even one of an earlier run.

    Returns:
        The file, where there is one.
    """
    with ErrorsFile(path) as file:
        file.write(errors)
    return path if file.count else None


class ErrorsFile:
    """Opens its file at the first error; without any, a file left there by an earlier run goes away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._stream: TextIO | None = None

    def __enter__(self) -> ErrorsFile:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, errors: Iterable[RowError]) -> None:
        """Appends errors."""
        for error in errors:
            if self._stream is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # A lone surrogate, in the name of a file say, is written as its escape.
                self._stream = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
                csv.writer(self._stream).writerow(_HEADER)
            csv.writer(self._stream).writerow(getattr(error, name) for name in _HEADER)
            self.count += 1

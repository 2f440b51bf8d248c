"""Tells of rows, and of photos, that could not be used: on the console by kind, in files one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from multimodal.data.errors_file import write_errors
from multimodal.data.reasons import TEXT_ALONE, by_code
from multimodal.types import RowError

_console = Console(stderr=True)


def report_rejected(rows: Sequence[RowError], file: Path) -> None:
    """Writes rejected rows to a CSV and tells of them; no file where there are none."""
    write_errors(rows, file)
    tell_rejected(rows)


def report_left_out(photos: Sequence[RowError], file: Path) -> None:
    """Writes unreadable photos beside usable text to a CSV and tells of them; no file where there are none."""
    if write_errors(photos, file) is not None:
        tell_left_out(photos)


def tell_rejected(rows: Sequence[RowError]) -> None:
    """Says how many there were of each kind."""
    _print(by_code(rows))


def tell_left_out(photos: Sequence[RowError]) -> None:
    """Says of how many rows the text stands alone, as their photo could not be read."""
    _print(by_code(photos, TEXT_ALONE))


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        _console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)

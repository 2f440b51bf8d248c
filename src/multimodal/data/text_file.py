"""Opens files of text, gzipped or not, and says where one of them breaks off."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from multimodal.errors import DataError

T = TypeVar("T")

_DAMAGE = (OSError, EOFError, zlib.error, ValueError, RecursionError)


def open_bytes(file: Path) -> BinaryIO:
    """The bytes of a file, unpacked on the way where its name ends in ``.gz``.

    Raises:
        DataError: it cannot be opened.
    """
    try:
        if file.name.casefold().endswith(".gz"):
            return cast("BinaryIO", gzip.open(file, "rb"))
        return file.open("rb")
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; expected a file of products, check the path") from None


def until_damage(file: Path, items: Iterator[T]) -> Iterator[T]:
    """``items`` as they come from a file.

    Raises:
        DataError: in the place of what a broken file makes a parser or an unpacker raise, with the row.
    """
    row = 0
    try:
        for item in items:
            yield item
            row += 1
    except _DAMAGE as error:
        raise DataError(f"{file}: damaged after row {row} ({error}); expected a whole file, write it again") from error

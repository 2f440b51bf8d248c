"""Streams IDX files, plain or gzipped: the format of MNIST and its kin (http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from multimodal.errors import DataError

_GZIP = b"\x1f\x8b"
_UINT8 = 0x08


def idx_shape(file: Path, dimensions: int) -> tuple[int, ...]:
    """The shape that a file of unsigned bytes says it has: items first.

    Raises:
        DataError: no IDX file of unsigned bytes with so many dimensions.
    """
    with _open(file) as stream:
        return _header(file, stream, dimensions)


def idx_items(file: Path, dimensions: int) -> Iterator[bytes]:
    """The items of a file one after another, each ``prod(shape[1:])`` bytes long.

    Raises:
        DataError: as ``idx_shape``; or the file ends early.
    """
    with _open(file) as stream:
        count, *inner = _header(file, stream, dimensions)
        size = 1
        for extent in inner:
            size *= extent
        for i in range(count):
            item = stream.read(size)
            if len(item) < size:
                raise DataError(f"{file}: ends after {i} of {count} items; download it again")
            yield item


def _header(file: Path, stream: IO[bytes], dimensions: int) -> tuple[int, ...]:
    head = stream.read(4 + 4 * dimensions)
    if len(head) < 4 + 4 * dimensions or head[:4] != bytes([0, 0, _UINT8, dimensions]):
        raise DataError(
            f"{file}: no IDX file of bytes in {dimensions} dimensions: it begins with {head[:4].hex() or 'nothing'}, "
            f"expected 000008{dimensions:02x}; download it again"
        )
    return struct.unpack(f">{dimensions}I", head[4:])


@contextmanager
def _open(file: Path) -> Iterator[IO[bytes]]:
    try:
        with file.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
            raw.seek(0)
            if not zipped:
                yield raw
                return
            with gzip.open(raw) as stream:
                yield stream  # type: ignore[misc]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{file}: damaged ({error}); download it again") from error

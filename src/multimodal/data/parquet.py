"""Reads products from a parquet file, a record batch at a time and only the columns needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.data.columns import ResolvedColumns, check_once
from multimodal.data.rows import RowRules
from multimodal.data.values import PHOTO_KEYS, Unreadable
from multimodal.errors import DataError
from multimodal.types import Product, RowError

_BATCH, _PHOTO_BATCH = 256, 64  # rows; photos are held as bytes, and may be large
_BUFFER = 1 << 20  # reads a column chunk by parts instead of whole: row groups of photos may be large


@dataclass(frozen=True, slots=True)
class ParquetReader:
    """A ``Reader`` of one parquet file. The photo is bytes, a struct of bytes and path, or a path."""

    file: Path
    rules: RowRules

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> int:
        with _open(self.file) as source:
            return int(source.metadata.num_rows)

    def __iter__(self) -> Iterator[Product | RowError]:
        names = self.columns.present()
        size = _PHOTO_BATCH if "image" in names else _BATCH
        with _open(self.file) as source:
            row = 0
            batches = source.iter_batches(size, columns=list(dict.fromkeys(names.values())))
            try:
                for batch in batches:
                    values = {field: _values(batch.column(name)) for field, name in names.items()}
                    for i in range(batch.num_rows):
                        yield self.rules.build({field: column[i] for field, column in values.items()}, row)
                        row += 1
            except (pa.ArrowException, OSError) as error:
                raise DataError(
                    f"{self.file}: damaged after row {row} ({error}); expected a whole file, write it again"
                ) from error


def parquet_columns(file: Path) -> list[str]:
    """Names of a file's columns.

    Raises:
        DataError: no parquet file, or a name that stands there twice.
    """
    with _open(file) as source:
        names = list(source.schema_arrow.names)
    check_once(file, names)
    return names


def check_image_column(file: Path, column: str) -> None:
    """Raises DataError when a column can hold neither photos nor paths of photos."""
    with _open(file) as source:
        kind = source.schema_arrow.field(column).type
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_struct(inner):
        fits = bool(set(PHOTO_KEYS) & {inner.field(i).name for i in range(inner.num_fields)})
    else:
        fits = any(test(inner) for test in _IMAGE_KINDS)
    if not fits:
        raise DataError(
            f"{file}: column {column!r} holds {kind}, expected photos as bytes, a struct of bytes and path, "
            'or paths; set columns.image to the column that does, or to "" to read without photos'
        )


_IMAGE_KINDS = (
    pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view,
    pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null,
)  # fmt: skip


def _open(file: Path) -> Any:
    try:
        return pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; expected a parquet file, check the path") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: not readable as parquet ({error}); write it again, or name its format") from error


def _values(column: Any) -> list[object]:
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):  # one broken value must not cost the batch
        return [_value(scalar) for scalar in column]


def _value(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError) as error:
        return Unreadable(f"got a value that cannot be decoded ({error})")

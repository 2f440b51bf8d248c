"""Answers as rows of a file: parquet, CSV or JSON Lines, and the list of rows without an answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from multimodal.errors import InputError
from multimodal.serving.forms import Column

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 8192


Row = Sequence[object]
"""The id, then a value for each column."""


@dataclass(frozen=True, slots=True)
class IdColumn:
    """The id's column in the output, its arrow type, and whether rows without ids are numbered."""

    name: str
    kind: pa.DataType
    numbered: bool = False


@contextmanager
def whole(output: Path) -> Iterator[Path]:
    """A name to write under; becomes ``output`` when all went well and is removed when not."""
    part = output.with_name(output.name + ".part")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}); choose another place") from error
    try:
        yield part
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


class _TextWriter:
    """Base of the formats that are lines of text."""

    def __init__(self, path: Path, id_column: IdColumn, columns: Sequence[Column]) -> None:
        self._path = path
        self._names = (id_column.name, *(column.name for column in columns))

    def __enter__(self) -> _TextWriter:
        # a lone surrogate, from bytes that were no UTF-8, is written as its escape
        self._stream = self._path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        self.start(self._stream)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def start(self, stream: TextIO) -> None:
        """Writes what stands before the rows."""

    def write(self, rows: Sequence[Row]) -> None:
        """Appends rows."""
        raise NotImplementedError


class _CsvWriter(_TextWriter):
    def start(self, stream: TextIO) -> None:
        self._csv = csv.writer(stream)
        self._csv.writerow(self._names)

    def write(self, rows: Sequence[Row]) -> None:
        self._csv.writerows([_cell(value) for value in row] for row in rows)


class _JsonLinesWriter(_TextWriter):
    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            document: Mapping[str, object] = dict(zip(self._names, row, strict=True))
            self._stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


class _ParquetWriter:
    """Gathers rows into groups of a useful size; they are a few hundred bytes each."""

    def __init__(self, path: Path, id_column: IdColumn, columns: Sequence[Column]) -> None:
        import pyarrow as pa

        kinds = {"str": pa.string(), "float": pa.float64(), "bool": pa.bool_(), "int": pa.int64()}
        self._path = path
        typed = [(column.name, kinds[column.kind]) for column in columns]
        self._schema = pa.schema([(id_column.name, id_column.kind), *typed])
        self._rows: list[Row] = []

    def __enter__(self) -> _ParquetWriter:
        import pyarrow.parquet as pq

        self._file = pq.ParquetWriter(self._path, self._schema)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._file.close()

    def write(self, rows: Sequence[Row]) -> None:
        self._rows.extend(rows)
        if len(self._rows) >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        columns = list(zip(*self._rows, strict=True)) or [()] * len(self._schema)
        arrays = [_array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_floating(kind):
        values = [None if v is None else float(v) for v in values]  # type: ignore[arg-type]
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = [None if v is None else _encodable(str(v)) for v in values]
    return pa.array(values, type=kind)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: object) -> object:
    """How a value looks in CSV: null is empty, flags as JSON writes them, six digits are enough."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6f}" if isinstance(value, float) else value


WRITERS: Mapping[str, Callable[[Path, IdColumn, Sequence[Column]], Any]] = {
    ".parquet": _ParquetWriter,
    ".csv": _CsvWriter,
    ".jsonl": _JsonLinesWriter,
}


def errors_path(output: Path) -> Path:
    """Where the rows without an answer are listed."""
    return output.with_name(output.name + ".errors.csv")

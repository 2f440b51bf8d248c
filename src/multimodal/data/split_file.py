"""Writes the splits of a file as files with the same columns; holds a few megabytes of rows at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.data.csv_file import csv_rows
from multimodal.data.division import Division
from multimodal.data.formats import format_of
from multimodal.errors import DataError, InputError

GROUP = "group"
_BATCH = 256
_ROWS, _BYTES = 8192, 32 << 20  # of a row group, whichever comes first


def check_splittable(file: Path, folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """The file of each split, in ``folder`` and with the suffix of ``file``; before any work is done.

    Raises:
        InputError: another format than parquet and CSV, or a file that is there already.
    """
    if format_of(file, "auto") not in {"parquet", "csv"}:
        raise InputError(
            f"{file}: expected a parquet or CSV file to split; for other sources give 'split' in the configuration "
            "of a training run, which draws the validation rows as it reads"
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: got a file, expected a folder (or a name that is free); choose another --out")
    files = {name: folder / f"{name}{file.suffix}" for name in names}
    for there in files.values():
        if there.exists():
            raise InputError(f"{there}: is there already, expected a free name; move it, or choose another --out")
    return files


def write_splits(file: Path, division: Division, files: Mapping[str, Path]) -> None:
    """Writes each row that is no error into the file of its split, in order, all columns as they are.

    A column ``group`` is added where there is none, so that near-duplicates stay together from here on. The
    files appear under their names when all are whole.

    Raises:
        DataError: the file has changed since it was divided.
    """
    next(iter(files.values())).parent.mkdir(parents=True, exist_ok=True)
    parts = {name: path.with_name(path.name + ".part") for name, path in files.items()}
    try:
        rows = (_parquet if format_of(file, "auto") == "parquet" else _csv)(file, division, parts)
        if rows != len(division.split):
            raise DataError(f"{file}: got {rows} rows, expected {len(division.split)} as when it was divided")
        for name, part in parts.items():
            part.replace(files[name])
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _parquet(file: Path, division: Division, parts: Mapping[str, Path]) -> int:
    row = 0
    with pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as source, ExitStack() as stack:
        grouped = GROUP in source.schema_arrow.names
        schema = source.schema_arrow if grouped else source.schema_arrow.append(pa.field(GROUP, pa.string()))
        writers = {name: stack.enter_context(_writer(path, schema)) for name, path in parts.items()}
        for batch in source.iter_batches(_BATCH):
            at = np.arange(row, row + batch.num_rows)
            row += batch.num_rows
            if row > len(division.split):
                break
            if not grouped:
                batch = pa.RecordBatch.from_arrays(
                    [*batch.columns, pa.array([division.group_name(i) for i in at], pa.string())], schema=schema
                )
            for name, writer in writers.items():
                writer.add(batch.filter(pa.array(division.holds(name, at))))
    return row


class _Writer:
    """Row groups of a fair size, whatever the size of the batches."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._held: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        if sum(b.num_rows for b in self._held) >= _ROWS or sum(b.nbytes for b in self._held) >= _BYTES:
            self.flush()

    def flush(self) -> None:
        self._file.write_table(pa.Table.from_batches(self._held, self._file.schema))
        self._held = []


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[_Writer]:
    with pq.ParquetWriter(path, schema) as file:
        writer = _Writer(file)
        yield writer
        writer.flush()


def _csv(file: Path, division: Division, parts: Mapping[str, Path]) -> int:
    delimiter, header, rows = csv_rows(file)
    grouped = GROUP in [name.strip() for name in header]
    row = -1
    with ExitStack() as stack:
        streams = {
            name: stack.enter_context(path.open("w", encoding="utf-8", errors="surrogateescape", newline=""))
            for name, path in parts.items()
        }
        writers = {name: csv.writer(s, delimiter=delimiter, lineterminator="\n") for name, s in streams.items()}
        for writer in writers.values():
            writer.writerow([*header, *([] if grouped else [GROUP])])
        for row, cells in enumerate(rows):
            if row >= len(division.split):
                break
            for name, writer in writers.items():
                if not isinstance(cells, csv.Error) and division.holds(name, np.array([row]))[0]:
                    writer.writerow([*cells, *([] if grouped else [division.group_name(row)])])
    return row + 1

"""Streams rows into one parquet file a split, and rows that were left out into a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.taxonomy import Tree

SPLITS = ("train", "val", "test")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

_BATCH = 256
_PART = ".part"


class SplitWriter:
    """Writes ``<split>.parquet`` under a folder; holds at most 256 rows of each split.

    The files take their names when all is written: a run that is stopped leaves no half of a file behind, and
    what was there before stays.
    """

    def __init__(self, out: Path, schema: pa.Schema, splits: Sequence[str] = SPLITS) -> None:
        self.files = {split: out / f"{split}.parquet" for split in splits}
        self.rows = dict.fromkeys(splits, 0)
        self._schema = schema
        self._waiting: dict[str, list[Mapping[str, object]]] = {split: [] for split in splits}
        self._parts = {split: file.with_name(file.name + _PART) for split, file in self.files.items()}

    def __enter__(self) -> Self:
        self._writers = {
            split: pq.ParquetWriter(part, self._schema, compression="zstd") for split, part in self._parts.items()
        }
        return self

    def write(self, split: str, record: Mapping[str, object]) -> None:
        """Adds a row to a split."""
        self._waiting[split].append(record)
        self.rows[split] += 1
        if len(self._waiting[split]) >= _BATCH:
            self._flush(split)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                for split in self.files:
                    self._flush(split)
        finally:
            for writer in self._writers.values():
                writer.close()
        for split, part in self._parts.items():
            if kind is None:
                part.replace(self.files[split])
            else:
                part.unlink(missing_ok=True)

    def _flush(self, split: str) -> None:
        if self._waiting[split]:
            self._writers[split].write_table(pa.Table.from_pylist(self._waiting[split], self._schema))
            self._waiting[split].clear()


def write_tree(tree: Tree, file: Path) -> Path:
    """Writes a tree as CSV with the columns id, title, parent_id; roots have the parent 0 where no id is 0."""
    root = "" if "0" in tree else "0"
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("id", "title", "parent_id"))
        table.writerows((n.id, n.name, root if n.parent_id is None else n.parent_id) for n in tree.nodes)
    return file

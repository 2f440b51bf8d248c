"""Checks and cleans a Kazan Express folder and divides its rows into splits, copies of a title together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.data.errors_file import write_errors
from multimodal.data.groups import key_of
from multimodal.data.imports.divide import Divided, TitleKey, divide_rows
from multimodal.data.imports.download import check_download, check_out
from multimodal.data.imports.report import ImportReport, Steps, silent
from multimodal.data.imports.writer import SplitWriter, write_tree
from multimodal.data.parquet import parquet_columns
from multimodal.data.values import id_value, label_value, text_value
from multimodal.errors import DataError, InputError, nearest
from multimodal.taxonomy import Tree, read_tree
from multimodal.types import RowError, RowId

ORIGIN = (
    "categories_tree.csv and train.parquet of Kazan Express' public test task from "
    "https://drive.google.com/drive/folders/194JOoKDZCkmpBglf7Fs7hlzk5xXJSYgI"
)
FILES = ("categories_tree.csv", "train.parquet")
NEEDED = ("title", "category_id")
TEXTS = ("title", "short_description", "name_value_characteristics")
FIGURES = ("rating", "feedback_quantity")
COLUMNS = ("id", *TEXTS, *FIGURES, "category_id")

_BATCH = 4096
_CONTROLS = {code: " " for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
Record = dict[str, object]


def import_kazan_express(download: Path, out: Path, *, title_key: TitleKey, steps: Steps = silent) -> ImportReport:
    """Writes train, val and test in parquet and ``categories_tree.csv`` under ``out``.

    Columns keep their names; ``group`` is added. Text loses the white space and the control characters
    around it, blank text becomes null. Rows with no text at all, a category that the tree does not hold, or
    an id that an earlier row has are left out and listed. The file is read twice, a batch at a time.

    Raises:
        DataError: a file or a column is missing, or no row can be used.
        TreeError: ``categories_tree.csv`` is no tree.
    """
    check_download(download, FILES, ORIGIN)
    check_out(out, download)
    file = download / "train.parquet"
    columns = _columns(file)
    tree = read_tree(download / "categories_tree.csv")
    total = pq.read_metadata(file).num_rows
    errors: list[RowError] = []
    with steps("Checking", total, "rows") as advance:
        divided, inner = _divide(_checked(file, columns, tree, errors, advance), tree, title_key)
    if not divided.split:
        why = f"; the first was left out because of {errors[0].message}" if errors else ""
        raise DataError(f"{file}: got no usable row, expected some{why}")
    out.mkdir(parents=True, exist_ok=True)
    with SplitWriter(out, _schema(file, columns)) as writer, steps("Writing", total, "rows") as advance:
        for i, record in enumerate(_checked(file, columns, tree, [], advance)):
            writer.write(divided.split[i], {**record, "group": divided.group[i]})
    return ImportReport(
        "kazan-express", out, write_tree(tree, out / "categories_tree.csv"), writer.files, writer.rows,
        len(tree), len(tree.leaves), len(errors), write_errors(errors, out / "errors.csv"),
        {"groups": divided.groups, "on_inner_categories": inner},
    )  # fmt: skip


def _columns(file: Path) -> list[str]:
    found = parquet_columns(file)
    missing = [name for name in NEEDED if name not in found]
    if missing:
        hints = "".join(nearest(name, found) for name in missing)
        raise DataError(
            f"{file}: missing columns {', '.join(missing)}; expected {', '.join(COLUMNS)}, found {', '.join(found)}."
            f"{hints} Rename them."
        )
    return [name for name in COLUMNS if name in found]


def _schema(file: Path, columns: list[str]) -> pa.Schema:
    """Ids and figures keep their types; text and categories are text."""
    source = pq.read_schema(file)
    kept = {"id", *FIGURES}
    fields = [(name, source.field(name).type if name in kept else pa.string()) for name in columns]
    return pa.schema([*fields, ("group", pa.string())])


def _checked(
    file: Path, columns: list[str], tree: Tree, errors: list[RowError], advance: Callable[[int], None]
) -> Iterator[Record]:
    """The cleaned record of each row that can be used; the others go to ``errors``."""
    first: dict[str, int] = {}
    row = 0
    with pq.ParquetFile(file) as source:
        for batch in source.iter_batches(_BATCH, columns=columns):
            for raw in batch.to_pylist():
                known: RowId = None
                try:
                    known = id_value(raw.get("id"))
                    yield _cleaned(raw, known, row, tree, first)
                except InputError as error:
                    told = f"{file.name}, row {row}: {error.message}"
                    errors.append(RowError(known, row, "read", error.code, told))
                row += 1
            advance(row)


def _cleaned(raw: Mapping[str, Any], known: RowId, row: int, tree: Tree, first: dict[str, int]) -> Record:
    record = {**raw, **{name: _text(raw[name]) for name in TEXTS if name in raw}}
    record["category_id"] = label = label_value(raw["category_id"])
    if label is None or label not in tree:
        hint = "" if label is None else nearest(label, tree.node_index)
        raise InputError(f"got the category {label!r}, expected one of the tree's.{hint}", code="unknown_category")
    if not any(record.get(name) for name in TEXTS):
        raise InputError("got no text, expected a title or a description; fill it in", code="nothing_usable")
    if known is not None and first.setdefault(str(known), row) != row:
        message = f"id {known!r} stands in row {first[str(known)]} before, expected each once; the first was kept"
        raise InputError(message, code="duplicate_id")
    return record


def _text(value: object) -> str | None:
    text = text_value(value)
    if text is None:
        return None
    return text.translate(_CONTROLS).strip() or None


def _divide(rows: Iterator[Record], tree: Tree, title_key: TitleKey) -> tuple[Divided, int]:
    """The division of the rows that can be used, and how many of them are labelled with inner categories."""
    keys, categories = [], []
    for record in rows:
        title = title_key(str(record["title"])) if record["title"] else ""
        alike = key_of("title", title) if title else key_of("text", repr([record.get(name) for name in TEXTS]))
        keys.append([alike])
        categories.append(str(record["category_id"]))
    return divide_rows(keys, categories), sum(category in tree.inner for category in categories)

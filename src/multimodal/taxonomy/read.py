"""Reads a tree from a file of nodes, or from a column of paths."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from multimodal.errors import DataError, TreeError, nearest
from multimodal.taxonomy.tree import Node, Tree

PATH_SEPARATOR = " > "
_WHOLE = re.compile(r"-?\d+(\.0*)?")
_NO_PARENT = frozenset({"", "0", "0.0", "nan", "none", "null"})
Column = list[str | None]


def read_tree(path: str | Path, *, id: str = "id", name: str = "title", parent_id: str = "parent_id") -> Tree:
    """Reads a tree from a CSV or parquet file with one row a category.

    A parent of 0, nothing, null or NaN makes a root. Ids are strings inside; a column of numbers that
    went through floats (``1001.0``) is read as whole numbers. A row for the implicit root itself (id 0,
    no parent) is left out.

    Args:
        path: the file; ``.parquet`` or ``.pq`` is read as parquet, anything else as CSV (UTF-8).
        id, name, parent_id: names of the columns.

    Raises:
        DataError: the file is missing or unreadable, or lacks a column.
        TreeError: the rows are no tree.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file}: no such file; expected a CSV or parquet file of categories")
    wanted = (id, name, parent_id)
    parquet = file.suffix.lower() in {".parquet", ".pq"}
    ids, names, parents = _read_parquet(file, wanted) if parquet else _read_csv(file, wanted)
    if _through_floats([*ids, *parents]):
        ids, parents = ([value and value.partition(".")[0] for value in column] for column in (ids, parents))
    nodes = []
    for row, (key, title, parent) in enumerate(zip(ids, names, parents, strict=True), start=1):
        root = parent is None or parent.casefold() in _NO_PARENT
        if not key or not (title and title.strip()):
            what = id if not key else name
            raise TreeError(f"{file}: row {row} has no {what!r}; expected a value in each row, fill it in")
        if not (key == "0" and root):
            nodes.append(Node(key, title.strip(), None if root else parent))
    try:
        return Tree(nodes)
    except TreeError as error:
        raise TreeError(f"{file}: {error.message}") from None


def tree_from_paths(paths: Iterable[str], separator: str = PATH_SEPARATOR) -> Tree:
    """Builds the tree of all the categories on ``paths``, in the order they first appear.

    A node's id is its path, the stripped parts joined by ``" > "``; its name is the last part. A path
    that is also the beginning of another becomes an inner node.

    Raises:
        TreeError: a path without any part, or no paths.
    """
    sign = separator.strip() or separator
    nodes: dict[str, Node] = {}
    for path in dict.fromkeys(paths):
        parts = path_parts(path, sign)
        parent: str | None = None
        for depth in range(1, len(parts) + 1):
            key = PATH_SEPARATOR.join(parts[:depth])
            nodes.setdefault(key, Node(key, parts[depth - 1], parent))
            parent = key
    return Tree(nodes.values())


def path_id(path: str, separator: str = PATH_SEPARATOR) -> str:
    """The id that ``tree_from_paths`` gives the last category of ``path``."""
    return PATH_SEPARATOR.join(path_parts(path, separator))


def path_parts(path: str, separator: str = PATH_SEPARATOR) -> list[str]:
    """The names on a path, stripped; TreeError when one of them, or all, are empty."""
    parts = [" ".join(part.split()) for part in path.split(separator.strip() or separator)]
    if not all(parts):
        raise TreeError(
            f"category path {path!r}: a part is empty; expected names between {separator!r}, "
            "such as 'Apparel > Tops > Shirts'"
        )
    return parts


def _read_csv(file: Path, wanted: Sequence[str]) -> list[Column]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            stream.seek(0)
            delimiter = max(",;\t", key=header.count)
            rows = [
                row for row in csv.reader(stream, delimiter=delimiter) if any(cell.strip() for cell in row)
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not readable as CSV in UTF-8 ({error}); save it again as UTF-8") from error
    found = [cell.strip() for cell in rows[0]] if rows else []
    _check_columns(file, wanted, found)
    at = [found.index(column) for column in wanted]
    return [[row[i].strip() if i < len(row) else None for row in rows[1:]] for i in at]


def _read_parquet(file: Path, wanted: Sequence[str]) -> list[Column]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check_columns(file, wanted, pq.read_schema(file).names)
        table = pq.read_table(file, columns=list(wanted))
    except pa.ArrowInvalid as error:
        raise DataError(f"{file}: not readable as parquet ({error}); write it again, or use CSV") from error
    return [[_text(value) for value in table.column(column).to_pylist()] for column in wanted]


def _check_columns(file: Path, wanted: Sequence[str], found: Sequence[str]) -> None:
    missing = [column for column in wanted if column not in found]
    if missing:
        hints = "".join(nearest(column, found) for column in missing)
        raise DataError(
            f"{file}: missing columns {', '.join(missing)}; expected {', '.join(wanted)}, "
            f"found {', '.join(found) or 'none'}.{hints} Name the columns that hold them."
        )


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)


def _through_floats(values: Column) -> bool:
    # only when all ids and parents are whole numbers: '1.0' beside '1.1' is an id of its own
    return all(_WHOLE.fullmatch(v) for v in values if v and v.casefold() not in _NO_PARENT)

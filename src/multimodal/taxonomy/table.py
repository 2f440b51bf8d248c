"""Reads the nodes of a tree from a table with one row a category: CSV, parquet, or a flat list in JSON."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

from multimodal.errors import DataError, TreeError, nearest
from multimodal.taxonomy.tree import Node

Column = list[str | None]

_WHOLE = re.compile(r"-?\d+(\.0*)?")
_NOTHING = frozenset({"", "nan", "none", "null"})
_ZEROS = frozenset({"0", "0.0"})


def csv_nodes(file: Path, text: str, wanted: Sequence[str]) -> list[Node]:
    """The nodes of a CSV text with a header; comma, semicolon or tab.

    Args:
        file: what messages call the table.
        wanted: names of the columns of ids, names and parents.

    Raises:
        DataError: no CSV, or a column is missing.
        TreeError: a row without an id or a name.
    """
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        cells = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows = [row for row in cells if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{file}: not readable as CSV ({error}); expected quotes in pairs, save it again") from error
    found = [cell.strip() for cell in rows[0]] if rows else []
    _check_columns(file, wanted, found)
    at = [found.index(column) for column in wanted]
    return row_nodes([[row[i].strip() if i < len(row) else None for row in rows[1:]] for i in at], wanted)


def parquet_nodes(file: Path, wanted: Sequence[str]) -> list[Node]:
    """The nodes of a parquet file; errors as ``csv_nodes``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check_columns(file, wanted, pq.read_schema(file).names)
        table = pq.read_table(file, columns=list(wanted))
    except pa.ArrowInvalid as error:
        raise DataError(f"{file}: not readable as parquet ({error}); write it again, or use CSV") from error
    return row_nodes([[cell_text(value) for value in table.column(column).to_pylist()] for column in wanted], wanted)


def row_nodes(columns: Sequence[Column], labels: Sequence[str]) -> list[Node]:
    """Nodes from three columns: ids, names, parents. ``labels`` is what messages call them.

    Ids of a column of numbers that went through floats (``1001.0``) become whole numbers again. Which rows
    are roots is told in ``_rooted``.

    Raises:
        TreeError: a row without an id or a name.
    """
    ids, names, parents = columns
    if _through_floats([*ids, *parents]):
        ids, parents = ([value and value.partition(".")[0] for value in column] for column in (ids, parents))
    nodes = []
    for row, (key, title, parent) in enumerate(zip(ids, names, parents, strict=True), start=1):
        if not key or not (title and title.strip()):
            what = labels[0] if not key else labels[1]
            raise TreeError(f"row {row} has no {what!r}; expected a value in each row, fill it in")
        nodes.append(Node(key, title.strip(), _parent(parent)))
    return _rooted(nodes)


def cell_text(value: object) -> str | None:
    """A cell as text; None for null and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)


def _parent(value: str | None) -> str | None:
    if value is None or value.casefold() in _NOTHING:
        return None
    return "0" if value in _ZEROS else value


def _rooted(nodes: list[Node]) -> list[Node]:
    """Settles what the parents that are no categories mean.

    Without a row of id 0, a parent of 0 is no parent. A row of id 0 that is the only root is left out: it
    is the whole shop, and its children become the roots. Beside other roots it is a category like others,
    as where ids count from 0.
    """
    zeros = [node for node in nodes if node.id == "0"]
    if not zeros:
        return _virtual_root(_as_roots(nodes, "0"))
    if len(zeros) > 1 or zeros[0].parent_id not in {None, "0"}:
        return nodes
    others = [node for node in nodes if node.id != "0"]
    if others and all(node.parent_id is not None for node in others):
        return _as_roots(others, "0")
    return [Node("0", node.name, None) if node.id == "0" else node for node in nodes]


def _virtual_root(nodes: list[Node]) -> list[Node]:
    """Where no row is a root and all the missing parents are one and the same, that one is the root of all.

    Several missing parents, or one beside true roots, may be lost rows: they stay, to be complained of.
    """
    missing = {node.parent_id for node in nodes} - {node.id for node in nodes}
    if len(missing) != 1:
        return nodes
    (virtual,) = missing
    return nodes if virtual is None else _as_roots(nodes, virtual)


def _as_roots(nodes: list[Node], parent: str) -> list[Node]:
    return [Node(node.id, node.name, None) if node.parent_id == parent else node for node in nodes]


def _check_columns(file: Path, wanted: Sequence[str], found: Sequence[str]) -> None:
    missing = [column for column in wanted if column not in found]
    if missing:
        hints = "".join(nearest(column, found) for column in missing)
        raise DataError(
            f"{file}: missing columns {', '.join(missing)}; expected {', '.join(wanted)}, "
            f"found {', '.join(found) or 'none'}.{hints} Name the columns that hold them."
        )


def _through_floats(values: Column) -> bool:
    # only when all ids and parents are whole numbers: '1.0' beside '1.1' is an id of its own
    return all(_WHOLE.fullmatch(v) for v in values if v and v.casefold() not in _NOTHING)

"""Reads the nodes of a tree from a table with one row a category: CSV, parquet, or a flat list in JSON."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

from multimodal.csv_reading import BLANK, DELIMITERS, CsvRows
from multimodal.errors import DataError, TreeError, nearest
from multimodal.taxonomy.spellings import IDS, NAMES, PARENTS, spelt
from multimodal.taxonomy.tree import Node

Column = list[str | None]

_WHOLE = re.compile(r"-?\d+(\.0*)?")
_NOTHING = frozenset({"", "nan", "none", "null"})
_ZEROS = frozenset({"0", "0.0"})


def csv_nodes(file: Path, text: str, wanted: Sequence[str]) -> list[Node]:
    """The nodes of a CSV text with a header; comma, semicolon or tab.

    Args:
        file: what messages call the table.
        wanted: names of the columns of ids, names and parents; where a usual one is not there, another usual
            spelling is taken.

    Raises:
        DataError: no CSV, a quote that does not close, a column that is missing or stands there twice.
        TreeError: a row without an id or a name.
    """
    header = next((line for line in text.splitlines() if line.strip(BLANK)), "")
    delimiter = max(DELIMITERS, key=header.count)
    table = CsvRows(io.StringIO(text, newline=""), delimiter)
    try:
        found = [cell.strip() for cell in table.header()]
    except csv.Error as error:
        raise DataError(f"{file}: the header is no CSV ({error}); expected quotes in pairs, save it again") from None
    rows: list[list[str]] = []
    for cells in table.rows(len(found)):
        if isinstance(cells, csv.Error):
            raise DataError(f"{file}: row {len(rows) + 1} is no CSV ({cells}); expected quotes in pairs, close them")
        if any(cell.strip() for cell in cells):
            rows.append(cells)
    there = _columns(file, wanted, found)
    at = [found.index(column) for column in there]
    return row_nodes([[row[i].strip() if i < len(row) else None for row in rows] for i in at], there)


def parquet_nodes(file: Path, wanted: Sequence[str]) -> list[Node]:
    """The nodes of a parquet file; errors as ``csv_nodes``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        there = _columns(file, wanted, pq.read_schema(file).names)
        table = pq.read_table(file, columns=there)
    except pa.ArrowInvalid as error:
        raise DataError(f"{file}: not readable as parquet ({error}); write it again, or use CSV") from error
    return row_nodes([[cell_text(value) for value in table.column(column).to_pylist()] for column in there], there)


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

    Without a row of id 0, a parent of 0 is no parent. With one, see ``without_shop``.
    """
    zeros = [node for node in nodes if node.id == "0"]
    if not zeros:
        return _virtual_root(_as_roots(nodes, "0"))
    if len(zeros) > 1 or zeros[0].parent_id not in {None, "0"}:
        return nodes
    return without_shop([Node("0", node.name, None) if node.id == "0" else node for node in nodes])


def without_shop(nodes: list[Node]) -> list[Node]:
    """``nodes`` less the one of id 0, where it is the only root: it is the whole shop, its children are the roots.

    Beside other roots, below another node or alone it is a category like others, as where ids count from 0.
    """
    others = [node for node in nodes if node.id != "0"]
    only = len(nodes) - len(others) == 1 and all(node.parent_id is not None for node in others)
    return _as_roots(others, "0") if only and others else nodes


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


def _columns(file: Path, wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """The columns of ids, names and parents; a name that someone chose for themselves has no other spelling."""
    there = [
        next((one for one in (spelt(asked, usual) if asked in usual else (asked,)) if one in found), asked)
        for asked, usual in zip(wanted, (IDS, NAMES, PARENTS), strict=True)
    ]
    missing = [column for column in there if column not in found]
    if missing:
        hints = "".join(nearest(column, found) for column in missing)
        raise DataError(
            f"{file}: missing columns {', '.join(missing)}; expected {', '.join(wanted)}, "
            f"found {', '.join(found) or 'none'}.{hints} Name the columns that hold them."
        )
    repeated = [f"{name!r} {count} times" for name in there if (count := found.count(name)) > 1]
    if repeated:
        raise DataError(f"{file}: got the column {' and '.join(repeated)}, expected each name once; rename the others")
    return there


def _through_floats(values: Column) -> bool:
    # only when all ids and parents are whole numbers: '1.0' beside '1.1' is an id of its own
    return all(_WHOLE.fullmatch(v) for v in values if v and v.casefold() not in _NOTHING)

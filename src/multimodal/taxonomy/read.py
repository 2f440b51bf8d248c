"""Reads a tree from a file, whichever of the usual forms it is written in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from multimodal.errors import DataError, TreeError
from multimodal.taxonomy.forms import form_of, is_parquet
from multimodal.taxonomy.google import google_nodes
from multimodal.taxonomy.nested import json_nodes
from multimodal.taxonomy.table import csv_nodes, parquet_nodes
from multimodal.taxonomy.tree import Node, Tree

FormName = Literal["auto", "table", "google", "json"]


def read_tree(
    path: str | Path, *, id: str = "id", name: str = "title", parent_id: str = "parent_id", format: FormName = "auto"
) -> Tree:
    """Reads a tree from a table (CSV or parquet), Google's taxonomy text, or JSON; text is in UTF-8.

    A table has one row a category. A parent of 0, nothing, null or NaN makes a root, and so does one that
    is no category where all the top categories share it and no row is a root. A row for the implicit root
    itself (id 0, the only one without a parent) is left out. Ids are strings inside; a column of numbers
    that went through floats (``1001.0``) is read as whole numbers. ``google_nodes`` and ``json_nodes`` tell
    of the other forms.

    Args:
        path: the file.
        id, name, parent_id: names of a table's columns, or of keys in JSON. Where a usual one is not there,
            another usual spelling is taken: ``name`` or ``label`` for ``title``, say.
        format: the form; ``auto`` finds it by the content and the suffix.

    Raises:
        DataError: the file is missing, unreadable, of no known form, or lacks a column.
        TreeError: what it holds is no tree.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(
            f"{file}: no such file; expected a table of categories (CSV, parquet), Google's taxonomy text or JSON"
        )
    try:
        return Tree(_nodes(file, (id, name, parent_id), format))
    except TreeError as error:
        raise TreeError(f"{file}: {error.message}") from None


def _nodes(file: Path, wanted: tuple[str, str, str], format: FormName) -> list[Node]:
    if format in {"auto", "table"} and is_parquet(file):
        return parquet_nodes(file, wanted)
    text = _text(file)
    form = form_of(file, text, wanted) if format == "auto" else format
    if form == "table":
        return csv_nodes(file, text, wanted)
    return google_nodes(text) if form == "google" else _json(file, text, wanted)


def _json(file: Path, text: str, wanted: tuple[str, str, str]) -> list[Node]:
    try:
        return json_nodes(text, *wanted)
    except DataError as error:
        raise DataError(f"{file}: {error.message}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not readable as text in UTF-8 ({error}); save it again as UTF-8") from error

"""Tells which form a file of categories is written in, from its content first and its name second."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from multimodal.errors import DataError
from multimodal.taxonomy.google import COMMENT, ID_LINE

Form = Literal["table", "google", "json"]

_PARQUET = frozenset({".parquet", ".pq"})
_TABLES = frozenset({".csv", ".tsv"})
_DELIMITERS = ",;\t"


def is_parquet(file: Path) -> bool:
    """Whether a file is parquet by its first bytes or its name."""
    with file.open("rb") as stream:
        return stream.read(4) == b"PAR1" or file.suffix.lower() in _PARQUET


def form_of(file: Path, text: str, columns: Collection[str]) -> Form:
    """The form of a text file.

    JSON starts with a bracket. Google's text starts with a comment or a numbered line, or has a path in
    it. A table has one of ``columns`` in its header, or is called ``.csv`` or ``.tsv``.

    Raises:
        DataError: it looks like none of them.
    """
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    if first[:1] in {"[", "{"} or file.suffix.lower() == ".json":
        return "json"
    if first.startswith(COMMENT) or ID_LINE.fullmatch(first):
        return "google"
    if file.suffix.lower() in _TABLES or _cells(first) & set(columns):
        return "table"
    if " > " in text:
        return "google"
    raise DataError(
        f"{file}: no known form of a tree: the first line is {first[:80]!r}; expected a table whose header has the "
        f"columns {', '.join(columns)}, Google's text (lines such as 'Animals > Live Animals'), or JSON. "
        "Name the form: table, google or json (in a configuration tree.format)"
    )


def _cells(line: str) -> set[str]:
    delimiter = max(_DELIMITERS, key=line.count)
    return {cell.strip().strip('"') for cell in line.split(delimiter)}

"""Reads products from JSON: an array of objects, an object with one list inside, or an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from multimodal.data.columns import ResolvedColumns
from multimodal.data.json_values import BrokenRow, Item, json_array, json_lines
from multimodal.data.rows import RowRules
from multimodal.data.text_file import open_bytes, until_damage
from multimodal.data.values import Unreadable
from multimodal.errors import DataError
from multimodal.types import Product, RowError

SAMPLED = 1000
"""Rows whose names make the columns of a file."""
_FIRST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class JsonReader:
    """A ``Reader`` of one JSON file in UTF-8; values keep their types, names that a row lacks are null there.

    Attributes:
        lines: an object a line instead of an array.
    """

    file: Path
    rules: RowRules
    lines: bool

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> None:
        return None

    def __iter__(self) -> Iterator[Product | RowError]:
        names = self.columns.present()
        for row, item in enumerate(_items(self.file, self.lines)):
            if isinstance(item, BrokenRow):
                yield self.rules.error(None, row, item.code, item.message)
            else:
                yield self.rules.build({field: _value(item.get(name)) for field, name in names.items()}, row)


def json_columns(file: Path, lines: bool) -> list[str]:
    """The names in the first thousand objects of a file, in the order they come.

    Raises:
        DataError: no such file, an empty or damaged one, or one without objects.
    """
    names: dict[str, None] = {}
    first_fault = ""
    for item in islice(_items(file, lines), SAMPLED):
        if isinstance(item, BrokenRow):
            first_fault = first_fault or item.message
        else:
            names.update(dict.fromkeys(item))
    if not names:
        what = "one object of names and values a line" if lines else "an array of objects"
        raise DataError(f"{file}: {first_fault or 'got no products'}; expected {what}")
    return list(names)


def has_object_lines(file: Path) -> bool:
    """Whether a file named ``.json`` holds an object a line: its first line is one, and another one starts."""
    with open_bytes(file) as stream:
        try:
            first = stream.readline(_FIRST_LINE)
            rest = stream.read(_FIRST_LINE).lstrip()
            return rest[:1] == b"{" and isinstance(json.loads(first.decode("utf-8-sig")), dict)
        except (OSError, EOFError, ValueError, RecursionError):
            return False  # the reader will say what is wrong


def _items(file: Path, lines: bool) -> Iterator[Item]:
    return until_damage(file, json_lines(file) if lines else json_array(file))


def _value(value: object) -> object:
    if isinstance(value, str) and not value.isascii() and any("\udc80" <= sign <= "\udcff" for sign in value):
        return Unreadable(f"got bytes that are no UTF-8 in {value.encode('ascii', 'replace')[:60]!r}")
    return value

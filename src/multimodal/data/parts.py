"""Several files read as one: what a pattern such as ``parts/*.parquet`` names."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from multimodal.config.patterns import matching
from multimodal.data.columns import ResolvedColumns
from multimodal.data.json_file import JsonReader
from multimodal.data.rows import RowRules, TableReader
from multimodal.errors import DataError, nearest
from multimodal.types import Product, RowError

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class PartsReader:
    """A ``Reader`` of one file after another; rows are counted on from file to file."""

    parts: tuple[TableReader, ...]
    rules: RowRules

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> int | None:
        counts = [part.count() for part in self.parts]
        return sum(count for count in counts if count is not None) if None not in counts else None

    def __iter__(self) -> Iterator[Product | RowError]:
        row = 0
        for part in self.parts:
            rules = replace(part.rules, columns=self.columns)  # a join reads fewer than the file has
            for item in replace(part, rules=rules):  # type: ignore[type-var]
                yield replace(item, row=row) if isinstance(item, RowError) else item
                row += 1


def is_pattern(path: str) -> bool:
    """Whether a path stands for the files that match it: it has ``*``, ``?`` or ``[`` in it, and is no file itself."""
    return glob.has_magic(path) and not Path(path).exists()


def files_of(path: str) -> list[Path]:
    """The files that a path names, those of a pattern sorted.

    Raises:
        DataError: a pattern that matches no file.
    """
    if not is_pattern(path):
        return [Path(path)]
    found = [Path(name) for name in matching(path)]
    files = [file for file in found if file.is_file()]
    if not files:
        raise DataError(f"{path}: matches no file, expected one or more; {_instead(path)}")
    return files


def together(path: str, parts: Sequence[TableReader]) -> TableReader:
    """``parts`` as one reader.

    Raises:
        DataError: a part has other columns than the first one; of JSON, other columns among those used.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        _check_alike(first, part)
    return PartsReader(tuple(parts), replace(first.rules, origin=path))


def _check_alike(first: TableReader, part: TableReader) -> None:
    if isinstance(part, JsonReader):  # a name that no row has a value for may be left out of it
        expected, found = set(first.columns.present().values()), set(part.columns.present().values())
        alike = first.columns == part.columns
    else:
        expected, found = set(first.rules.found), set(part.rules.found)
        alike = expected == found
    if alike and type(part) is type(first):
        return
    lacking, more = ", ".join(sorted(expected - found)), ", ".join(sorted(found - expected))
    differs = "; ".join(f"{what} {names}" for what, names in (("lacks", lacking), ("also has", more)) if names)
    raise DataError(
        f"{part.rules.origin}: has other columns than {first.rules.origin} ({differs or 'another format'}), expected "
        "the same in each part; write the part again, or list it as a source of its own"
    )


def _instead(path: str) -> str:
    folder = Path(path)
    while glob.has_magic(str(folder)) or not folder.is_dir():
        folder = folder.parent
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if not names:
        return f"{folder} is empty, check the path"
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return f"{folder} holds {shown}.{nearest(Path(path).name, names)} Correct the pattern"

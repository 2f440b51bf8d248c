"""Folders of photos: with one folder a class, or described by metadata files beside the photos."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from multimodal.data.columns import ResolvedColumns
from multimodal.data.rows import RowRules
from multimodal.errors import DataError
from multimodal.types import ImageRef, Product

_NO_PHOTOS = frozenset({"thumbs.db", "desktop.ini"})
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that name the photos below their own folder in a column ``file_name``."""
_TABLES = frozenset({".parquet", ".pq", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xlsx"})
_UNFINISHED = ".part"
"""How a file ends that is being written, perhaps by the command that reads the folder."""
_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test"})
FOLDER_COLUMNS = ResolvedColumns(id="file", image="file", category_id="folder")


@dataclass(frozen=True, slots=True)
class FolderReader:
    """A ``Reader`` of photos, sorted by path; nothing is opened before it is decoded.

    A photo's id is its path below the folder, its label the name of the first folder on that path.
    Hidden files, tables and files that are being written are left out: answers may be written beside the photos.
    Any other file is a photo, whatever its suffix.
    """

    file: Path
    rules: RowRules

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> int:
        return sum(1 for _ in _photos(self.file))

    def __iter__(self) -> Iterator[Product]:
        for path in _photos(self.file):
            below = path.relative_to(self.file)
            label = below.parts[0] if len(below.parts) > 1 and self.columns.has_label else None
            yield Product(id=below.as_posix(), image=ImageRef(path=str(path)), category_id=label)


def has_class_folders(root: Path) -> bool:
    """Whether a folder holds folders that are not hidden."""
    return any(entry.is_dir() and not entry.name.startswith(".") for entry in root.iterdir())


def metadata_files(root: Path) -> list[Path]:
    """The metadata files at ``root`` and below it, sorted.

    Raises:
        DataError: they stand in folders named like several splits, of which one is to be named.
    """
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder) / name for name in METADATA if name in files]
    _check_one_split(root, {file.relative_to(root).parts[0] for file in found})
    return found


def check_photo_folder(root: Path, *, labelled: bool) -> None:
    """Refuses a folder that is meant for something else than one folder of photos a class.

    Raises:
        DataError: it holds parts of a table; or its folders are named like splits, of which one is to be named.
    """
    entries = [entry for entry in root.iterdir() if not entry.name.startswith(".")]
    tables = sorted(entry.name for entry in entries if entry.suffix.casefold() in _TABLES)
    if tables and not any(entry.is_dir() or _may_be_photo(entry.name) for entry in entries):
        pattern = root / f"*{Path(tables[0]).suffix}"
        raise DataError(
            f"{root}: got a folder with {tables[0]} in it, expected photos; name a table in parts by its pattern, "
            f"{pattern}"
        )
    if labelled:
        _check_one_split(root, {entry.name for entry in entries if entry.is_dir()})


def _check_one_split(root: Path, folders: set[str]) -> None:
    splits = sorted(name for name in folders if name.casefold() in _SPLITS)
    if len(splits) > 1:
        named = ", ".join(splits)
        raise DataError(f"{root}: holds several splits ({named}), expected one; name its folder, {root / splits[0]}")


def _photos(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if _may_be_photo(name):
                yield Path(folder) / name


def _may_be_photo(name: str) -> bool:
    suffix = Path(name).suffix.casefold()
    return not name.startswith(".") and name.casefold() not in _NO_PHOTOS and suffix not in {*_TABLES, _UNFINISHED}

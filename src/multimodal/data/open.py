"""Opens the one file, folder or drawing board that a source names, with its columns resolved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data.columns import FIELDS, INPUT_FIELDS, ResolvedColumns, guess_columns
from multimodal.data.csv_file import CsvReader, csv_columns
from multimodal.data.folder import FOLDER_COLUMNS, FolderReader, has_class_folders
from multimodal.data.parquet import ParquetReader, check_image_column, parquet_columns
from multimodal.data.rows import RowRules
from multimodal.errors import DataError
from multimodal.protocols import Reader
from multimodal.types import Product, RowError

Format = Literal["parquet", "csv", "folder"]
_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv",
}  # fmt: skip


class TableReader(Reader, Protocol):
    """A reader that knows which column held which field."""

    @property
    def rules(self) -> RowRules: ...

    @property
    def columns(self) -> ResolvedColumns: ...


@dataclass(frozen=True, slots=True)
class DrawingsReader:
    """A ``Reader`` of products drawn by the built-in sample catalog."""

    products: int
    seed: int
    rules: RowRules

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> int:
        return self.products

    def __iter__(self) -> Iterator[Product | RowError]:
        from multimodal.data.sample import draw_products

        return iter(draw_products(self.products, self.seed))


def open_reader(source: SourceConfig, *, labelled: bool) -> TableReader:
    """Opens a source's own file as a reader with one item a row; join, map and share are not applied.

    Args:
        labelled: whether the category is read; then a column of it must be there.

    Raises:
        DataError: no such file, an unknown format, an asked-for column that is not there, no usable input.
    """
    if source.format == "drawings":
        columns = ResolvedColumns(**{name: name for name in FIELDS if name != "category_path"})
        return DrawingsReader(source.products or 0, source.seed, RowRules("drawings", columns, Path()))
    reader = open_table(source, source.path or "", source.columns, labelled=labelled)
    if source.join is None:
        require_columns(source.path or "", reader.columns, reader.rules.found, labelled=labelled)
    return reader


def open_table(
    source: SourceConfig, path: str, columns: ColumnMap, *, labelled: bool, joined: bool = False
) -> TableReader:
    """Opens ``path`` with what ``source`` says of it; ``joined`` files have a format of their own."""
    file = Path(path)
    if not file.exists():
        raise DataError(f"{file}: no such file or folder; expected a parquet or CSV file, or a folder of photos")
    kind = _format(file, "auto" if joined else source.format)
    if kind == "folder":
        return _open_folder(file, columns, labelled)
    found = parquet_columns(file) if kind == "parquet" else csv_columns(file)
    try:
        resolved = guess_columns(found, columns)
    except DataError as error:
        raise DataError(f"{file}: {error.message}") from None
    if not resolved.present():
        raise DataError(f"{file}: {_no_input(found)}")
    if not labelled:
        resolved = replace(resolved, category_id=None, category_path=None)
    if kind == "parquet" and resolved.image is not None and not joined:
        check_image_column(file, resolved.image)
    root = Path(source.images_root) if source.images_root is not None else file.parent
    rules = RowRules(str(file), resolved, root, source.path_separator, tuple(found))
    return ParquetReader(file, rules) if kind == "parquet" else CsvReader(file, rules)


def require_columns(path: str, columns: ResolvedColumns, found: Sequence[str], *, labelled: bool) -> None:
    """Raises DataError without any input, or without the category where one is needed."""
    if not columns.has_input:
        raise DataError(f"{path}: {_no_input(found)}")
    if labelled and not columns.has_label:
        raise DataError(
            f"{path}: no column of categories; expected one such as category_id or category_path, found "
            f"{', '.join(found) or 'no columns'}. Name it in columns.category_id or columns.category_path."
        )


def _no_input(found: Sequence[str]) -> str:
    return (
        f"no usable input; expected a column of at least one of {', '.join(INPUT_FIELDS)}, found "
        f"{', '.join(found) or 'no columns'}. Name the columns in 'columns', for example columns.title."
    )


def _format(file: Path, asked: str) -> Format:
    if asked == "folder" or (asked == "auto" and file.is_dir()):
        if not file.is_dir():
            raise DataError(f"{file}: got a file, expected a folder of photos; give its format as parquet or csv")
        return "folder"
    if asked in {"parquet", "csv"}:
        return "parquet" if asked == "parquet" else "csv"
    if file.suffix.lower() not in _SUFFIXES:
        raise DataError(
            f"{file}: got the suffix {file.suffix!r}, expected one of {', '.join(_SUFFIXES)} or a folder; "
            "name its format: parquet or csv"
        )
    return _SUFFIXES[file.suffix.lower()]


def _open_folder(file: Path, columns: ColumnMap, labelled: bool) -> FolderReader:
    unlabelled = replace(FOLDER_COLUMNS, category_id=None)
    if labelled and columns.category_id != "":
        if not has_class_folders(file):
            raise DataError(f"{file}: got no folders inside, expected one a class with its photos; sort them so")
        unlabelled = FOLDER_COLUMNS
    reader = FolderReader(file, RowRules(str(file), unlabelled, file))
    if next(iter(reader), None) is None:
        raise DataError(f"{file}: got a folder without photos; expected files in it, check the path")
    return reader

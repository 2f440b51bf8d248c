"""Opens the file, files, folder or drawing board that a source names, with its columns resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data.columns import INPUT_FIELDS, ResolvedColumns, guess_columns, refuse_columns
from multimodal.data.csv_file import CsvReader, csv_columns
from multimodal.data.drawings import open_drawings
from multimodal.data.folder import (
    FOLDER_COLUMNS,
    METADATA,
    FolderReader,
    check_photo_folder,
    has_class_folders,
    metadata_files,
)
from multimodal.data.formats import EXPECTED, Format, format_of
from multimodal.data.idx_file import IDX_COLUMNS, open_idx
from multimodal.data.json_file import JsonReader, json_columns
from multimodal.data.parquet import ParquetReader, check_image_column, parquet_columns
from multimodal.data.parts import files_of, is_pattern, together
from multimodal.data.photos import PhotoPlace, photo_place
from multimodal.data.rows import RowRules, TableReader
from multimodal.errors import DataError
from multimodal.types import Product

_TRIED = 200
"""First rows of which one must have a photo of its id."""


def open_reader(source: SourceConfig, *, labelled: bool) -> TableReader:
    """Opens a source's own files as a reader with one item a row; join, map and share are not applied.

    Args:
        labelled: whether the category is read; then a column of it must be there.

    Raises:
        DataError: no such file, an unknown format, parts that differ, an asked-for column that is not there,
            no usable input.
    """
    if source.format == "drawings":
        return open_drawings(source)
    reader = open_table(source, source.path or "", source.columns, labelled=labelled)
    if source.join is None:
        require_columns(source.path or "", reader.columns, reader.rules.found, labelled=labelled)
    return reader


def open_table(
    source: SourceConfig, path: str, columns: ColumnMap, *, labelled: bool, joined: bool = False
) -> TableReader:
    """Opens ``path`` with what ``source`` says of it; ``joined`` files have a format of their own."""
    files, asked = files_of(path), "auto" if joined else source.format
    if not files[0].exists():
        raise DataError(f"{path}: no such file or folder; expected {EXPECTED}")
    if not is_pattern(path) and format_of(files[0], asked) == "folder":
        files = metadata_files(files[0])
        if not files:
            return _open_folder(Path(path), columns, labelled)
        if columns.image is None:
            columns = columns.model_copy(update={"image": "file_name"})
        asked = "auto"
    if format_of(files[0], asked) == "idx":
        return together(path, _open_idx(files, columns, labelled))
    parts = [_open_file(source, file, format_of(file, asked), columns, labelled, joined) for file in files]
    return together(path, parts)


def table_columns(file: Path) -> list[str]:
    """Names of the columns of a table, whichever they are.

    Raises:
        DataError: no table in a known format, or a name that stands there twice.
    """
    return _columns(file, format_of(file, "auto"))


def require_columns(path: str, columns: ResolvedColumns, found: Sequence[str], *, labelled: bool) -> None:
    """Raises DataError without any input, or without the category where one is needed."""
    if not columns.has_input:
        raise DataError(f"{path}: {_no_input(found)}")
    if labelled and not columns.has_label:
        raise DataError(
            f"{path}: no column of categories; expected one such as category_id or category_path, found "
            f"{', '.join(found) or 'no columns'}. Name it: columns.category_id or columns.category_path in a "
            "configuration, --column category_id=NAME on the command line."
        )


def _open_file(
    source: SourceConfig, file: Path, kind: Format, columns: ColumnMap, labelled: bool, joined: bool
) -> TableReader:
    found = _columns(file, kind)
    try:
        resolved = guess_columns(found, columns)
    except DataError as error:
        raise DataError(f"{file}: {error.message}") from None
    if not resolved.present():
        raise DataError(f"{file}: {_no_input(found)}")
    if not labelled:
        resolved = replace(resolved, category_id=None, category_path=None)
    by_id = False
    if source.images_root is not None and not joined and columns.image is None and resolved.image is None:
        resolved, by_id = _by_id(file, resolved), True
    own = source.images_root is None or joined or resolved.image is None
    root = file.parent if own else Path(str(source.images_root))
    photos = photo_place(root, by_id=by_id)
    if kind == "parquet" and resolved.image is not None and not joined and not photos.takes_names:
        check_image_column(file, resolved.image)
    reader = _reader(file, kind, RowRules(str(file), resolved, photos, source.path_separator, tuple(found)))
    if by_id:
        _check_some_photo(reader)
    return reader


def _columns(file: Path, kind: Format) -> list[str]:
    if kind in {"json", "jsonl"}:
        return json_columns(file, kind == "jsonl")
    return parquet_columns(file) if kind == "parquet" else csv_columns(file)


def _reader(file: Path, kind: Format, rules: RowRules) -> TableReader:
    if kind in {"json", "jsonl"}:
        return JsonReader(file, rules, kind == "jsonl")
    return ParquetReader(file, rules) if kind == "parquet" else CsvReader(file, rules)


def _by_id(file: Path, columns: ResolvedColumns) -> ResolvedColumns:
    if columns.id is None:
        raise DataError(
            f"{file}: images_root is set, but there is neither a column of photos nor one of ids to find them by; "
            'name it in columns.image or columns.id, or set columns.image to "" to go without photos'
        )
    return replace(columns, image=columns.id)


def _check_some_photo(reader: TableReader) -> None:
    """Raises DataError when no row of the first ones has a photo: then ids and photos do not belong together."""
    first = [item for item in islice(reader, _TRIED) if isinstance(item, Product)]
    if not first or any(item.image is not None for item in first):
        return
    place = reader.rules.photos
    raise DataError(
        f"{reader.rules.origin}: none of the first {len(first)} ids has a photo in {place.root}, expected files such "
        f"as {first[0].id}.jpg; name the photos by id, map columns.image, or leave images_root out"
    )


def _no_input(found: Sequence[str]) -> str:
    return (
        f"no usable input; expected a column of at least one of {', '.join(INPUT_FIELDS)}, found "
        f"{', '.join(found) or 'no columns'}. Say which holds what: columns.title in a configuration, "
        "--column title=NAME on the command line."
    )


def _open_idx(files: Sequence[Path], columns: ColumnMap, labelled: bool) -> list[TableReader]:
    """The readers of files of photos, whose numbers go on from file to file."""
    refuse_columns(files[0], columns, IDX_COLUMNS)
    read = labelled and columns.category_id != ""
    resolved = IDX_COLUMNS if read else replace(IDX_COLUMNS, category_id=None)
    parts: list[TableReader] = []
    first = 0
    for file in files:
        reader = open_idx(file, RowRules(str(file), resolved, PhotoPlace(file)), first)
        parts.append(reader)
        first += reader.count()
    return parts


def _open_folder(file: Path, columns: ColumnMap, labelled: bool) -> FolderReader:
    check_photo_folder(file, labelled=labelled)
    refuse_columns(file, columns, FOLDER_COLUMNS)
    resolved = replace(FOLDER_COLUMNS, category_id=None)
    if labelled and columns.category_id != "":
        if not has_class_folders(file):
            raise DataError(
                f"{file}: got no folders inside, expected one a class with its photos, or {METADATA[0]} beside the "
                "photos with the columns file_name and category_id; sort them so"
            )
        resolved = FOLDER_COLUMNS
    reader = FolderReader(file, RowRules(str(file), resolved, PhotoPlace(file)))
    if next(iter(reader), None) is None:
        raise DataError(f"{file}: got a folder without photos; expected files in it, check the path")
    return reader

"""Turns the Kaggle folder "Fashion Product Images" into splits with photos and a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from multimodal.data.errors_file import write_errors
from multimodal.data.groups import key_of
from multimodal.data.imports.divide import Divided, TitleKey, divide_rows
from multimodal.data.imports.download import check_download, check_out
from multimodal.data.imports.report import ImportReport, Steps, silent
from multimodal.data.imports.styles import Style, read_styles
from multimodal.data.imports.writer import IMAGE, SplitWriter, write_tree
from multimodal.errors import DataError
from multimodal.taxonomy import Node, Tree
from multimodal.types import RowError

ORIGIN = (
    "'Fashion Product Images (Small)' from https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-small"
)
FILES = ("styles.csv", "images/")
FIRST_ID = 1001

_SCHEMA = pa.schema(
    [
        ("id", pa.int64()), ("title", pa.string()), ("characteristics", pa.string()), ("category_id", pa.int64()),
        ("group", pa.string()), ("image", IMAGE),
    ]
)  # fmt: skip
_PHOTO_STEP = "Comparing photos"


def import_fashion_products(
    download: Path, out: Path, *, title_key: TitleKey, steps: Steps = silent
) -> ImportReport:
    """Writes train, val and test in parquet and ``categories_tree.csv`` under ``out``.

    Rows that share a title or a photo are one ``group`` and stay in one split. Categories are numbered from
    1001 in the order of their sorted paths, so the same set of categories gets the same ids. Photos are read
    one at a time, twice: to compare them, and to write them. A product without a photo keeps its text.

    Raises:
        DataError: the folder lacks a file, or no row of it can be used.
    """
    check_download(download, FILES, ORIGIN)
    check_out(out, download)
    styles, errors = _usable(list(read_styles(download / "styles.csv")), download / "images")
    if not styles:
        raise DataError(f"{download}: got no usable row in styles.csv, expected some; take the download as it is")
    ids = numbered(style.path for style in styles)
    divided = _divided(styles, download / "images", title_key, steps)
    out.mkdir(parents=True, exist_ok=True)
    without = 0
    with SplitWriter(out, _SCHEMA) as writer, steps("Writing", len(styles), "rows") as advance:
        for i, style in enumerate(styles):
            photo = _photo(download / "images", style)
            without += photo is None
            writer.write(divided.split[i], _record(style, ids[style.path], divided.group[i], photo))
            advance(i + 1)
    tree = Tree(Node(str(key), path[-1], str(ids[path[:-1]]) if path[1:] else None) for path, key in ids.items())
    return ImportReport(
        "fashion-products", out, write_tree(tree, out / "categories_tree.csv"), writer.files, writer.rows,
        len(tree), len(tree.leaves), len(errors), write_errors(errors, out / "errors.csv"),
        {"groups": divided.groups, "without_photo": without},
    )  # fmt: skip


def numbered(paths: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """Ids of all the categories on ``paths``: from 1001, in the order of the sorted paths."""
    steps = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
    return {path: number for number, path in enumerate(sorted(steps), start=FIRST_ID)}


def _usable(items: Sequence[Style | RowError], images: Path) -> tuple[list[Style], list[RowError]]:
    """Products in the order of the file, and errors: repeated ids and products with nothing to see too."""
    styles: dict[int, Style] = {}
    errors: list[RowError] = []
    for item in items:
        if isinstance(item, RowError):
            errors.append(item)
        elif item.id in styles:
            first = styles[item.id].row
            errors.append(_left_out(item, "duplicate_id", f"id {item.id} stands in row {first} before; kept the first"))
        elif item.title is None and _photo(images, item) is None:
            errors.append(_left_out(item, "nothing_usable", "got neither a title nor a photo, expected one of them"))
        else:
            styles[item.id] = item
    return list(styles.values()), errors


def _left_out(style: Style, code: str, message: str) -> RowError:
    return RowError(style.id, style.row, "read", code, f"styles.csv, row {style.row}: {message}")


def _divided(styles: Sequence[Style], images: Path, title_key: TitleKey, steps: Steps) -> Divided:
    keys: list[list[int]] = []
    with steps(_PHOTO_STEP, len(styles), "photos") as advance:
        for style in styles:
            keys.append(list(_keys(style, images, title_key)))
            advance(len(keys))
    return divide_rows(keys, [" > ".join(style.path) for style in styles])


def _keys(style: Style, images: Path, title_key: TitleKey) -> Iterator[int]:
    yield key_of("id", str(style.id))
    title = title_key(style.title) if style.title else ""
    if title:
        yield key_of("title", title)
    photo = _photo(images, style)
    if photo is not None:
        yield key_of("photo", photo)


def _photo(images: Path, style: Style) -> bytes | None:
    """The bytes of a product's photo; None where there is no file or nothing in it."""
    try:
        return (images / f"{style.id}.jpg").read_bytes() or None
    except FileNotFoundError:
        return None


def _record(style: Style, category: int, group: str, photo: bytes | None) -> dict[str, object]:
    return {
        "id": style.id, "title": style.title, "characteristics": style.characteristics, "category_id": category,
        "group": group, "image": None if photo is None else {"bytes": photo, "path": f"{style.id}.jpg"},
    }  # fmt: skip

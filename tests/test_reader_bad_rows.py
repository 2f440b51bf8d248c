"""The same bad rows in every form: each costs what it must, alone, and the same whatever it is read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import multimodal
import photos
from multimodal.config.models import SourceConfig
from multimodal.data import check_labels, read_source
from multimodal.errors import ImageError
from multimodal.image import ImageKitchen
from multimodal.types import Product, RowError
from reader_sources import data_url, write_csv, write_json, write_lines

NAN = float("nan")
GOOD = photos.encoded()
PHOTOS: dict[str, bytes | None] = {
    "good": GOOD,
    "truncated": photos.encoded(photos.noise())[:2000],
    "empty": b"",
    "no_photo": b"<html>404</html>",
    "mislabelled": photos.encoded(kind="PNG"),
    "huge": photos.png_with_size(60_000, 60_000),
    "heavy": GOOD + b"\0" * 10_000_001,
    "none": None,
}
ROWS: tuple[tuple[Any, Any, str, Any], ...] = (
    (1, "shirt", "good", "leaf"),
    (2, "shirt", "truncated", "leaf"),
    (3, "shirt", "empty", "leaf"),
    (4, "shirt", "no_photo", "leaf"),
    (5, "shirt", "mislabelled", "leaf"),
    (6, NAN, "good", "leaf"),
    (7, None, "good", "leaf"),
    (8, 501, "none", "leaf"),
    (None, None, "none", None),
    (1, "again", "good", "leaf"),
    (9, "shirt", "good", "leef"),
    (10, "shirt", "huge", "leaf"),
    (11, "shirt", "heavy", "leaf"),
    (12, "x" * 1001, "good", "leaf"),
    (13, "\x01\x02", "good", "leaf"),
    (14, "last", "good", "leaf"),
)
"""id, title, photo, category"""
TITLES = [*["shirt"] * 5, None, None, "501", "unlabelled", "duplicate_id", "unknown_category",
          "shirt", "shirt", "x" * 1001, "\x01\x02", "last"]  # fmt: skip
SEEN = [
    "ok", "image_truncated", "image_empty", "image_unreadable", "ok", "ok", "ok", None, None, None, None,
    "image_too_many_pixels", "image_too_large_bytes", "ok", "ok", "ok",
]  # fmt: skip
ANSWERED = [
    "fused", "text", "text", "text", "fused", "image", "image", "text", "unlabelled", "duplicate_id",
    "unknown_category", "text", "text", "title_too_long", "image", "fused",
]  # fmt: skip
"""What answers each row, or why there is no answer."""

Form = Callable[[Path], SourceConfig]


def rows(photo: Callable[[int, str], Any], column: str = "image") -> list[dict[str, Any]]:
    """The rows as objects, the photo as ``photo`` gives it for a row and a kind."""
    return [
        {"id": id, "title": title, column: photo(row, kind), "category_id": category}
        for row, (id, title, kind, category) in enumerate(ROWS)
    ]


def as_text(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the types that a column of texts cannot hold."""
    return [{n: None if v is None or v != v else str(v) for n, v in row.items()} for row in table]


def files(folder: Path) -> Callable[[int, str], str | None]:
    """Writes photos as files and gives their names; every name says JPEG."""

    def name(row: int, kind: str) -> str | None:
        data = PHOTOS[kind]
        if data is None:
            return None
        (folder / f"{row}.jpg").write_bytes(data)
        return f"{row}.jpg"

    return name


def url(row: int, kind: str) -> str | None:
    data = PHOTOS[kind]
    return None if data is None else data_url(data)


def parquet_of(file: Path, photo: pa.Array) -> SourceConfig:
    table = pa.Table.from_pylist([{k: row[k] for k in ("id", "title", "category_id")} for row in as_text(rows(url))])
    pq.write_table(table.append_column("image", photo), file)
    return SourceConfig(path=str(file))


def parquet_bytes(folder: Path) -> SourceConfig:
    return parquet_of(folder / "a.parquet", pa.array([PHOTOS[kind] for _, _, kind, _ in ROWS], pa.binary()))


def parquet_paths(folder: Path) -> SourceConfig:
    name = files(folder)
    return parquet_of(folder / "a.parquet", pa.array([name(i, row[2]) for i, row in enumerate(ROWS)], pa.string()))


def csv_paths(folder: Path) -> SourceConfig:
    return write_csv(folder / "a.csv", as_text(rows(files(folder))))


def csv_urls(folder: Path) -> SourceConfig:
    return write_csv(folder / "a.csv", as_text(rows(url)))


def csv_zip(folder: Path) -> SourceConfig:
    with ZipFile(folder / "p.zip", "w") as archive:
        for row, (_, _, kind, _) in enumerate(ROWS):
            archive.writestr(f"{row}.jpg", PHOTOS[kind] or b"")
    source = write_csv(folder / "a.csv", as_text(rows(lambda row, kind: None if kind == "none" else row)))
    return source.model_copy(update={"images_root": str(folder / "p.zip")})


def json_urls(folder: Path) -> SourceConfig:
    return write_json(folder / "a.json", {"items": rows(url)})


def json_lines(folder: Path) -> SourceConfig:
    return write_lines(folder / "a.jsonl.gz", rows(files(folder)))


def metadata(folder: Path) -> SourceConfig:
    write_csv(folder / "metadata.csv", as_text(rows(files(folder), "file_name")))
    return SourceConfig(path=str(folder))


def parts(folder: Path) -> SourceConfig:
    for part in range(4):
        write_lines(folder / f"part-{part}.jsonl", rows(url)[part * 4 : part * 4 + 4])
    return SourceConfig(path=str(folder / "part-?.jsonl"))


FORMS: tuple[Form, ...] = (
    parquet_bytes, parquet_paths, csv_paths, csv_urls, csv_zip, json_urls, json_lines, metadata, parts,
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_each_bad_row_costs_what_it_must(form: Form, tmp_path: Path) -> None:
    items = list(check_labels(read_source(form(tmp_path), labelled=True), ["leaf"], ["top"], {"leaf": "Leaf"}))
    assert [item.code if isinstance(item, RowError) else item.title for item in items] == TITLES
    assert [seen(item) for item in items] == SEEN
    assert [item.row for item in items if isinstance(item, RowError)] == [8, 9, 10]
    assert [None if item.id is None else str(item.id) for item in items] == [
        None if row[0] is None else str(row[0]) for row in ROWS
    ]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_each_row_has_its_answer_or_its_error(form: Form, tmp_path: Path, tiny_bundle: Path) -> None:
    items = check_labels(read_source(form(tmp_path), labelled=True), ["leaf"], ["top"], {"leaf": "Leaf"})
    answers = list(multimodal.load(tiny_bundle, threads=1).stream(items, batch_size=5))
    assert [a.code if isinstance(a, RowError) else a.used for a in answers] == ANSWERED


def test_a_folder_of_classes_with_the_same_photos(tmp_path: Path) -> None:
    for row, (_, _, kind, category) in enumerate(ROWS):
        if (data := PHOTOS[kind]) is not None:
            (tmp_path / category).mkdir(exist_ok=True)
            (tmp_path / category / f"{row:02}.jpg").write_bytes(data)
    items = list(check_labels(read_source(SourceConfig(path=str(tmp_path)), labelled=True), ["leaf"]))
    assert [item.id for item in items if isinstance(item, RowError)] == ["leef/10.jpg"]
    assert [seen(item) for item in items if isinstance(item, Product)] == [
        "ok", "image_truncated", "image_empty", "image_unreadable", "ok", "ok", "ok", "ok",
        "image_too_many_pixels", "image_too_large_bytes", "ok", "ok", "ok",
    ]  # fmt: skip


def seen(item: Product | RowError) -> str | None:
    """What the image kitchen makes of an item's photo."""
    if isinstance(item, RowError) or item.image is None:
        return None
    try:
        return "ok" if ImageKitchen(16, 12).prepare(item.image).shape == (16, 12, 3) else "bad"
    except ImageError as error:
        return error.code

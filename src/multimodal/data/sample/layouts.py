"""Writes the splits of a sample catalog again, in each of the forms that catalogs come in."""

from __future__ import annotations

import base64
import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.data.sample import job
from multimodal.data.sample.writer import SPLITS, SampleFiles, write_config

Row = dict[str, Any]
_TEXTS = ("id", "title", "characteristics", "category_id", "group")
_PART = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """One form of a catalog.

    Attributes:
        write: writes one split's rows into a folder.
        path: of a split's rows in that folder, with ``{split}``.
        images_root: below the folder, where photos are not beside the rows.
        has_text: whether there is more than photos.
    """

    write: Callable[[Path, str, Iterator[Row]], None]
    path: str
    images_root: str | None = None
    has_text: bool = True


def rewrite_sample(files: SampleFiles, layout: str) -> SampleFiles:
    """The catalog in another layout, in a folder of that name beside the parquet files; the configuration follows.

    Args:
        layout: a key of ``LAYOUTS``, or the name of the job of photos alone.
    """
    if layout == job.NAME:
        return job.rewrite_as_job(files)
    chosen, folder = LAYOUTS[layout], files.folder / layout
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier catalog in the same place
    folder.mkdir()
    for split in SPLITS:
        chosen.write(folder, split, _rows(files.folder / f"{split}.parquet"))
    root = None if chosen.images_root is None else folder / chosen.images_root
    paths = {split: folder / chosen.path.format(split=split) for split in SPLITS}
    write_config(files.folder, sum(files.rows.values()), paths, root, has_text=chosen.has_text)
    return replace(files, images_root=root, train=paths["train"], val=paths["val"], test=paths["test"])


def _rows(file: Path) -> Iterator[Row]:
    with pq.ParquetFile(file) as source:
        for batch in source.iter_batches(_PART, columns=[*_TEXTS, "image"]):
            yield from batch.to_pylist()


def _photo(row: Row) -> bytes | None:
    return None if row["image"] is None else row["image"]["bytes"]


def _csv(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """Photos as files, named in the column ``image``."""
    (folder / "images").mkdir(exist_ok=True)
    with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow((*_TEXTS, "image"))
        for row in rows:
            table.writerow((*(row[name] for name in _TEXTS), _file(folder, row)))


def _json(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """An object with one list inside; characteristics as objects of name and value, photos as files."""
    (folder / "images").mkdir(exist_ok=True)
    products = [_texts(row, named=True) | {"image": _file(folder, row)} for row in rows]
    document = {"shop": "sample", "products": products}
    (folder / f"{split}.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _jsonl(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """One object a line; the photo stands in it as a data URL."""
    with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as stream:
        for row in rows:
            photo = _photo(row)
            url = None if photo is None else f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
            stream.write(json.dumps(_texts(row, named=False) | {"image": url}, ensure_ascii=False) + "\n")


def _zip(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """A CSV without photos, and one zip with the photos of all splits, named by id."""
    with ExitStack() as stack:
        stream = stack.enter_context((folder / f"{split}.csv").open("w", encoding="utf-8", newline=""))
        photos = stack.enter_context(ZipFile(folder / "photos.zip", "a", ZIP_STORED))
        table = csv.writer(stream)
        table.writerow(_TEXTS)
        for row in rows:
            table.writerow([row[name] for name in _TEXTS])
            if (photo := _photo(row)) is not None:
                photos.writestr(f"{row['id']}.jpg", photo)


def _parts(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """Parquet in parts."""
    number = 0
    while some := list(islice(rows, _PART)):
        pq.write_table(pa.Table.from_pylist(some, _PART_SCHEMA), folder / f"{split}-{number:03}.parquet")
        number += 1


def _metadata(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """A folder of photos with ``metadata.csv``, as Hugging Face's image folders have it."""
    home = folder / split
    (home / "images").mkdir(parents=True)
    with (home / "metadata.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("file_name", *_TEXTS))
        for row in rows:
            table.writerow((_file(home, row), *(row[name] for name in _TEXTS)))


def _classes(folder: Path, split: str, rows: Iterator[Row]) -> None:
    """One folder a category, and nothing but photos."""
    for row in rows:
        if (photo := _photo(row)) is not None:
            home = folder / split / row["category_id"]
            home.mkdir(parents=True, exist_ok=True)
            (home / f"{row['id']}.jpg").write_bytes(photo)


def _file(folder: Path, row: Row) -> str | None:
    photo = _photo(row)
    if photo is None:
        return None
    name = f"images/{row['id']}.jpg"
    (folder / name).write_bytes(photo)
    return name


def _texts(row: Row, *, named: bool) -> Row:
    texts = {name: row[name] for name in _TEXTS}
    if row["characteristics"] is not None:
        pairs = [pair.partition(": ")[::2] for pair in row["characteristics"].split(" / ")]
        several = [(name, values.split(" | ") if " | " in values else values) for name, values in pairs]
        texts["characteristics"] = (
            [{"name": name, "value": values} for name, values in several] if named else dict(several)
        )
    return texts


_PART_SCHEMA = pa.schema(
    [*((name, pa.string()) for name in _TEXTS), ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
)

LAYOUTS: dict[str, Layout] = {
    "csv": Layout(_csv, "{split}.csv"),
    "json": Layout(_json, "{split}.json"),
    "jsonl": Layout(_jsonl, "{split}.jsonl"),
    "zip": Layout(_zip, "{split}.csv", images_root="photos.zip"),
    "parts": Layout(_parts, "{split}-*.parquet"),
    "metadata": Layout(_metadata, "{split}"),
    "classes": Layout(_classes, "{split}", has_text=False),
}

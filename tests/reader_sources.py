"""The same rows in every form that readers take: what the contract of readers is tested on."""

from __future__ import annotations

import base64
import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

import photos
from multimodal.config.models import SourceConfig
from public_downloads import write_idx

ROWS = 600  # more than two batches
Make = Callable[[Path], SourceConfig]
Row = dict[str, Any]


def titles(rows: int = ROWS) -> list[str | None]:
    return [None if i % 7 == 3 else f"Red shirt № {i}" for i in range(rows)]


def labels(rows: int = ROWS) -> list[str]:
    return [f"c{i % 3}" for i in range(rows)]


def objects(**more: Any) -> list[Row]:
    """The rows as objects; ``more`` is the same in each."""
    pairs = zip(range(ROWS), titles(), labels(), strict=True)
    return [{"id": i, "title": title, "category_id": label, **more} for i, title, label in pairs]


def write_parquet(folder: Path, **columns: Any) -> SourceConfig:
    file = folder / "rows.parquet"
    pq.write_table(pa.table(columns), file, row_group_size=100)
    return SourceConfig(path=str(file))


def write_csv(file: Path, rows: Sequence[Row]) -> SourceConfig:
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return SourceConfig(path=str(file))


def write_lines(file: Path, lines: Sequence[bytes | Row]) -> SourceConfig:
    """JSON Lines, each given as an object or as raw bytes; gzipped by the name of the file."""
    raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    file.write_bytes(gzip.compress(raw) if file.suffix == ".gz" else raw)
    return SourceConfig(path=str(file))


def write_json(file: Path, document: object) -> SourceConfig:
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return SourceConfig(path=str(file))


def data_url(photo: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"


def zip_of(file: Path, names: Sequence[str], photo: bytes | None = None) -> Path:
    data = photos.encoded() if photo is None else photo
    with ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, data)
    return file


def one_photo(folder: Path) -> str:
    (folder / "a.jpg").write_bytes(photos.encoded())
    return "a.jpg"


def parquet_bytes(folder: Path) -> SourceConfig:
    photo = photos.encoded()
    return write_parquet(folder, id=range(ROWS), title=titles(), image=[photo] * ROWS, category_id=labels())


def parquet_struct(folder: Path) -> SourceConfig:
    photo = {"bytes": photos.encoded(), "path": None}
    return write_parquet(folder, id=range(ROWS), title=titles(), image=[photo] * ROWS, category_id=labels())


def parquet_paths(folder: Path) -> SourceConfig:
    paths = [one_photo(folder)] * ROWS
    return write_parquet(folder, id=range(ROWS), title=titles(), image=paths, category_id=labels())


def parquet_parts(folder: Path) -> SourceConfig:
    photo = photos.encoded()
    for part in range(3):
        rows = slice(part * 200, (part + 1) * 200)
        columns = {"id": range(ROWS)[rows], "title": titles()[rows], "category_id": labels()[rows]}
        pq.write_table(pa.table({**columns, "image": [photo] * 200}), folder / f"part-{part}.parquet")
    return SourceConfig(path=str(folder / "part-*.parquet"))


def csv_paths(folder: Path) -> SourceConfig:
    return write_csv(folder / "rows.csv", objects(image=one_photo(folder)))


def csv_data_urls(folder: Path) -> SourceConfig:
    large = photos.encoded(photos.noise(600, 500), quality=95)
    assert len(large) > 131_072  # the csv module's own limit of a cell
    rows = objects(image=data_url(photos.encoded()))
    rows[1]["image"] = data_url(large)
    return write_csv(folder / "rows.csv", rows)


def csv_zip_by_id(folder: Path) -> SourceConfig:
    archive = zip_of(folder / "photos.zip", [f"inside/{i}.JPG" for i in range(ROWS)])
    return write_csv(folder / "rows.csv", objects()).model_copy(update={"images_root": str(archive)})


def parquet_zip_by_id(folder: Path) -> SourceConfig:
    archive = zip_of(folder / "photos.zip", [f"{i}.png" for i in range(ROWS)])
    source = write_parquet(folder, id=range(ROWS), title=titles(), category_id=labels())
    return source.model_copy(update={"images_root": str(archive)})


def json_array(folder: Path) -> SourceConfig:
    return write_json(folder / "rows.json", objects(image=one_photo(folder)))


def json_inside(folder: Path) -> SourceConfig:
    products = objects(image=data_url(photos.encoded()))
    return write_json(folder / "rows.json", {"version": [1, 2], "made": {"by": "us"}, "items": products, "n": ROWS})


def json_lines(folder: Path) -> SourceConfig:
    return write_lines(folder / "rows.jsonl", objects(image=data_url(photos.encoded())))


def json_lines_packed(folder: Path) -> SourceConfig:
    return write_lines(folder / "rows.jsonl.gz", objects(image=one_photo(folder)))


def json_lines_zip(folder: Path) -> SourceConfig:
    zip_of(folder / "photos.zip", ["a/1.jpg", "b/1.jpg"])
    return write_lines(folder / "rows.jsonl", objects(image="photos.zip/b/1.jpg"))


def photo_folder(folder: Path) -> SourceConfig:
    photo = photos.encoded(photos.picture(8, 8))
    for i in range(ROWS):
        file = folder / "photos" / f"c{i // 200}" / f"{i:04}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo)
    return SourceConfig(path=str(folder / "photos"))


def metadata_folder(folder: Path) -> SourceConfig:
    rows = objects(file_name=one_photo(folder))
    write_lines(folder / "metadata.jsonl", rows[:200])
    (folder / "more").mkdir()
    rows = objects(file_name=one_photo(folder / "more"))
    write_lines(folder / "more" / "metadata.jsonl", rows[200:])
    return SourceConfig(path=str(folder))


def idx_pair(folder: Path) -> SourceConfig:
    write_idx(folder / "train-labels-idx1-ubyte", (ROWS,), bytes(i % 10 for i in range(ROWS)), zipped=False)
    pixels = b"".join(bytes([i % 256]) * 12 for i in range(ROWS))
    return SourceConfig(path=str(write_idx(folder / "train-images-idx3-ubyte", (ROWS, 4, 3), pixels, zipped=True)))


def drawings(folder: Path) -> SourceConfig:
    return SourceConfig(format="drawings", products=20, seed=3)


SOURCES: tuple[Make, ...] = (
    parquet_bytes, parquet_struct, parquet_paths, parquet_parts, parquet_zip_by_id, csv_paths, csv_data_urls,
    csv_zip_by_id, json_array, json_inside, json_lines, json_lines_packed, json_lines_zip, photo_folder,
    metadata_folder, idx_pair, drawings,
)  # fmt: skip
"""Every way to give a reader rows; all but the folder of classes, IDX and the drawings hold the same ones."""

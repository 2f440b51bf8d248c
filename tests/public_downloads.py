"""Writes tiny downloads in the layout of the public sets; every row and photo is drawn or made up here."""

from __future__ import annotations

import gzip
import struct
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

HEADER = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
PLACES = ("Apparel,Topwear,Tshirts", "Apparel,Topwear,Shirts", "Accessories,Bags,Bags", "Footwear,Shoes,Other")


def photo(shade: int) -> bytes:
    """A small JPEG; another shade is another photo."""
    stream = BytesIO()
    Image.new("RGB", (6, 8), (shade % 8 * 32, shade // 8 % 8 * 32, shade // 64 * 16)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def write_fashion_products(folder: Path, rows: int = 120) -> Path:
    """A folder with ``rows`` good products, ids from 1000, a photo each."""
    (folder / "images").mkdir(parents=True)
    lines = [HEADER]
    for i in range(rows):
        lines.append(f"{1000 + i},Men,{PLACES[i % 4]},Navy Blue,Fall,2011.0,Casual,Item number {i}")
        (folder / "images" / f"{1000 + i}.jpg").write_bytes(photo(i))
    (folder / "styles.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return folder


def add_style(folder: Path, line: str, shade: int | None = None) -> None:
    """Appends a line, and a photo for its id."""
    with (folder / "styles.csv").open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    if shade is not None:
        (folder / "images" / f"{line.partition(',')[0]}.jpg").write_bytes(photo(shade))


def write_fashion_mnist(folder: Path, train: int = 60, test: int = 20, zipped: bool = True) -> Path:
    """The four files; photo i is filled with i and labelled i mod 10."""
    folder.mkdir(parents=True)
    for name, count in (("train", train), ("t10k", test)):
        pixels = b"".join(bytes([i % 256]) * 784 for i in range(count))
        write_idx(folder / f"{name}-images-idx3-ubyte", (count, 28, 28), pixels, zipped)
        write_idx(folder / f"{name}-labels-idx1-ubyte", (count,), bytes(i % 10 for i in range(count)), zipped)
    return folder


def write_idx(file: Path, shape: tuple[int, ...], data: bytes, zipped: bool) -> Path:
    raw = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data
    if zipped:
        file = file.with_name(file.name + ".gz")
        raw = gzip.compress(raw)
    file.write_bytes(raw)
    return file


def write_kazan_express(folder: Path, rows: int = 120, **columns: list[object]) -> Path:
    """A folder with ``rows`` good products under three categories; ``columns`` replaces whole columns."""
    folder.mkdir(parents=True)
    (folder / "categories_tree.csv").write_text(
        "id,title,parent_id\n1,Все категории,0\n10,Одежда,1\n11,Платья,10\n12,Куртки,10\n20,Книги,1\n", encoding="utf-8"
    )
    table: dict[str, list[object]] = {
        "id": list(range(500, 500 + rows)),
        "title": [f"Товар номер {i}" for i in range(rows)],
        "short_description": ["  Описание\x00 "] * rows,
        "name_value_characteristics": ["Цвет: красный | синий / Размер: 42"] * rows,
        "rating": [4.5] * rows,
        "feedback_quantity": list(range(rows)),
        "category_id": [(11, 12, 20)[i % 3] for i in range(rows)],
    }
    pq.write_table(pa.table({**table, **columns}), folder / "train.parquet")
    return folder

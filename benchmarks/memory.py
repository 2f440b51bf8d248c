"""Peak memory of reading a catalog and preparing its photos, for a file and one four times larger, by format.

    python benchmarks/memory.py [--rows 500] [--formats csv,jsonl] [--json out.json]

Every reading runs in a process of its own; its peak is what the kernel says of it (VmHWM), so Linux is needed.
The bar: the larger file takes at most 20 % more.
"""

from __future__ import annotations

import argparse
import base64
import csv
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

TIMES = 4
TEXT_TIMES = 200
"""Rows without photos are so much smaller that it takes more of them for anything that grows with rows to show."""
BAR = 1.2
FRAME = (112, 84)
"""Height and width that photos are prepared for."""
_SIDE = (360, 480)
Row = dict[str, Any]
Write = Callable[[Path, Iterator[Row]], dict[str, str]]


def main() -> None:
    """Measures and prints a Markdown table; exit code 1 where a format is over the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500, help="of the smaller file")
    parser.add_argument("--formats", help=f"comma between, of {', '.join(FORMATS)}; all unless said")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--read", metavar="SOURCE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read(json.loads(options.read))))
        return
    names = options.formats.split(",") if options.formats else list(FORMATS)
    figures = {"rows": options.rows, "bar": BAR, "formats": [measure(name, options.rows) for name in names]}
    print(markdown(figures))
    if options.json:
        Path(options.json).parent.mkdir(parents=True, exist_ok=True)
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if any(found["ratio"] > BAR for found in figures["formats"]):
        raise SystemExit(1)


def measure(name: str, rows: int) -> dict[str, Any]:
    """Peaks in MB (10^6 bytes) of both sizes of one format."""
    sizes = []
    rows = rows * TEXT_TIMES if name in TEXT_FORMATS else rows
    for count in (rows, TIMES * rows):
        with tempfile.TemporaryDirectory() as folder:
            source = FORMATS[name](Path(folder), plain(count) if name in TEXT_FORMATS else drawn(count))
            written = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            command = [sys.executable, __file__, "--read", json.dumps(source)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        counted = "rows" if name in TEXT_FORMATS else "photos"
        if found[counted] != count:
            raise SystemExit(f"{name}: got {found[counted]} {counted}, expected {count}")
        sizes.append({"rows": count, "file_mb": written / 1e6, "peak_mb": found["peak_mb"]})
    small, large = sizes
    return {"format": name, "small": small, "large": large, "ratio": large["peak_mb"] / small["peak_mb"]}


def read(source: Mapping[str, str]) -> dict[str, Any]:
    """Reads a source whole, prepares each photo and keeps nothing; what it took of this process."""
    from multimodal.config.models import SourceConfig
    from multimodal.data import read_source
    from multimodal.image import ImageKitchen
    from multimodal.types import Product

    kitchen, photos, rows = ImageKitchen(*FRAME), 0, 0
    for item in read_source(SourceConfig(**source), labelled=True):  # type: ignore[arg-type]
        rows += isinstance(item, Product)
        if isinstance(item, Product) and item.image is not None:
            kitchen.prepare(item.image)
            photos += 1
    return {"photos": photos, "rows": rows, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most resident memory this process ever had. Not ru_maxrss, which starts from that of the parent."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("/proc/self/status names no VmHWM; this benchmark needs Linux")


def drawn(count: int) -> Iterator[Row]:
    """Rows with a photo of some 60 kB each, all different, so that no format can store them once."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1)
    for i in range(count):
        pixels = noise.integers(0, 255, (_SIDE[1] // 3, _SIDE[0] // 3, 3), dtype=np.uint8)
        stream = BytesIO()
        Image.fromarray(pixels).resize(_SIDE).save(stream, "JPEG", quality=85)
        yield {
            "id": f"p{i:07}", "title": f"Red cotton shirt number {i}", "category_id": f"c{i % 20}",
            "characteristics": "colour: red / material: cotton | linen / year: 2024", "photo": stream.getvalue(),
        }  # fmt: skip


def plain(count: int) -> Iterator[Row]:
    """Rows without a photo."""
    for i in range(count):
        yield {
            "id": f"p{i:07}", "title": f"Red cotton shirt number {i}", "category_id": f"c{i % 20}",
            "characteristics": "colour: red / material: cotton | linen / year: 2024",
        }  # fmt: skip


def texts(row: Row, **more: object) -> Row:
    """A row without its photo, and what else it is to hold."""
    return {**{name: value for name, value in row.items() if name != "photo"}, **more}


def url(row: Row) -> str:
    """The photo as a data URL."""
    return f"data:image/jpeg;base64,{base64.b64encode(row['photo']).decode()}"


def as_file(folder: Path, row: Row) -> str:
    """Writes the photo as a file; its name."""
    (folder / f"{row['id']}.jpg").write_bytes(row["photo"])
    return f"{row['id']}.jpg"


def write_parquet(folder: Path, rows: Iterator[Row], name: str = "rows") -> dict[str, str]:
    """Photos as bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ("id", "title", "category_id", "characteristics")
    schema = pa.schema([*((column, pa.string()) for column in columns), ("image", pa.binary())])
    with pq.ParquetWriter(folder / f"{name}.parquet", schema) as writer:
        for row in rows:
            writer.write_batch(pa.RecordBatch.from_pylist([texts(row, image=row["photo"])], schema), 100)
    return {"path": str(folder / f"{name}.parquet")}


def write_parts(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """Parquet in parts of a hundred rows."""
    for number, first in enumerate(rows):
        write_parquet(folder, chain([first], islice(rows, 99)), f"part-{number:04}")
    return {"path": str(folder / "part-*.parquet")}


def write_table(file: Path, rows: Iterator[Row], **more: Callable[[Row], object]) -> dict[str, str]:
    """A CSV of texts, with a column for each of ``more``."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = None
        for row in rows:
            record = texts(row, **{name: made(row) for name, made in more.items()})
            if writer is None:
                writer = csv.DictWriter(stream, list(record))
                writer.writeheader()
            writer.writerow(record)
    return {"path": str(file)}


def write_csv(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """Photos as files."""
    return write_table(folder / "rows.csv", rows, image=lambda row: as_file(folder, row))


def write_csv_urls(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """Photos as data URLs."""
    return write_table(folder / "rows.csv", rows, image=url)


def write_zip(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """A CSV, and photos by id in a zip."""
    with ZipFile(folder / "photos.zip", "w", ZIP_STORED) as archive:

        def kept() -> Iterator[Row]:
            for row in rows:
                archive.writestr(f"{row['id']}.jpg", row["photo"])
                yield row

        source = write_table(folder / "rows.csv", kept())
    return {**source, "images_root": str(folder / "photos.zip")}


def write_jsonl(folder: Path, rows: Iterator[Row], name: str = "rows.jsonl") -> dict[str, str]:
    """Photos as data URLs, one object a line."""
    opened = gzip.open if name.endswith(".gz") else open
    with opened(folder / name, "wt", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(texts(row, image=url(row))) + "\n")
    return {"path": str(folder / name)}


def write_jsonl_gz(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """The same, gzipped."""
    return write_jsonl(folder, rows, "rows.jsonl.gz")


def write_json(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """Photos as data URLs, an array inside an object."""
    with (folder / "rows.json").open("w", encoding="utf-8") as stream:
        stream.write('{"products": [')
        for i, row in enumerate(rows):
            stream.write(("," if i else "") + json.dumps(texts(row, image=url(row))))
        stream.write("]}")
    return {"path": str(folder / "rows.json")}


def write_metadata(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """A folder of photos with metadata.csv."""
    write_table(folder / "metadata.csv", rows, file_name=lambda row: as_file(folder, row))
    return {"path": str(folder)}


def write_classes(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """One folder a category."""
    for row in rows:
        (folder / row["category_id"]).mkdir(exist_ok=True)
        as_file(folder / row["category_id"], row)
    return {"path": str(folder)}


def write_text_csv(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """No photos."""
    return write_table(folder / "rows.csv", rows)


def write_text_jsonl(folder: Path, rows: Iterator[Row]) -> dict[str, str]:
    """No photos, one object a line."""
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return {"path": str(folder / "rows.jsonl")}


TEXT_FORMATS: dict[str, Write] = {"csv-text": write_text_csv, "jsonl-text": write_text_jsonl}
FORMATS: dict[str, Write] = {
    **TEXT_FORMATS,
    "parquet": write_parquet,
    "parts": write_parts,
    "csv": write_csv,
    "csv-data-urls": write_csv_urls,
    "zip": write_zip,
    "json": write_json,
    "jsonl": write_jsonl,
    "jsonl.gz": write_jsonl_gz,
    "metadata": write_metadata,
    "classes": write_classes,
}


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| format | rows | files, MB | peak, MB | rows | files, MB | peak, MB | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for found in figures["formats"]:
        small, large = found["small"], found["large"]
        lines.append(
            f"| {found['format']} | {small['rows']:,} | {small['file_mb']:.1f} | {small['peak_mb']:.0f} | "
            f"{large['rows']:,} | {large['file_mb']:.1f} | {large['peak_mb']:.0f} | {found['ratio']:.2f} |"
        )
    return "\n".join([*lines, "", f"The bar is a ratio of {figures['bar']}."])


if __name__ == "__main__":
    main()

"""Writes the sample catalog to a folder: tree, three splits, photos to look at, and a training configuration."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont

from multimodal.data.sample.catalog import SampleRow, draw_rows
from multimodal.data.sample.fabrics import TAGS
from multimodal.data.sample.tree import LEAF, LEAVES, SAMPLE_TREE
from multimodal.errors import DataError

SPLITS = ("train", "val", "test")
SHOWN = 24
"""Photos written as files, for people."""

_PHOTO_NAME = re.compile(r"[a-z-]+-s-?\d+-\d{6,}\.jpg")

_SCHEMA = pa.schema(
    [
        ("id", pa.string()), ("title", pa.string()), ("characteristics", pa.string()), ("category_id", pa.string()),
        ("group", pa.string()), ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("gender", pa.string()), ("season", pa.string()), ("year", pa.int32()), ("color1", pa.string()),
        *((tag, pa.int8()) for tag in TAGS),
    ]
)  # fmt: skip

_CONFIG = """\
# Trains on the drawn sample catalog, in under two minutes on two cores: multimodal train CONFIG
name: sample
output: "{out}/bundle"
work_dir: "{out}/runs"
tree: {{path: "{out}/categories_tree.csv"}}
data:
  train: [{train}]
  val: [{val}]
text: {{epochs: 20, batch_size: 64, ngrams: {{vocabulary: 16384, dim: 32, min_count: 1}}}}
image: {{backbone: mobilenetv3_small_050, weights: none, size: [96, 72], epochs: {epochs}, batch_size: 32,
        learning_rate: 0.003, ema: 0.98, patience: {epochs}, augment: {{strength: 0.5}}}}
fusion: {{epochs: 10, batch_size: 64, hidden: 64}}
training: {{seed: 1}}
"""


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """What was written, and how many rows went where.

    Attributes:
        rows: split -> number of rows.
        images_root: zip of the photos, where they are not beside the rows.
    """

    folder: Path
    tree: Path
    train: Path
    val: Path
    test: Path
    config: Path
    photos: Path
    contact_sheet: Path
    rows: dict[str, int]
    images_root: Path | None = None


def write_sample(
    out: Path, products: int, seed: int, on_progress: Callable[[int], None] | None = None, *, several: float = 0.0
) -> SampleFiles:
    """Draws ``products`` products and writes them under ``out``, which is made if need be.

    Args:
        on_progress: called after every product with the number drawn so far.
        several: share of the clothes whose fabric has two or three patterns.

    Raises:
        DataError: when ``out`` is a file, or there are too few products for three splits.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file, expected a folder to write the sample catalog to; name another one")
    if products < 20:
        raise DataError(
            f"products: got {products}, expected at least 20 so that every split gets rows; ask for 500, say"
        )
    photos = out / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    shown = _Shown()
    counts = _write_splits(out, _watched(draw_rows(products, seed, several), shown, on_progress))
    empty = [split for split, count in counts.items() if count == 0]
    if empty:
        raise DataError(f"products: {products} left no rows for {', '.join(empty)}; ask for more, 500 say")
    shown.write(photos)
    _write_tree(out / "categories_tree.csv")
    paths = {split: out / f"{split}.parquet" for split in SPLITS}
    write_config(out, products, paths)
    return SampleFiles(
        folder=out, tree=out / "categories_tree.csv", config=out / "config.yaml", photos=photos,
        contact_sheet=photos / "contact_sheet.jpg", rows=counts, **paths,
    )  # fmt: skip


def write_config(
    out: Path, products: int, paths: Mapping[str, Path], images_root: Path | None = None, *, has_text: bool = True
) -> None:
    """Writes ``config.yaml`` for the splits at ``paths``; without text, the photo tower alone is trained."""
    places = f', images_root: "{quotable(images_root)}"' if images_root is not None else ""
    train, val = (f'{{path: "{quotable(paths[split])}"{places}}}' for split in SPLITS[:2])
    epochs = max(8, min(40, 16_000 // products))
    text = _CONFIG.format(out=quotable(out), train=train, val=val, epochs=epochs)
    if not has_text:
        text = re.sub(r"(?m)^text: .*$", "text: null", text)
    (out / "config.yaml").write_text(text, encoding="utf-8")


def split_of(group: str) -> str:
    """The split of a group: 60 % train, 20 % val, 20 % test, by a hash of its name."""
    part = int.from_bytes(sha256(f"split/{group}".encode()).digest()[:4], "big") % 10
    return SPLITS[0] if part < 6 else SPLITS[1] if part < 8 else SPLITS[2]


def as_record(row: SampleRow) -> dict[str, object]:
    """The row's columns in the parquet files; tags are exactly what was drawn."""
    product, spec = row.product, row.spec
    image = None if product.image is None else {"bytes": product.image.data, "path": product.image.name}
    return {
        "id": product.id, "title": product.title, "characteristics": product.characteristics,
        "category_id": product.category_id, "group": product.group, "image": image,
        "gender": spec.gender, "season": spec.season, "year": spec.year, "color1": spec.colour.en,
        **{tag: int(shown) for tag, shown in spec.tags.items()},
    }  # fmt: skip


def quotable(path: Path) -> str:
    """A path as it may stand between double quotes in YAML."""
    return path.as_posix().replace("\\", "\\\\").replace('"', '\\"')


def _write_splits(out: Path, rows: Iterator[SampleRow], batch: int = 256) -> dict[str, int]:
    """Streams rows into their files, at most ``batch`` waiting for each."""
    counts = dict.fromkeys(SPLITS, 0)
    waiting: dict[str, list[dict[str, object]]] = {split: [] for split in SPLITS}
    writers = {split: pq.ParquetWriter(out / f"{split}.parquet", _SCHEMA) for split in SPLITS}
    try:
        for row in rows:
            split = split_of(str(row.product.group))
            counts[split] += 1
            waiting[split].append(as_record(row))
            if len(waiting[split]) >= batch:
                writers[split].write_table(pa.Table.from_pylist(waiting[split], _SCHEMA))
                waiting[split].clear()
        for split, rest in waiting.items():
            writers[split].write_table(pa.Table.from_pylist(rest, _SCHEMA))
    finally:
        for writer in writers.values():
            writer.close()
    return counts


def _watched(
    rows: Iterator[SampleRow], shown: _Shown, on_progress: Callable[[int], None] | None
) -> Iterator[SampleRow]:
    for done, row in enumerate(rows, 1):
        shown.see(row)
        if on_progress is not None:
            on_progress(done)
        yield row


def _write_tree(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "title", "parent_id"))
        table.writerows((id_, name, parent or "0") for id_, name, parent in SAMPLE_TREE)


class _Shown:
    """Collects the photos that people are shown: the first clear one of every leaf, then others."""

    def __init__(self) -> None:
        self._first: dict[str, SampleRow] = {}
        self._spare: list[SampleRow] = []

    def see(self, row: SampleRow) -> None:
        if row.product.image is None:
            return
        clear = row.spec.trouble == "none" and row.spec.size != (60, 80)
        if clear and row.spec.leaf not in self._first:
            self._first[row.spec.leaf] = row
        elif len(self._spare) < SHOWN:
            self._spare.append(row)

    def write(self, folder: Path) -> None:
        order = [leaf.key for leaf in LEAVES]
        rows = sorted(self._first.values(), key=lambda row: order.index(row.spec.leaf))[:SHOWN]
        rows += self._spare[: SHOWN - len(rows)]
        for old in folder.glob("*-s*-*.jpg"):  # of an earlier catalog in the same folder
            if _PHOTO_NAME.fullmatch(old.name):
                old.unlink()
        for row in rows:
            label = LEAF[row.spec.leaf].name.lower().replace(" ", "-")
            (folder / f"{label}-{row.product.id}.jpg").write_bytes(_bytes(row))
        contact_sheet([(LEAF[r.spec.leaf].name, _bytes(r)) for r in rows]).save(
            folder / "contact_sheet.jpg", quality=90
        )


def _bytes(row: SampleRow) -> bytes:
    data = row.product.image.data if row.product.image else None
    assert data is not None
    return data


def contact_sheet(photos: list[tuple[str, bytes]], columns: int = 6) -> Image.Image:
    """A grid of (caption, JPEG) photos with their captions under them."""
    cell, caption = (180, 240), 22
    lines = -(-len(photos) // columns)
    sheet = Image.new("RGB", (columns * (cell[0] + 8) + 8, lines * (cell[1] + caption + 8) + 8), (250, 250, 250))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for i, (name, data) in enumerate(photos):
        x, y = 8 + (i % columns) * (cell[0] + 8), 8 + (i // columns) * (cell[1] + caption + 8)
        with Image.open(BytesIO(data)) as photo:
            photo.thumbnail(cell)
            sheet.paste(photo, (x + (cell[0] - photo.width) // 2, y + (cell[1] - photo.height) // 2))
        pen.text((x + cell[0] / 2, y + cell[1] + caption / 2), name, fill=(40, 40, 44), anchor="mm", font=font)
    return sheet

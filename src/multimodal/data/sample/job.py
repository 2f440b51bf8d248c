"""The sample catalog as a job of photos alone: two most likely categories and the tags of each, into one file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.data.sample.fabrics import TAGS
from multimodal.data.sample.writer import SampleFiles, quotable

NAME = "two-categories"
SEVERAL = 0.3
"""Share of the clothes with several patterns in a catalog drawn for the job: photos show no, one or several tags, and
a few hundred products are enough to choose the threshold of each tag."""
_PART = 64
_KNOWN = pa.schema(
    [("uuid", pa.string()), ("cc3", pa.string()), ("color1", pa.string()), *((tag, pa.int8()) for tag in TAGS)]
)
_ASKED = pa.schema([("uuid", pa.string())])
_CONFIG = """\
# Photos alone: learns categories, colour and pattern tags from data.parquet and photos.zip, which stays zipped, and
# writes the two most likely categories and the tags of each row of test.parquet: multimodal train CONFIG
name: two-categories
output: "{out}/bundle"
work_dir: "{out}/runs"
tree: {{path: "{out}/categories_tree.csv"}}
data:
  train:
    - path: "{folder}/data.parquet"
      images_root: "{folder}/photos.zip"
      columns: {{id: uuid, category_id: cc3, tags: [polka dot, floral, checker], attributes: {{colour: color1}}}}
  split: {{val: 0.2}}
text: null
tags: {{names: [polka dot, floral, checker]}}
attributes: {{colour: {{min_count: 3}}}}
image: {{backbone: mobilenetv3_small_050, weights: none, size: [96, 72], epochs: {epochs}, batch_size: 32,
        learning_rate: 0.003, ema: 0.98, patience: {epochs}, augment: {{strength: 0.5}}}}
training: {{seed: 1}}
predict:
  - input: {{path: "{folder}/test.parquet", images_root: "{folder}/photos.zip", columns: {{id: uuid}}}}
    output: "{out}/predictions.parquet"
    form: two_categories
"""


def rewrite_as_job(files: SampleFiles) -> SampleFiles:
    """The catalog as ``data.parquet`` (uuid, category, colour, tags), ``photos.zip`` and ``test.parquet`` (uuid).

    They stand in a folder of their own beside the parquet files; the configuration follows.
    """
    folder = files.folder / NAME
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier catalog in the same place
    folder.mkdir()
    known, asked = folder / "data.parquet", folder / "test.parquet"
    with (
        ZipFile(folder / "photos.zip", "w", ZIP_STORED) as photos,
        pq.ParquetWriter(known, _KNOWN) as data,
        pq.ParquetWriter(asked, _ASKED) as test,
    ):
        told = sum(_copy(split, data, photos) for split in (files.train, files.val))
        rows = {"train": told, "test": _copy(files.test, test, photos)}
    epochs = max(8, min(40, 12_000 // sum(files.rows.values())))
    text = _CONFIG.format(epochs=epochs, out=quotable(files.folder), folder=quotable(folder))
    files.config.write_text(text, encoding="utf-8")
    return replace(files, rows=rows, images_root=folder / "photos.zip", train=known, val=known, test=asked)


def _copy(source: Path, writer: Any, photos: ZipFile) -> int:
    """The rows that have a photo, which goes into the zip under its id; how many there are."""
    names, count = [name for name in writer.schema.names if name not in ("uuid", "cc3")], 0
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_PART, columns=["id", "category_id", "image", *names]):
            rows = [row for row in batch.to_pylist() if row["image"] is not None]
            for row in rows:
                photos.writestr(f"{row['id']}.jpg", row["image"]["bytes"])
            told = [{"uuid": row["id"], "cc3": row["category_id"], **{n: row[n] for n in names}} for row in rows]
            writer.write_table(pa.Table.from_pylist(told, writer.schema))
            count += len(rows)
    return count

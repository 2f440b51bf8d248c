"""What tests of the parts of training share: a small tree, features by hand, files of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.config.models import SourceConfig
from multimodal.taxonomy import Node, Tree
from multimodal.types import TextFeatures

TREE = Tree(
    [Node("1", "Clothes", None), Node("11", "Red shirts", "1"), Node("12", "Skirt", "1"), Node("2", "Bags", None)]
)


def features_of(rows: list[list[int]], field: int = 0) -> TextFeatures:
    flat = [h for row in rows for h in row]
    offsets = np.cumsum([0, *map(len, rows)])
    n = len(flat)
    return TextFeatures(np.array(flat, np.uint32), np.zeros(n, np.int32), np.full(n, field, np.uint8), offsets)


def write_tree(folder: Path) -> Path:
    """``TREE`` as a file."""
    file = folder / "tree.csv"
    rows = [f"{node.id},{node.name},{node.parent_id or 0}" for node in TREE.nodes]
    file.write_text("\n".join(["id,title,parent_id", *rows]) + "\n", encoding="utf-8")
    return file


def write_rows(file: Path, rows: list[dict[str, Any]]) -> SourceConfig:
    schema = pa.schema(
        [("id", pa.string()), ("title", pa.string()), ("category_id", pa.string()), ("image", pa.binary())]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), file)
    return SourceConfig(path=str(file))

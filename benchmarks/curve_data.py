"""The rows of a learning curve: a data set's folder, subsets of its training rows as files of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import check_labels, read_source
from multimodal.errors import DataError
from multimodal.taxonomy import Tree, read_tree
from multimodal.types import TEXT_INPUTS, InputName, Product
from subsets import nested_order


@dataclass(frozen=True, slots=True)
class DataSet:
    """A folder with ``categories_tree.csv``, ``train.parquet`` and ``val.parquet``.

    Attributes:
        train: training products labelled with a leaf, photos left in the file.
        at: row of the file of each of them, int64 [N].
        val: validation products, with their photos where asked for.
        groups: of the validation products, [M].
        labels: leaf index of the validation products, int64 [M].
    """

    folder: Path
    tree: Tree
    train: list[Product]
    at: npt.NDArray[np.int64]
    val: list[Product]
    groups: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]

    @property
    def text_inputs(self) -> tuple[InputName, ...]:
        """Text fields that some training product has."""
        return tuple(n for n in TEXT_INPUTS if any(getattr(p, n) is not None for p in self.train))

    def digest(self) -> str:
        """Changes with the products that are trained and measured on."""
        told = [repr((p.id, p.title, p.category_id, p.group)) for p in (*self.train, *self.val)]
        return hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def open_data(folder: Path, *, photos: bool) -> DataSet:
    """Reads a data set's folder.

    Args:
        photos: whether the validation products keep their photos.

    Raises:
        DataError, TreeError: a file is missing or cannot be read as described, or has no usable row.
    """
    tree = read_tree(folder / "categories_tree.csv")
    train, at = _products(folder / "train.parquet", tree, photos=False, unique=True)
    val, rows = _products(folder / "val.parquet", tree, photos=photos, unique=False)
    groups = [f"row {row}" if p.group is None else f"group {p.group}" for p, row in zip(val, rows, strict=True)]
    labels = np.array([tree.leaf_index[p.category_id or ""] for p in val], np.int64)
    return DataSet(folder, tree, train, at, val, np.array(groups), labels)


def subset_order(data: DataSet, seed: int) -> npt.NDArray[np.int64]:
    """Positions in ``data.train``, of which every prefix is a subset."""
    groups = [f"row {i}" if p.group is None else f"group {p.group}" for i, p in enumerate(data.train)]
    return nested_order([p.category_id or "" for p in data.train], groups, seed)


def write_subset(data: DataSet, chosen: npt.NDArray[np.int64], file: Path) -> list[Product]:
    """Writes the chosen training rows, all columns, in the order of the data set's file.

    Returns:
        The products written, photos left out.

    Raises:
        DataError: they are all of one category.
    """
    chosen = np.sort(chosen)
    products = [data.train[i] for i in chosen]
    if len({p.category_id for p in products}) < 2:
        raise DataError(f"got {len(products)} training rows of one category, expected two at least; ask for more rows")
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pq.read_table(data.folder / "train.parquet").take(data.at[chosen]), file)
    return products


def _products(
    path: Path, tree: Tree, *, photos: bool, unique: bool
) -> tuple[list[Product], npt.NDArray[np.int64]]:
    """Products labelled with a leaf and the rows they stand in; others are left out."""
    source = SourceConfig(path=str(path), columns=ColumnMap() if photos else ColumnMap(image=""))
    names = {node.id: node.name for node in tree.nodes}
    items = check_labels(read_source(source, labelled=True, unique=unique), tree.leaf_index, tree.inner, names)
    found: Sequence[tuple[int, Product]] = [(i, p) for i, p in enumerate(items) if isinstance(p, Product)]
    if not found:
        raise DataError(f"{path}: got no usable row, expected rows labelled with a leaf of {path.parent}")
    return [p for _, p in found], np.array([i for i, _ in found], np.int64)

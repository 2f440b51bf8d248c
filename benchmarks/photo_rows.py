"""Photos that are unlike the small ones of the catalog: larger ones of the same products, and ones from phones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from multimodal.config.models import ColumnMap, JoinConfig, SourceConfig
from multimodal.data import read_source
from multimodal.types import Product

if TYPE_CHECKING:
    from multimodal.serving import Predictor

PHONE = "clothes_phone"
LARGER = "photos_168x224.parquet"


def phone_photos(predictor: Predictor, folder: Path) -> dict[str, Any]:
    """How often the best leaf of a photo taken at home is at or below a node its label stands for."""
    tree, leaves = predictor.tree, predictor.tree.leaves
    nodes: dict[str, set[str]] = {}
    with (folder / "label_to_nodes.csv").open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            nodes.setdefault(line["label"], set()).add(line["category_id"])
    right = {
        label: np.array([any(step.id in ids for step in tree.path(leaf)) for leaf in leaves])
        for label, ids in nodes.items()
    }
    source = SourceConfig(path=str(folder / "val.parquet"), columns=ColumnMap(category_id="label"))
    products = [p for p in _products(source) if p.category_id in right]
    probs = predictor.leaf_probabilities(products, frozenset({"image"}))
    hits = [
        bool(right[str(product.category_id)][row.argmax()]) and not np.isnan(row).any()
        for product, row in zip(products, probs, strict=True)
    ]
    return {"data": PHONE, "split": "val", "rows": len(hits), "right": sum(hits) / len(hits)}


def larger_photos(predictor: Predictor, data: Path, split: str) -> dict[str, Any]:
    """Photo only, on the rows of a split that have a larger photo too: from the small one and from the large one."""
    file = data / f"{split}.parquet"
    own = {p.id: p for p in _products(SourceConfig(path=str(file)))}
    larger = SourceConfig(path=str(data / LARGER), join=JoinConfig(path=str(file)))
    pairs = [(own[p.id], p) for p in _products(larger) if p.id in own]
    return {
        "rows": len(pairs),
        "small": _photo_only(predictor, [small for small, _ in pairs]),
        "large": _photo_only(predictor, [large for _, large in pairs]),
    }


def _photo_only(predictor: Predictor, products: Sequence[Product]) -> dict[str, float]:
    at = {leaf: i for i, leaf in enumerate(predictor.tree.leaves)}
    labels = np.array([at[str(product.category_id)] for product in products])
    probs = np.nan_to_num(predictor.leaf_probabilities(products, frozenset({"image"})))
    best = np.argsort(-probs, axis=1, kind="stable")[:, :2]
    hits = best == labels[:, None]
    return {"top1": float(hits[:, 0].mean()), "top2": float(hits.any(axis=1).mean())}


def _products(source: SourceConfig) -> list[Product]:
    return [item for item in read_source(source, labelled=True) if isinstance(item, Product)]

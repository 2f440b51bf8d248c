"""Figures of parts of the rows: one for each value of a column, say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from multimodal.evaluation.arrays import Ints
from multimodal.evaluation.bootstrap import group_interval
from multimodal.evaluation.hierarchical import hierarchical_f1, leaf_overlap
from multimodal.taxonomy import Tree

MOST = 30


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the rows.

    Attributes:
        value: what its rows have in common; None for the rows without a value.
        values: how many values it pools: 1, but for the rest beyond the largest slices.
        top1, low, high: with the 95 % interval over groups.
    """

    value: str | None
    values: int
    rows: int
    top1: float
    low: float
    high: float
    hf1: float

    def to_dict(self) -> dict[str, str | int | float | None]:
        """Plain JSON values under the names of the attributes."""
        return asdict(self)


def slice_metrics(
    values: Sequence[str | None],
    pred: Ints,
    labels: Ints,
    tree: Tree,
    groups: npt.NDArray[np.str_],
    most: int = MOST,
) -> tuple[Slice, ...]:
    """Top-1 and hF1 of the rows of each value, the largest slices first.

    Args:
        values: [N], each row's value.
        pred, labels: int [N], leaf indices.
        groups: [N]; rows of one group are drawn together for the interval.
        most: slices at most; where there are more values, the smallest are pooled in the last slice.
    """
    if len(values) != len(labels):
        raise ValueError(f"got {len(values)} values for {len(labels)} rows, expected one each; align them")
    rows: dict[str | None, list[int]] = {}
    for row, value in enumerate(values):
        rows.setdefault(value, []).append(row)
    order = sorted(rows, key=lambda value: (-len(rows[value]), value is None, value or ""))
    kept, rest = (order, []) if len(order) <= most else (order[: most - 1], order[most - 1 :])
    parts = [(value, 1, rows[value]) for value in kept]
    if rest:
        parts.append((f"{len(rest)} other values", len(rest), [row for value in rest for row in rows[value]]))
    return tuple(_slice(value, count, np.array(own), pred, labels, tree, groups) for value, count, own in parts)


def _slice(
    value: str | None, values: int, rows: Ints, pred: Ints, labels: Ints, tree: Tree, groups: npt.NDArray[np.str_]
) -> Slice:
    own_pred, own_labels = pred[rows], labels[rows]
    top1 = group_interval(own_pred == own_labels, groups[rows])
    hf1 = hierarchical_f1(leaf_overlap(own_pred, own_labels, tree))
    return Slice(value, values, len(rows), top1.mean, top1.low, top1.high, hf1)

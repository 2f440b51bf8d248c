"""Figures of each class, and of classes of like size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from multimodal.evaluation.arrays import Ints
from multimodal.evaluation.metrics import f1_by_class

SIZES = (1, 10, 30, 100, 300, 1000)
"""Where the bands of class sizes begin, in rows of truth."""


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """The figures of one class.

    Attributes:
        index: the class; of leaves, the index in ``tree.leaves``.
        support: rows of it in truth.
        predicted: rows answered with it.
        right: rows that are both.
        precision: None where it was never answered.
        recall: None where truth has no row of it.
        f1: 0 where either is None.
    """

    index: int
    support: int
    predicted: int
    right: int
    precision: float | None
    recall: float | None
    f1: float


@dataclass(frozen=True, slots=True)
class SizeBand:
    """The classes with ``low`` to ``high`` rows in truth; ``high`` is None in the last band.

    Attributes:
        top1: share of the band's rows that are right.
        macro_f1: mean F1 of the band's classes.
    """

    low: int
    high: int | None
    classes: int
    rows: int
    top1: float
    macro_f1: float

    def to_dict(self) -> dict[str, int | float | None]:
        """Plain JSON values under the names of the attributes."""
        return asdict(self)


def class_metrics(pred: Ints, labels: Ints, classes: int) -> tuple[ClassMetrics, ...]:
    """Figures of the classes that occur in truth or in predictions, in the order of their indices.

    Args:
        pred, labels: int [N], from 0 to ``classes - 1``.
    """
    f1 = f1_by_class(pred, labels, classes)
    support, predicted = np.bincount(labels, minlength=classes), np.bincount(pred, minlength=classes)
    right = np.bincount(labels[pred == labels], minlength=classes)
    return tuple(
        ClassMetrics(
            index=int(i),
            support=int(support[i]),
            predicted=int(predicted[i]),
            right=int(right[i]),
            precision=float(right[i] / predicted[i]) if predicted[i] else None,
            recall=float(right[i] / support[i]) if support[i] else None,
            f1=float(f1[i]),
        )
        for i in np.flatnonzero(support + predicted)
    )


def by_class_size(table: Sequence[ClassMetrics], sizes: Sequence[int] = SIZES) -> tuple[SizeBand, ...]:
    """Pools the classes that truth has by their rows; bands without a class are left out.

    Args:
        table: from ``class_metrics``.
        sizes: where the bands begin, ascending; smaller classes are in none.
    """
    bands = []
    for low, high in zip(sizes, [*sizes[1:], None], strict=True):
        own = [c for c in table if c.support >= low and (high is None or c.support < high)]
        rows = sum(c.support for c in own)
        if rows:
            top1 = sum(c.right for c in own) / rows
            macro = sum(c.f1 for c in own) / len(own)
            bands.append(SizeBand(low, None if high is None else high - 1, len(own), rows, top1, macro))
    return tuple(bands)

"""Each class against all others: recall, precision and negative predictive value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal.evaluation.arrays import Ints


@dataclass(frozen=True, slots=True)
class BinaryMetrics:
    """The figures of one class; None where nothing was there, or answered, to divide by.

    Attributes:
        support: rows of the class.
        npv: negative predictive value, the share of rows not answered with the class that are not of it.
    """

    support: int
    recall: float | None
    precision: float | None
    npv: float | None


def one_versus_rest(pred: Ints, labels: Ints, classes: int) -> list[BinaryMetrics]:
    """Figures of each class, in order.

    Args:
        pred, labels: int [N], class numbers below ``classes``.

    Raises:
        ValueError: shapes differ.
    """
    if pred.shape != labels.shape:
        raise ValueError(f"got shapes {pred.shape} and {labels.shape}, expected the same")
    found = []
    for number in range(classes):
        answered, there = pred == number, labels == number
        hits, passed = int((answered & there).sum()), int((~answered & ~there).sum())
        found.append(
            BinaryMetrics(
                int(there.sum()), _share(hits, there), _share(hits, answered), _share(passed, np.asarray(~answered))
            )
        )
    return found


def _share(count: int, of: np.ndarray) -> float | None:
    total = int(of.sum())
    return count / total if total else None

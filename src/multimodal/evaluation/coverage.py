"""Accuracy against coverage: how many rows can be answered at which accuracy, the least sure left out first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from multimodal.evaluation.arrays import Flags, Floats, Ints, check_labels
from multimodal.evaluation.backoff import climb, holds
from multimodal.evaluation.paths import NO_ANSWER
from multimodal.taxonomy import Tree

_STEPS = 1 / (1 + np.exp(-np.linspace(9.0, -3.0, 61)))
"""Thresholds of the curve that goes up the tree, the strictest first."""
_POINTS = 200


@dataclass(frozen=True, slots=True)
class Coverage:
    """A curve from few answers to many.

    Attributes:
        answered: share of all rows that are answered, ascending, [T].
        accuracy: share of these that are right, [T].
    """

    answered: Floats
    accuracy: Floats

    def at(self, accuracy: float) -> float:
        """The largest share answered at this accuracy or better; 0 where no point of the curve is."""
        good = self.accuracy >= accuracy
        return float(self.answered[good].max()) if good.any() else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"answered": self.answered.tolist(), "accuracy": self.accuracy.tolist()}


def flat_coverage(confidence: Floats, correct: Flags) -> Coverage:
    """Answers one at a time, the surest first; those of one confidence come together.

    Args:
        confidence: of any scale, [N]; NaN where there is no answer.
        correct: [N].
    """
    check_labels(np.zeros(len(confidence), np.int64), correct)
    order = np.argsort(-np.where(np.isnan(confidence), -np.inf, confidence), kind="stable")
    order = order[: int((~np.isnan(confidence)).sum())]
    if not len(order):
        return Coverage(np.zeros(0), np.zeros(0))
    sure, right = confidence[order], np.cumsum(correct[order])
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
    if len(last) > _POINTS:
        last = last[np.unique(np.linspace(0, len(last) - 1, _POINTS).round().astype(np.int64))]
    return Coverage((last + 1) / len(confidence), right[last] / (last + 1))


def tree_coverage(probs: Floats, labels: Ints, tree: Tree) -> Coverage:
    """Answers that go up the tree until they are sure enough, at falling thresholds; right is at or below them.

    Args:
        probs: calibrated leaf probabilities [N, leaves].
        labels: leaf indices [N].
    """
    given = climb(probs, tree, _STEPS)
    count = (given != NO_ANSWER).sum(axis=1)
    right = np.array([holds(row, labels, tree).sum() for row in given])
    there = count > 0
    return Coverage(count[there] / len(labels), right[there] / count[there])

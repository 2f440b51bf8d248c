"""All figures of one head in one object, with the keys of ``multimodal evaluate --json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from multimodal.evaluation.arrays import Floats, Ints, check_scores
from multimodal.evaluation.hierarchical import (
    hierarchical_distance,
    hierarchical_prf,
    mistake_distance,
    mistake_severity,
    name_equivalent_top1,
    weighted_hierarchical_prf,
)
from multimodal.evaluation.levels import level_ece
from multimodal.evaluation.metrics import label_ranks, macro_f1, macro_f1_min_support, weighted_f1
from multimodal.evaluation.reliability import brier, leaf_ece, nll
from multimodal.taxonomy import Tree


@dataclass(frozen=True, slots=True)
class HeadMetrics:
    """The figures of one head over ``rows`` rows.

    Attributes:
        macro_f1: over leaves in truth or predictions.
        macro_f1_10: over leaves with at least 10 rows; None without any.
        hprecision, hrecall, hf1: micro, of the arg-max leaf.
        hf1_weighted: of each true leaf's rows, weighted by their number.
        ece, ece_levels: of the arg-max leaf, and of the best node of each level, roots first.
        mistake_severity, mistake_distance: mean height of the lowest common ancestor, and mean edges between
            answer and truth, over the wrong rows.
        distance_at_1, distance_at_2, distance_at_5: mean height of the lowest common ancestor of the truth and each
            of so many best leaves, over all rows.
        name_top1: a leaf of the same name elsewhere counts as right.
    """

    rows: int
    top1: float
    top2: float
    top5: float
    weighted_f1: float
    macro_f1: float
    macro_f1_10: float | None
    hprecision: float
    hrecall: float
    hf1: float
    hf1_weighted: float
    ece: float
    ece_levels: tuple[float, ...]
    nll: float
    brier: float
    mistake_severity: float
    mistake_distance: float
    distance_at_1: float
    distance_at_2: float
    distance_at_5: float
    name_top1: float

    def to_dict(self) -> dict[str, int | float | list[float] | None]:
        """Plain JSON values under the names of the attributes."""
        return {**asdict(self), "ece_levels": list(self.ece_levels)}


def summarise(probs: Floats, labels: Ints, tree: Tree) -> HeadMetrics:
    """Measures one head.

    Args:
        probs: float [N, leaves], in the order of ``tree.leaves``; no NaN rows.
        labels: int [N], leaf indices.

    Raises:
        ValueError: shapes that do not fit, labels out of range, NaN, or no rows.
    """
    check_scores(probs, labels)
    if probs.shape[1] != len(tree.leaves):
        raise ValueError(f"probs: got {probs.shape[1]} leaves, expected the tree's {len(tree.leaves)}")
    pred, ranks = probs.argmax(axis=1), label_ranks(probs, labels)
    top1, top2, top5 = (float(np.mean(ranks < k)) for k in (1, 2, 5))
    hprecision, hrecall, hf1 = hierarchical_prf(pred, labels, tree)
    at_1, at_2, at_5 = (hierarchical_distance(probs, labels, tree, k) for k in (1, 2, 5))
    return HeadMetrics(
        rows=len(labels),
        top1=top1,
        top2=top2,
        top5=top5,
        weighted_f1=weighted_f1(pred, labels, len(tree.leaves)),
        macro_f1=macro_f1(pred, labels),
        macro_f1_10=macro_f1_min_support(pred, labels),
        hprecision=hprecision,
        hrecall=hrecall,
        hf1=hf1,
        hf1_weighted=weighted_hierarchical_prf(pred, labels, tree)[2],
        ece=leaf_ece(probs, labels),
        ece_levels=level_ece(probs, labels, tree),
        nll=nll(probs, labels),
        brier=brier(probs, labels),
        mistake_severity=mistake_severity(pred, labels, tree),
        mistake_distance=mistake_distance(pred, labels, tree),
        distance_at_1=at_1,
        distance_at_2=at_2,
        distance_at_5=at_5,
        name_top1=name_equivalent_top1(pred, labels, tree),
    )

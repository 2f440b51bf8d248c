"""Which leaves are taken for which others, the costliest pairs first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal.evaluation.arrays import Ints
from multimodal.evaluation.hierarchical import leaf_overlap
from multimodal.taxonomy import Tree


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows of one leaf that were answered with another.

    Attributes:
        true, predicted: leaf indices.
        count: rows.
        distance: edges between the two leaves through their lowest common ancestor; 2 for siblings.
    """

    true: int
    predicted: int
    count: int
    distance: int

    @property
    def cost(self) -> int:
        """Distance times count: what the pairs are ordered by."""
        return self.distance * self.count


def worst_confusions(pred: Ints, labels: Ints, tree: Tree, limit: int | None = None) -> tuple[Confusion, ...]:
    """Pairs of confused leaves by distance times count, the worst first; then by count, then by the tree's order.

    Args:
        pred, labels: int [N], leaf indices.
        limit: how many pairs at most; all by default.
    """
    distance = leaf_overlap(pred, labels, tree).distance
    wrong = np.flatnonzero(pred != labels)
    pairs, first, counts = np.unique(
        np.stack([labels[wrong], pred[wrong]], axis=1), axis=0, return_index=True, return_counts=True
    )
    found = [
        Confusion(int(true), int(other), int(count), int(distance[wrong[at]]))
        for (true, other), at, count in zip(pairs, first, counts, strict=True)
    ]
    found.sort(key=lambda c: (-c.cost, -c.count, c.true, c.predicted))
    return tuple(found[:limit])

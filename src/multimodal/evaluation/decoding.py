"""Which leaf to answer: not only the likeliest, but the one whose mistakes would be the least severe."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from multimodal.evaluation.arrays import Floats, Ints
from multimodal.evaluation.hierarchical import node_heights
from multimodal.evaluation.paths import leaf_nodes, node_paths
from multimodal.taxonomy import Tree


def expected_severity(probs: Floats, tree: Tree, power: float = 1.0) -> Floats:
    """Mean height of the lowest common ancestor of each leaf and the truth [N, leaves].

    The height of a node is the number of edges down to the deepest leaf below it, that of the implicit root the
    number of levels; see ``mistake_severity``. Minimising it is the conditional risk minimisation of Karthik et al.,
    "No Cost Likelihood Manipulation at Test Time for Making Better Mistakes in Deep Networks", 2021.

    Args:
        probs: leaf probabilities [N, leaves].
        power: probabilities are raised to it first: below 1 what is unlikely counts for more.
    """
    flat = probs.astype(np.float64) ** power
    nodes = tree.node_probabilities(flat / flat.sum(axis=1, keepdims=True))
    paths = node_paths(tree)[:, leaf_nodes(tree)]
    heights = node_heights(tree)
    severity: Floats = tree.levels * (1 - nodes[:, paths[0]])
    for above, below in pairwise(paths):
        there = below >= 0
        outside = nodes[:, above[there]] - nodes[:, below[there]]
        severity[:, there] += heights[above[there]] * outside
    return severity


def least_severe(probs: Floats, tree: Tree, power: float = 1.0) -> Ints:
    """The leaf [N] with the least ``expected_severity``; the likelier one of those that are as good."""
    severity = expected_severity(probs, tree, power)
    best = severity <= severity.min(axis=1, keepdims=True) + 1e-9
    leaf: Ints = np.where(best, probs, -1.0).argmax(axis=1)
    return leaf

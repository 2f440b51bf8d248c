"""From leaf probabilities to an answer in the tree: paths, suggestions, going up when unsure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from multimodal.taxonomy import Tree
from multimodal.types import CategoryScore, Decision, FloatArray, PathStep

Probabilities = npt.NDArray[np.floating]
Indices = npt.NDArray[np.intp]


def category(tree: Tree, nodes: Probabilities, node_id: str) -> CategoryScore:
    """A category with its path; ``nodes`` holds the probability of every node of the tree, [nodes]."""
    steps = tuple([PathStep(n.id, n.name, _probability(nodes, tree, n.id)) for n in tree.path(node_id)])
    last = steps[-1]
    return CategoryScore(last.id, last.name, node_id in tree.leaf_index, last.probability, steps)


def by_likelihood(leaves: FloatArray) -> Indices:
    """Positions of the leaves [leaves], the likeliest first; ties in the order of the tree."""
    order: Indices = np.argsort(-leaves, kind="stable")
    return order


def likely_enough(leaves: FloatArray, ranked: Indices, threshold: float) -> Indices:
    """Those of the ``ranked`` leaves from a probability on, and always the likeliest: one row of ``candidate_sets``."""
    return ranked[: max(1, int((leaves >= threshold).sum()))]


def decide(
    tree: Tree, nodes: Probabilities, leaf: str, min_confidence: float | None
) -> tuple[Decision, str | None]:
    """The leaf, or its nearest ancestor whose summed probability reaches ``min_confidence``.

    A node above every leaf is no answer: it is always right, and tells nothing.

    Returns:
        The decision and the category's id; ("abstain", None) when nothing on the way up is probable enough.
    """
    if min_confidence is None:
        return "leaf", leaf
    for node in reversed(tree.path(leaf)):
        if node.id != leaf and tree.leaf_matrix[tree.node_index[node.id]].all():
            break
        # Sums of many numbers may end a hair below 1.
        if _probability(nodes, tree, node.id) >= min_confidence - 1e-6:
            return ("leaf" if node.id == leaf else "ancestor"), node.id
    return "abstain", None


def _probability(nodes: Probabilities, tree: Tree, node_id: str) -> float:
    # Sums of many float32 may end a hair above 1.
    return min(1.0, nodes.item(tree.node_index[node_id]))

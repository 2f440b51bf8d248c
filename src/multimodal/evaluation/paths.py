"""Paths of the tree as arrays: how many nodes the paths of an answer and of the truth share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal.evaluation.arrays import Ints, check_labels
from multimodal.taxonomy import Tree

NO_ANSWER = -1
"""Stands for a predicted node where a system gave none: a path of no nodes."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Paths of N answers beside the true ones, in nodes; the implicit root above the roots is no node.

    Attributes:
        shared: nodes that both paths have.
        predicted, true: nodes of each path.
    """

    shared: Ints
    predicted: Ints
    true: Ints

    @property
    def distance(self) -> Ints:
        """Edges from the answer up to the lowest common ancestor and down to the truth; 0 where they are one."""
        distance: Ints = self.predicted + self.true - 2 * self.shared
        return distance


def leaf_nodes(tree: Tree) -> Ints:
    """Index in ``tree.nodes`` of each leaf, int [leaves]."""
    return np.array([tree.node_index[leaf] for leaf in tree.leaves], dtype=np.int64)


def path_overlap(predicted: Ints, true: Ints, tree: Tree, depth: int | None = None) -> Overlap:
    """Compares paths of nodes, inner ones too.

    Args:
        predicted: int [N], indices in ``tree.nodes``, or ``NO_ANSWER``.
        true: int [N], indices in ``tree.nodes``.
        depth: look at the paths down to this depth only; all of them by default.

    Raises:
        ValueError: no rows, indices outside the tree, or another number of them on one side.
    """
    check_labels(true, predicted, len(tree.nodes))
    check_labels(predicted + 1, true, len(tree.nodes) + 1)
    paths = node_paths(tree)[:depth]
    own, other = paths[:, true], paths[:, predicted]
    return Overlap(((own == other) & (own >= 0)).sum(axis=0), (other >= 0).sum(axis=0), (own >= 0).sum(axis=0))


def node_paths(tree: Tree) -> Ints:
    """Node index by depth on the way to each node, int [levels, nodes + 1]; -1 below a node's own depth.

    The last column, all -1, is the path of ``NO_ANSWER``.
    """
    paths = np.full((tree.levels, len(tree.nodes) + 1), -1, dtype=np.int64)
    for column, node in enumerate(tree.nodes):
        steps = [tree.node_index[step.id] for step in tree.path(node.id)]
        paths[: len(steps), column] = steps
    return paths

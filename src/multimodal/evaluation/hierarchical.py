"""Metrics that know the tree: how far off a wrong leaf is, and whether it only has another's name."""

from __future__ import annotations

import numpy as np

from multimodal.evaluation.arrays import Ints, check_labels
from multimodal.taxonomy import Tree


def hierarchical_prf(pred: Ints, labels: Ints, tree: Tree) -> tuple[float, float, float]:
    """Micro-averaged hierarchical precision, recall and F1 of the arg-max leaf.

    With P the predicted and T the true leaf, each with its ancestors: hP = sum |P and T| / sum |P|,
    hR = sum |P and T| / sum |T|. The implicit root above the tree's roots is no node and does not count;
    the tree's own roots do.

    Args:
        pred, labels: int [N], leaf indices.
    """
    depths, shared = _leaf_depths(tree), _shared_ancestors(pred, labels, tree)
    common = float(shared.sum())
    precision, recall = common / float(depths[pred].sum()), common / float(depths[labels].sum())
    f1 = 2 * precision * recall / (precision + recall) if common else 0.0
    return precision, recall, f1


def mistake_severity(pred: Ints, labels: Ints, tree: Tree) -> float:
    """Mean height of the lowest common ancestor over the wrong rows; 0 when none is wrong.

    The height of a node is the number of edges down to the deepest leaf below it (Bertinetto et al.,
    2020, "Making Better Mistakes"). Leaves under different roots meet in the implicit root, whose height
    is the number of levels. So the least severe mistake, between siblings that have only leaves beside
    them, counts 1.
    """
    shared = _shared_ancestors(pred, labels, tree)
    wrong = np.flatnonzero(pred != labels)
    if len(wrong) == 0:
        return 0.0
    ancestors, _ = _ancestors(tree)
    top = ancestors[np.maximum(shared[wrong] - 1, 0), labels[wrong]]
    heights = np.where(shared[wrong] == 0, tree.levels, _heights(tree)[top])
    return float(heights.mean())


def name_equivalent_top1(pred: Ints, labels: Ints, tree: Tree) -> float:
    """Share of rows whose predicted leaf carries the true leaf's name, wherever it stands in the tree."""
    _check(pred, labels, tree)
    names = [tree.path(leaf)[-1].name for leaf in tree.leaves]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    by_name = np.array([first[name] for name in names])
    return float(np.mean(by_name[pred] == by_name[labels]))


def _check(pred: Ints, labels: Ints, tree: Tree) -> None:
    check_labels(labels, pred, len(tree.leaves))
    check_labels(pred, labels, len(tree.leaves))


def _leaf_depths(tree: Tree) -> Ints:
    return np.array([tree.depth(leaf) for leaf in tree.leaves], dtype=np.int64)


def _ancestors(tree: Tree) -> tuple[Ints, Ints]:
    """Node index of each leaf's ancestor by depth, int [levels, leaves], and the depths, int [leaves]."""
    table = np.stack([tree.level_matrix(depth) for depth in range(1, tree.levels + 1)])
    return table, _leaf_depths(tree)


def _shared_ancestors(pred: Ints, labels: Ints, tree: Tree) -> Ints:
    """How many nodes two leaves' paths share, int [N]; a leaf shares its whole path with itself."""
    _check(pred, labels, tree)
    ancestors, depths = _ancestors(tree)
    # below its own depth a short leaf is repeated, which must not count again
    real = np.arange(1, tree.levels + 1)[:, None] <= depths[labels][None, :]
    shared: Ints = ((ancestors[:, pred] == ancestors[:, labels]) & real).sum(axis=0)
    return shared


def _heights(tree: Tree) -> Ints:
    """Edges from each node to the deepest leaf below it, int [nodes]."""
    ancestors, depths = _ancestors(tree)
    heights = np.zeros(len(tree.nodes), dtype=np.int64)
    for depth, nodes in enumerate(ancestors, start=1):
        np.maximum.at(heights, nodes, np.maximum(depths - depth, 0))
    return heights

"""Metrics that know the tree: how far off a wrong leaf is, and whether it only has another's name."""

from __future__ import annotations

import numpy as np

from multimodal.evaluation.arrays import Floats, Ints, check_labels, check_scores
from multimodal.evaluation.paths import Overlap, leaf_nodes, node_paths, path_overlap
from multimodal.taxonomy import Tree


def hierarchical_prf(pred: Ints, labels: Ints, tree: Tree) -> tuple[float, float, float]:
    """Micro-averaged hierarchical precision, recall and F1 of the arg-max leaf.

    With P the predicted and T the true leaf, each with its ancestors: hP = sum |P and T| / sum |P|,
    hR = sum |P and T| / sum |T|. The implicit root above the tree's roots is no node and does not count;
    the tree's own roots do.

    Args:
        pred, labels: int [N], leaf indices.
    """
    overlap = leaf_overlap(pred, labels, tree)
    common = float(overlap.shared.sum())
    precision, recall = common / float(overlap.predicted.sum()), common / float(overlap.true.sum())
    f1 = 2 * precision * recall / (precision + recall) if common else 0.0
    return precision, recall, f1


def hierarchical_f1(overlap: Overlap) -> float:
    """Micro hF1 of any answers, inner nodes and missing ones too: 2 sum |P and T| / (sum |P| + sum |T|)."""
    return float(2 * overlap.shared.sum() / (overlap.predicted.sum() + overlap.true.sum()))


def mistake_severity(pred: Ints, labels: Ints, tree: Tree) -> float:
    """Mean height of the lowest common ancestor over the wrong rows; 0 when none is wrong.

    The height of a node is the number of edges down to the deepest leaf below it (Bertinetto et al.,
    2020, "Making Better Mistakes"). Leaves under different roots meet in the implicit root, whose height
    is the number of levels. So the least severe mistake, between siblings that have only leaves beside
    them, counts 1.
    """
    heights = lca_heights(pred, labels, tree)
    wrong = pred != labels
    return float(heights[wrong].mean()) if wrong.any() else 0.0


def lca_heights(pred: Ints, labels: Ints, tree: Tree) -> Ints:
    """Height [N] of the lowest common ancestor of each answer and its truth; 0 where they are one."""
    shared = leaf_overlap(pred, labels, tree).shared
    paths = node_paths(tree)[:, leaf_nodes(tree)]
    top = paths[np.maximum(shared - 1, 0), labels]
    heights: Ints = np.where(shared == 0, tree.levels, node_heights(tree)[top])
    return heights


def hierarchical_distance(probs: Floats, labels: Ints, tree: Tree, k: int) -> float:
    """Mean height of the lowest common ancestor of the truth and each of the ``k`` best leaves, right ones too.

    The hierarchical distance of top k of Bertinetto et al., 2020.

    Args:
        probs: scores [N, leaves].
        labels: leaf indices [N].
        k: 1 or more; more than there are leaves stands for all.
    """
    check_scores(probs, labels)
    best = np.argsort(-probs, axis=1, kind="stable")[:, :k]
    return float(np.mean([lca_heights(column, labels, tree).mean() for column in best.T]))


def weighted_hierarchical_prf(pred: Ints, labels: Ints, tree: Tree) -> tuple[float, float, float]:
    """Hierarchical precision, recall and F1 of each true leaf's rows, weighted by their number.

    Unlike the micro average, each leaf counts by its rows and not by how deep its paths are.
    """
    overlap = leaf_overlap(pred, labels, tree)
    rows = np.bincount(labels)
    shared, said, true = (np.bincount(labels, part) for part in (overlap.shared, overlap.predicted, overlap.true))
    there = rows > 0
    shared, said, true, rows = shared[there], said[there], true[there], rows[there]
    each = (shared / said, shared / true, 2 * shared / (said + true))
    precision, recall, f1 = (float(np.average(figures, weights=rows)) for figures in each)
    return precision, recall, f1


def mistake_distance(pred: Ints, labels: Ints, tree: Tree) -> float:
    """Mean edges between the predicted and the true leaf over the wrong rows; 0 when none is wrong.

    Siblings are 2 apart. Leaves under different roots meet in the implicit root above them.
    """
    distance = leaf_overlap(pred, labels, tree).distance
    wrong = pred != labels
    return float(distance[wrong].mean()) if wrong.any() else 0.0


def name_equivalent_top1(pred: Ints, labels: Ints, tree: Tree) -> float:
    """Share of rows whose predicted leaf carries the true leaf's name, wherever it stands in the tree."""
    _check(pred, labels, tree)
    names = [tree.path(leaf)[-1].name for leaf in tree.leaves]
    first = {name: i for i, name in reversed(list(enumerate(names)))}
    by_name = np.array([first[name] for name in names])
    return float(np.mean(by_name[pred] == by_name[labels]))


def leaf_overlap(pred: Ints, labels: Ints, tree: Tree) -> Overlap:
    """``path_overlap`` of leaves by their indices in ``tree.leaves``, int [N]."""
    _check(pred, labels, tree)
    nodes = leaf_nodes(tree)
    return path_overlap(nodes[pred], nodes[labels], tree)


def _check(pred: Ints, labels: Ints, tree: Tree) -> None:
    check_labels(labels, pred, len(tree.leaves))
    check_labels(pred, labels, len(tree.leaves))


def node_heights(tree: Tree) -> Ints:
    """Edges from each node to the deepest leaf below it, int [nodes]."""
    heights = np.zeros(len(tree.nodes), dtype=np.int64)
    for leaf in tree.leaves:
        for height, step in enumerate(reversed(tree.path(leaf))):
            index = tree.node_index[step.id]
            heights[index] = max(int(heights[index]), height)
    return heights

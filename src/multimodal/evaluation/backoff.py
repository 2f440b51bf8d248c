"""Answers that go up the tree when unsure: which node they give, and what they are worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from multimodal.evaluation.arrays import Flags, Floats, Ints, check_labels, check_scores
from multimodal.evaluation.paths import NO_ANSWER, leaf_nodes, node_paths
from multimodal.taxonomy import Tree


@dataclass(frozen=True, slots=True)
class BackoffFigures:
    """What answers that may be inner nodes are worth; NaN-free, None where nothing was answered.

    Attributes:
        rows: all rows, answered or not.
        answered: share of the rows with an answer.
        accuracy: share of the answers that are the true leaf or stand above it.
        leaf_coverage: share of all rows that are answered with a leaf.
        leaf_accuracy: share of those leaves that are right.
        mean_depth: of the answers; a root of the tree has depth 1.
    """

    rows: int
    answered: float
    accuracy: float | None
    leaf_coverage: float
    leaf_accuracy: float | None
    mean_depth: float | None

    def to_dict(self) -> dict[str, float | int | None]:
        """As JSON values."""
        return asdict(self)


def climb(probs: Floats, tree: Tree, thresholds: Floats) -> Ints:
    """The deepest node on the way up from the likeliest leaf whose summed probability reaches a threshold.

    A node above every leaf of the tree is no answer: it tells nothing.

    Args:
        probs: calibrated leaf probabilities [N, leaves].
        thresholds: [T].

    Returns:
        Indices in ``tree.nodes``, or ``NO_ANSWER``, int [T, N].

    Raises:
        ValueError: probabilities that are not [N, leaves] of this tree, or not finite.
    """
    best = probs.argmax(axis=1)
    check_scores(probs, best)
    if probs.shape[1] != len(tree.leaves):
        raise ValueError(f"probs: got {probs.shape[1]} leaves, expected the tree's {len(tree.leaves)}")
    up = node_paths(tree)[:, leaf_nodes(tree)[best]]  # [levels, N], -1 below a path's end
    sums = tree.node_probabilities(probs.astype(np.float64))
    reached = np.take_along_axis(sums, np.maximum(up, 0).T, axis=1).T  # [levels, N]
    everything = np.asarray(tree.leaf_matrix.all(axis=1))
    everything[leaf_nodes(tree)] = False
    useful = (up >= 0) & ~everything[np.maximum(up, 0)]
    levels = np.arange(1, len(up) + 1)[:, None]
    found = np.empty((len(thresholds), len(probs)), dtype=np.int64)
    for i, threshold in enumerate(thresholds):
        # Sums of many numbers may end a hair below a threshold of 1.
        depth = np.where(useful & (reached >= threshold - 1e-6), levels, 0).max(axis=0)
        found[i] = np.where(depth > 0, up[np.maximum(depth - 1, 0), np.arange(len(probs))], NO_ANSWER)
    return found


def holds(answers: Ints, labels: Ints, tree: Tree) -> Flags:
    """Whether each answered node is the true leaf or above it, bool [N]; False without an answer.

    Args:
        answers: indices in ``tree.nodes``, or ``NO_ANSWER``, int [N].
        labels: leaf indices, int [N].
    """
    check_labels(labels, answers, len(tree.leaves))
    right: Flags = tree.leaf_matrix[np.maximum(answers, 0), labels] & (answers != NO_ANSWER)
    return right


def backoff_figures(answers: Ints, labels: Ints, tree: Tree) -> BackoffFigures:
    """Figures of one threshold's answers.

    Args:
        answers: indices in ``tree.nodes``, or ``NO_ANSWER``, int [N].
        labels: leaf indices, int [N].
    """
    right, given = holds(answers, labels, tree), answers != NO_ANSWER
    depths = (node_paths(tree)[:, answers] >= 0).sum(axis=0)
    leaf = given & np.isin(answers, leaf_nodes(tree))
    return BackoffFigures(
        rows=len(labels),
        answered=float(given.mean()),
        accuracy=float(right[given].mean()) if given.any() else None,
        leaf_coverage=float(leaf.mean()),
        leaf_accuracy=float(right[leaf].mean()) if leaf.any() else None,
        mean_depth=float(depths[given].mean()) if given.any() else None,
    )

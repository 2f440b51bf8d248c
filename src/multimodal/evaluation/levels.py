"""The tree cut at a level: the best node there, its probability, and how often it is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from multimodal.evaluation.arrays import Flags, Floats, Ints, check_scores
from multimodal.evaluation.hierarchical import hierarchical_f1
from multimodal.evaluation.metrics import macro_f1
from multimodal.evaluation.paths import path_overlap
from multimodal.evaluation.reliability import BINS, ReliabilityBin, ece, reliability_table
from multimodal.taxonomy import Tree


@dataclass(frozen=True, slots=True)
class LevelAnswers:
    """What a head answers when the tree is cut at ``depth``.

    A leaf that ends above the cut stands for itself there, in truth and in answers: no row is left out,
    so every level has the same rows and the last level is the leaves.

    Attributes:
        depth: 1 for the roots.
        pred, labels: int [N], indices in ``tree.nodes``.
        confidence: float64 [N], the best node's probability, the sum of its leaves'.
    """

    depth: int
    pred: Ints
    labels: Ints
    confidence: Floats

    @property
    def correct(self) -> Flags:
        """bool [N]."""
        return np.asarray(self.pred == self.labels)

    def reliability(self, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
        """Bins of equal mass; see ``reliability_table``."""
        return reliability_table(self.confidence, self.correct, bins)


@dataclass(frozen=True, slots=True)
class LevelMetrics:
    """The figures of one head at one level.

    Attributes:
        depth: 1 for the roots.
        nodes: nodes of the level that occur in truth.
        rows: all rows measured, the same at every level.
        ended_above: how many of them have a true leaf that ends above this level; they count with that leaf.
        top1: the level's most probable node is the right one. It need not stand above the most probable leaf.
        hf1: micro, of paths down to this level.
        macro_f1: over nodes in truth or predictions.
        ece: of the best node's probability.
    """

    depth: int
    nodes: int
    rows: int
    ended_above: int
    top1: float
    hf1: float
    macro_f1: float
    ece: float

    def to_dict(self) -> dict[str, int | float]:
        """Plain JSON values under the names of the attributes."""
        return asdict(self)


def level_answers(probs: Floats, labels: Ints, tree: Tree) -> Iterator[LevelAnswers]:
    """Cuts the tree at each level, roots first.

    Args:
        probs: float [N, leaves], in the order of ``tree.leaves``; no NaN rows.
        labels: int [N], leaf indices.
    """
    check_scores(probs, labels)
    nodes = tree.node_probabilities(probs.astype(np.float64))
    for depth in range(1, tree.levels + 1):
        of_leaf = tree.level_matrix(depth)
        level = np.unique(of_leaf)
        best = nodes[:, level].argmax(axis=1)
        confidence = nodes[np.arange(len(nodes)), level[best]]
        yield LevelAnswers(depth, level[best], of_leaf[labels], confidence)


def level_metrics(probs: Floats, labels: Ints, tree: Tree) -> tuple[LevelMetrics, ...]:
    """The figures of every level, roots first; arguments as for ``level_answers``."""
    depths = np.array([tree.depth(leaf) for leaf in tree.leaves])[labels]
    return tuple(
        LevelMetrics(
            depth=level.depth,
            nodes=len(np.unique(level.labels)),
            rows=len(labels),
            ended_above=int((depths < level.depth).sum()),
            top1=float(level.correct.mean()),
            hf1=hierarchical_f1(path_overlap(level.pred, level.labels, tree)),
            macro_f1=macro_f1(level.pred, level.labels),
            ece=ece(level.confidence, level.correct),
        )
        for level in level_answers(probs, labels, tree)
    )


def level_ece(probs: Floats, labels: Ints, tree: Tree, bins: int = BINS) -> tuple[float, ...]:
    """``ece`` of the best node of each level, from the roots (depth 1) to the deepest.

    A node's probability is the sum of its leaves'; a leaf that ends above a level stands for itself there,
    so the last level is the leaves.
    """
    return tuple(ece(level.confidence, level.correct, bins) for level in level_answers(probs, labels, tree))

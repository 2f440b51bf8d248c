"""Everything a report tells that is computed from the measured rows, in one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from multimodal.evaluation import (
    ClassMetrics,
    Confusion,
    Interval,
    LevelAnswers,
    LevelMetrics,
    SizeBand,
    by_class_size,
    class_metrics,
    group_interval,
    leaf_overlap,
    level_answers,
    level_metrics,
    ratio_interval,
    worst_confusions,
)
from multimodal.evaluation.coverage import Coverage, flat_coverage, tree_coverage
from multimodal.report.coverage import FLAT, TREE
from multimodal.serving.measured import Measured
from multimodal.serving.mistakes import Mistake, find_mistakes
from multimodal.taxonomy import Tree
from multimodal.types import HeadName

_MISTAKES = 20


@dataclass(frozen=True, slots=True)
class Details:
    """What the tables and plots show.

    Attributes:
        top1, hf1: of the answer, with 95 % intervals over groups.
        second: share of the wrong rows whose right leaf was the second suggestion; None without wrong rows.
        answers, levels: head -> levels, roots first.
        classes: leaves in truth or answers, in the tree's order.
        mistakes: the most confident ones.
        coverage: accuracy by share of rows answered, by the name of its line.
    """

    top1: Interval
    hf1: Interval
    second: float | None
    answers: Mapping[HeadName, tuple[LevelAnswers, ...]]
    levels: Mapping[HeadName, tuple[LevelMetrics, ...]]
    classes: tuple[ClassMetrics, ...]
    sizes: tuple[SizeBand, ...]
    confusions: tuple[Confusion, ...]
    mistakes: tuple[Mistake, ...]
    coverage: Mapping[str, Coverage]

    def to_dict(self, tree: Tree) -> dict[str, Any]:
        """As JSON values, leaves by their ids; without rows of the data."""
        ids = tree.leaves
        return {
            "intervals": {"top1": asdict(self.top1), "hf1": asdict(self.hf1)},
            "second_right_when_wrong": self.second,
            "levels": {head: [level.to_dict() for level in levels] for head, levels in self.levels.items()},
            "reliability": {head: _bins(levels) for head, levels in self.answers.items()},
            "coverage": {name: curve.to_dict() for name, curve in self.coverage.items()},
            "class_sizes": [band.to_dict() for band in self.sizes],
            "classes": [class_dict(c, tree) for c in self.classes],
            "confusions": [
                {"true_id": ids[c.true], "predicted_id": ids[c.predicted], "count": c.count, "distance": c.distance}
                for c in self.confusions
            ],
        }


def collect(measured: Measured, tree: Tree) -> Details:
    """Computes all of it from the probabilities kept."""
    pred, labels = measured.pred, measured.labels
    overlap, mistakes = leaf_overlap(pred, labels, tree), find_mistakes(measured, tree)
    classes = class_metrics(pred, labels, len(tree.leaves))
    by_head = list(measured.by_head())
    return Details(
        top1=group_interval(pred == labels, measured.groups),
        hf1=ratio_interval((2 * overlap.shared, overlap.predicted + overlap.true), measured.groups),
        second=sum(m.rank_of_truth == 2 for m in mistakes) / len(mistakes) if mistakes else None,
        answers={head: tuple(level_answers(probs, own, tree)) for head, probs, own in by_head},
        levels={head: level_metrics(probs, own, tree) for head, probs, own in by_head},
        classes=classes,
        sizes=by_class_size(classes),
        confusions=worst_confusions(pred, labels, tree),
        mistakes=tuple(mistakes[:_MISTAKES]),
        coverage=_coverage(measured, tree),
    )


def _coverage(measured: Measured, tree: Tree) -> dict[str, Coverage]:
    """The answer's own lines, and the peer's where it says how sure it was."""
    probs, peer = measured.probs["fused"], measured.peer
    found = {
        TREE: tree_coverage(probs, measured.labels, tree),
        FLAT: flat_coverage(probs.max(axis=1), measured.pred == measured.labels),
    }
    if peer is not None and peer.probabilities is not None:
        right = np.array([tree.leaf_index.get(i or "", -1) for i in peer.category_ids]) == measured.labels
        found[peer.name] = flat_coverage(peer.probabilities, right)
    return found


def class_dict(found: ClassMetrics, tree: Tree) -> dict[str, Any]:
    """One leaf's figures under its id, name and path."""
    path = tree.path(tree.leaves[found.index])
    figures = {key: value for key, value in asdict(found).items() if key != "index"}
    return {"id": path[-1].id, "name": path[-1].name, "path": " > ".join(node.name for node in path), **figures}


def _bins(levels: tuple[LevelAnswers, ...]) -> list[list[dict[str, float]]]:
    return [[asdict(b) for b in level.reliability()] for level in levels]

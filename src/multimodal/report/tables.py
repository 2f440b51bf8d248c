"""The report's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from multimodal.evaluation import ClassMetrics, Confusion, LevelAnswers, LevelMetrics, SizeBand
from multimodal.evaluation.coverage import Coverage
from multimodal.report.blocks import Table
from multimodal.report.sizes import band_name
from multimodal.serving.mistakes import Mistake
from multimodal.taxonomy import Tree
from multimodal.types import HeadName

_ACCURACIES = (0.9, 0.95, 0.99)
_MOST = 20
_MIN_ROWS = 10
_HEADS = {"fused": "the answer", "text": "text alone", "image": "photo alone"}
_SHARES = {
    "top1": "first suggestion right (top-1)",
    "top2": "right one among 2 (top-2)",
    "top5": "right one among 5 (top-5)",
    "name_top1": "right name anywhere in the tree",
    "hprecision": "along the path, of the answer's (hP)",
    "hrecall": "along the path, of the truth's (hR)",
    "hf1": "along the path (hF1)",
    "hf1_weighted": "along the path, by category (weighted hF1)",
    "weighted_f1": "F1, weighted by rows",
    "macro_f1": "F1, every category alike",
    "macro_f1_10": "F1, categories of 10 rows or more",
}
_NUMBERS = {
    "ece": "probability off by (ECE)",
    "nll": "NLL",
    "brier": "Brier score",
    "mistake_severity": "height of a mistake, mean",
    "mistake_distance": "distance of a mistake, mean",
    "distance_at_1": "height to the truth, the first suggestion",
    "distance_at_2": "height to the truth, the first 2",
    "distance_at_5": "height to the truth, the first 5",
}


def percent(value: float | None) -> str:
    """A share with one decimal; a dash for none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def head_table(heads: Mapping[str, Mapping[str, Any]]) -> Table:
    """All figures, a column for each head."""
    rows = [("rows", *(f"{figures['rows']:,}" for figures in heads.values()))]
    rows += [(name, *(percent(f[key]) for f in heads.values())) for key, name in _SHARES.items()]
    rows += [(name, *(f"{f[key]:.4f}" for f in heads.values())) for key, name in _NUMBERS.items()]
    return Table(("", *(_HEADS[head] for head in heads)), tuple(rows))


def level_table(levels: Sequence[LevelMetrics]) -> Table:
    """A line for each level, roots first."""
    rows = tuple(
        (
            _level(level, levels), f"{level.nodes:,}", f"{level.ended_above:,}",
            percent(level.top1), percent(level.hf1), percent(level.macro_f1), f"{level.ece:.4f}",
        )
        for level in levels
    )  # fmt: skip
    return Table(("", "categories", "rows that ended above", "top-1", "hF1", "macro F1", "ECE"), rows)


def ece_table(levels: Mapping[HeadName, Sequence[LevelMetrics]]) -> Table:
    """ECE of each head at each level, roots first; with the rows that each could answer."""
    deepest = next(iter(levels.values()))
    rows = [(_level(one, deepest), *(f"{own[i].ece:.4f}" for own in levels.values())) for i, one in enumerate(deepest)]
    counts = ("rows", *(f"{own[0].rows:,}" for own in levels.values()))
    return Table(("ECE", *(_HEADS[head] for head in levels)), (*rows, counts))


def _level(level: LevelMetrics, levels: Sequence[LevelMetrics]) -> str:
    return "leaves" if level.depth == levels[-1].depth else f"level {level.depth}"


def against_table(against: Mapping[str, Any]) -> Table:
    """Both systems and the difference in points, with its interval."""
    rows = tuple(
        (name, percent(found["mean_a"]), percent(found["mean_b"]), points(found))
        for name, found in (("top-1", against["top1"]), ("hF1", against["hf1"]))
    )
    return Table(("", "this model", against["name"], "difference, points"), rows)


def points(comparison: Mapping[str, float]) -> str:
    """A difference in points with its 95 % interval."""
    difference, low, high = (100 * comparison[key] for key in ("difference", "low", "high"))
    return f"{difference:+.2f} ({low:+.2f} to {high:+.2f})"


def slice_table(by: Mapping[str, Any]) -> Table:
    """A line for each value of the column."""
    rows = tuple(
        (
            "(empty)" if part["value"] is None else part["value"], f"{part['rows']:,}", percent(part["top1"]),
            f"{percent(part['low'])} to {percent(part['high'])}", percent(part["hf1"]),
        )
        for part in by["values"]
    )  # fmt: skip
    return Table((by["column"], "rows", "top-1", "95 % interval", "hF1"), rows)


def confusion_table(confusions: Sequence[Confusion], tree: Tree) -> Table:
    """The costliest pairs with their paths."""
    rows = tuple(
        (_path(tree, c.true), _path(tree, c.predicted), f"{c.count:,}", f"{c.distance}") for c in confusions[:_MOST]
    )
    return Table(("in the data", "answered", "rows", "distance"), rows, numbers=2)


def mistake_table(mistakes: Sequence[Mistake]) -> Table:
    """Single rows."""
    rows = tuple(
        (
            "" if m.id is None else str(m.id), _cut(m.title or "(no title)"), m.true_path, m.predicted_path,
            percent(m.probability), str(m.rank_of_truth),
        )
        for m in mistakes
    )  # fmt: skip
    header = ("id", "title", "in the data", "answered", "probability", "place of the one in the data")
    return Table(header, rows, numbers=4)


def reliability_rows(level: LevelAnswers) -> Table:
    """The bins of the leaves, least confident first."""
    rows = tuple(
        (percent(b.confidence), percent(b.accuracy), f"{100 * (b.accuracy - b.confidence):+.1f}", f"{b.count:,}")
        for b in level.reliability()
    )
    return Table(("mean probability of the leaf", "right", "difference, points", "rows"), rows)


def coverage_table(curves: Mapping[str, Coverage]) -> Table:
    """What share of the rows each line answers at an accuracy, as these rows happen to fall."""
    rows = tuple((name, *(percent(curve.at(accuracy)) for accuracy in _ACCURACIES)) for name, curve in curves.items())
    return Table(("rows answered where so many are right", *(f"{accuracy:.0%}" for accuracy in _ACCURACIES)), rows)


def size_table(bands: Sequence[SizeBand]) -> Table:
    """A line for each band of sizes."""
    rows = tuple(
        (f"{band_name(b)} rows", f"{b.classes:,}", f"{b.rows:,}", percent(b.top1), percent(b.macro_f1)) for b in bands
    )
    return Table(("category has", "categories", "rows", "right", "mean F1"), rows)


def weakest_table(classes: Sequence[ClassMetrics], tree: Tree) -> Table:
    """Leaves with enough rows to judge them, the lowest F1 first."""
    own = sorted((c for c in classes if c.support >= _MIN_ROWS and c.f1 < 1), key=lambda c: (c.f1, -c.support))
    rows = tuple(
        (_path(tree, c.index), f"{c.support:,}", percent(c.precision), percent(c.recall), percent(c.f1))
        for c in own[:_MOST]
    )
    return Table(("category", "rows", "precision", "recall", "F1"), rows)


def _path(tree: Tree, leaf: int) -> str:
    return " > ".join(node.name for node in tree.path(tree.leaves[leaf]))


def _cut(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"

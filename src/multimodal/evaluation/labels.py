"""Figures of tags (none, one or several a photo) and of single-choice attributes, and the thresholds of tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.evaluation.arrays import Floats, Ints, check_scores
from multimodal.evaluation.metrics import macro_f1
from multimodal.evaluation.reliability import nll

Bools = npt.NDArray[np.bool_]


def precision_recall(probability: Floats, shown: Bools) -> tuple[Floats, Floats, Floats]:
    """Thresholds [K] from high to low, with precision and recall [K] of answering at each and above.

    Args:
        probability: float [N].
        shown: bool [N], whether the tag holds.

    Raises:
        ValueError: shapes differ, or no row shows the tag.
    """
    if probability.shape != shown.shape or probability.ndim != 1:
        raise ValueError(f"got shapes {probability.shape} and {shown.shape}, expected [N] twice")
    if not shown.any():
        raise ValueError("got no row that shows the tag, expected some; recall would have no meaning")
    order = np.argsort(-probability, kind="stable")
    ordered = probability[order]
    last = np.append(np.flatnonzero(np.diff(ordered) != 0), len(ordered) - 1)  # ties are answered together
    hits = np.cumsum(shown[order])[last]
    return ordered[last], hits / (last + 1), hits / shown.sum()


def average_precision(probability: Floats, shown: Bools) -> float:
    """Mean precision over recall: the sum of (recall's step) x precision, as in scikit-learn."""
    _, precision, recall = precision_recall(probability, shown)
    return float((np.diff(np.append(0, recall)) * precision).sum())


def threshold_for(probability: Floats, shown: Bools, precision: float | None = None) -> float:
    """The threshold with the best F1; or, with ``precision``, with the best recall among those that reach it.

    Where none reaches the precision, the one that comes nearest. Thresholds lie midway between two probabilities.
    """
    thresholds, found, recall = precision_recall(probability, shown)
    if precision is None:
        best = int(np.argmax(2 * found * recall / np.maximum(found + recall, 1e-12)))
    else:
        reached = np.flatnonzero(found >= precision)
        best = int(reached[np.argmax(recall[reached])]) if len(reached) else int(np.argmax(found))
    below = thresholds[best + 1] if best + 1 < len(thresholds) else 0.0
    midway = (thresholds[best] + below) / 2
    return float(midway if midway > below else thresholds[best])  # between neighbouring numbers there is none


def tag_metrics(
    probability: Mapping[str, Floats], truth: Mapping[str, Ints], thresholds: Mapping[str, float]
) -> dict[str, Any]:
    """Figures by tag, and over them.

    Args:
        probability: tag -> float [N].
        truth: tag -> int [N]: 1, 0, or below 0 where it is not known. N may differ between tags.
        thresholds: tag -> the probability from which it is answered.

    Returns:
        ``macro_f1``, ``by_tag`` (rows, positives, precision, recall, f1, average_precision; None where there is
        nothing to divide by); and ``exact_match``, over the rows where all are known, where every tag has as many rows.
    """
    by_tag = {}
    for name, probs in probability.items():
        known = np.asarray(truth[name]) >= 0
        by_tag[name] = _tag(np.asarray(probs)[known], np.asarray(truth[name])[known] == 1, thresholds[name])
    scored = [figures["f1"] for figures in by_tag.values() if figures["f1"] is not None]
    found: dict[str, Any] = {"macro_f1": float(np.mean(scored)) if scored else None, "by_tag": by_tag}
    if len({len(probs) for probs in probability.values()}) == 1:
        told = np.stack([np.asarray(truth[name]) for name in probability], axis=1)
        answers = np.stack([np.asarray(p) >= thresholds[name] for name, p in probability.items()], axis=1)
        whole = (told >= 0).all(axis=1)
        if whole.any():
            found["exact_match"] = float((answers[whole] == (told[whole] == 1)).all(axis=1).mean())
    return found


def _tag(probability: Floats, shown: Bools, threshold: float) -> dict[str, Any]:
    answered = probability >= threshold
    hits, told, there = int((answered & shown).sum()), int(answered.sum()), int(shown.sum())
    return {
        "rows": len(shown),
        "positives": there,
        "precision": hits / told if told else None,
        "recall": hits / there if there else None,
        "f1": 2 * hits / (told + there) if there else None,
        "average_precision": average_precision(probability, shown) if there else None,
    }


def attribute_metrics(probability: Floats, codes: Ints) -> dict[str, Any]:
    """Top-1, top-2, macro F1 and NLL of a single-choice attribute, beside the share of the commonest value.

    Args:
        probability: float [N, values].
        codes: int [N], the value that is right.

    Raises:
        ValueError: no rows, shapes that do not fit, a code of no value, or probabilities that are not finite.
    """
    check_scores(probability, codes)
    best = np.argsort(-probability, axis=1, kind="stable")[:, :2]
    right = best == codes[:, None]
    return {
        "rows": len(codes),
        "values": probability.shape[1],
        "top1": float(right[:, 0].mean()),
        "top2": float(right.any(axis=1).mean()),
        "macro_f1": macro_f1(best[:, 0], codes),
        "nll": nll(probability, codes),
        "majority": float(np.bincount(codes).max() / len(codes)),
    }

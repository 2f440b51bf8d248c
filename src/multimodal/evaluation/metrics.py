"""Flat metrics over leaves; F1 means what it means in scikit-learn."""

from __future__ import annotations

import numpy as np

from multimodal.evaluation.arrays import Flags, Floats, Ints, check_labels, check_scores


def label_ranks(probs: Floats, labels: Ints) -> Ints:
    """[N], how many leaves stand before the right one; of equal scores the lower index comes first.

    So rank 0 is the same as being ``probs.argmax(axis=1)``.
    """
    check_scores(probs, labels)
    own = probs[np.arange(len(labels)), labels][:, None]
    before = np.arange(probs.shape[1])[None, :] < labels[:, None]
    ranks: Ints = ((probs > own) | ((probs == own) & before)).sum(axis=1)
    return ranks


def top_k_accuracy(probs: Floats, labels: Ints, k: int) -> float:
    """Share of rows whose label is among the ``k`` best leaves.

    Args:
        probs: float [N, leaves]; scores of any scale do.
        labels: int [N], leaf indices.
        k: 1 or more; with as many as there are leaves, or more, the answer is 1.
    """
    if k < 1:
        raise ValueError(f"k: got {k}, expected 1 or more")
    return float(np.mean(label_ranks(probs, labels) < k))


def f1_by_class(pred: Ints, labels: Ints, classes: int) -> Floats:
    """F1 of each class, float [classes]; 0 where a class has neither truth nor predictions."""
    check_labels(labels, pred, classes)
    check_labels(pred, labels, classes)
    hits = np.bincount(labels[pred == labels], minlength=classes)
    total = np.bincount(labels, minlength=classes) + np.bincount(pred, minlength=classes)
    f1: Floats = 2.0 * hits / np.maximum(total, 1)
    return f1


def weighted_f1(pred: Ints, labels: Ints, n: int) -> float:
    """F1 of each of ``n`` classes, weighted by its rows in truth."""
    f1 = f1_by_class(pred, labels, n)
    return float(f1 @ np.bincount(labels, minlength=n) / len(labels))


def macro_f1(pred: Ints, labels: Ints) -> float:
    """Mean F1 over the classes that occur in truth or in predictions."""
    present, f1 = _present_f1(pred, labels)
    return float(f1[present].mean())


def macro_f1_min_support(pred: Ints, labels: Ints, minimum: int = 10) -> float | None:
    """Mean F1 over the classes with at least ``minimum`` rows in truth; None where there is none."""
    _, f1 = _present_f1(pred, labels)
    enough = np.bincount(labels, minlength=len(f1)) >= minimum
    return float(f1[enough].mean()) if enough.any() else None


def _present_f1(pred: Ints, labels: Ints) -> tuple[Flags, Floats]:
    check_labels(labels, pred)
    classes = int(max(pred.max(), labels.max())) + 1
    present = np.bincount(labels, minlength=classes) + np.bincount(pred, minlength=classes) > 0
    return present, f1_by_class(pred, labels, classes)

"""Whether probabilities mean what they say: NLL, Brier score, calibration error by equal-mass bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal.evaluation.arrays import Flags, Floats, Ints, check_scores

BINS = 15
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows of like confidence: their mean confidence, the share that is right, and how many they are."""

    confidence: float
    accuracy: float
    count: int


def nll(probs: Floats, labels: Ints) -> float:
    """Mean negative log probability of the right leaf, in nats; probabilities below 1e-12 count as that."""
    check_scores(probs, labels)
    own = probs[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(own, _FLOOR)).mean())


def brier(probs: Floats, labels: Ints) -> float:
    """Mean over rows of the squared distance to the one-hot label, summed over leaves: from 0 to 2."""
    check_scores(probs, labels)
    own = probs[np.arange(len(labels)), labels].astype(np.float64)
    squares = np.square(probs, dtype=np.float64).sum(axis=1)
    return float((squares - 2 * own + 1).mean())


def reliability_table(confidence: Floats, correct: Flags, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Bins of (nearly) equal mass from the least to the most confident rows; empty bins are left out.

    Rows of equal confidence always share a bin, the one of the middle of them, so the order of rows
    makes no difference and a bin may hold more than its share.

    Args:
        confidence: float [N].
        correct: bool [N].
    """
    index, size = _bin_of(confidence, correct, bins)
    counts = np.bincount(index, minlength=size)
    sums = np.bincount(index, weights=confidence, minlength=size)
    hits = np.bincount(index, weights=correct, minlength=size)
    return tuple(
        ReliabilityBin(float(s / n), float(h / n), int(n)) for s, h, n in zip(sums, hits, counts, strict=True) if n
    )


def ece(confidence: Floats, correct: Flags, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over ``reliability_table``."""
    table = reliability_table(confidence, correct, bins)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in table) / len(confidence)


def leaf_ece(probs: Floats, labels: Ints, bins: int = BINS) -> float:
    """``ece`` of the arg-max leaf."""
    check_scores(probs, labels)
    return ece(probs.max(axis=1), probs.argmax(axis=1) == labels, bins)


def _bin_of(confidence: Floats, correct: Flags, bins: int) -> tuple[Ints, int]:
    if confidence.ndim != 1 or confidence.shape != correct.shape or len(confidence) == 0:
        raise ValueError(
            f"got confidence {list(confidence.shape)} and correct {list(correct.shape)}, "
            "expected one value of each for at least one row"
        )
    if bins < 1 or not np.isfinite(confidence).all():
        raise ValueError(f"got bins={bins}, confidence from {confidence.min()}; expected bins >= 1, no NaN")
    _, value, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    by_value = np.floor(middle * bins / len(confidence)).astype(np.int64)
    return by_value[value], bins

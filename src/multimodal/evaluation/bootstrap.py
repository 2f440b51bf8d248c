"""Intervals and comparisons by resampling whole groups: rows of a group are not independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.evaluation.arrays import Flags, Floats, Ints

SAMPLES = 2000
LEVEL = 0.95
_CELLS = 2_000_000  # resampled groups held at once: 16 MB an array
Scored = Floats | Ints | Flags


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same rows.

    Attributes:
        mean_a, mean_b: mean scores.
        difference: ``mean_a - mean_b``.
        low, high: its 95 % percentile interval.
        p_one_sided: share of resamples in which a is not better than b, from 1 / (samples + 1) to 1.
    """

    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    p_one_sided: float


def paired_group_bootstrap(
    score_a: Scored, score_b: Scored, groups: npt.NDArray[Any], samples: int = SAMPLES, seed: int = 0
) -> Comparison:
    """Compares the mean scores of two systems on the same rows.

    Args:
        score_a, score_b: [N], a score a row (right or wrong as 1 and 0, say).
        groups: [N], numbers or strings; rows of one group are drawn together.
        samples: number of resamples.
        seed: of the resampling; with it the answer is the same each time.
    """
    a, b = _scores(score_a, groups), _scores(score_b, groups)
    means = _resampled(np.stack([a, b]), groups, samples, seed)
    difference = means[0] - means[1]
    low, high = _bounds(difference)
    p = (1 + int((difference <= 0).sum())) / (samples + 1)
    mean_a, mean_b = float(a.mean()), float(b.mean())
    return Comparison(mean_a, mean_b, mean_a - mean_b, low, high, p)


def group_interval(score: Scored, groups: npt.NDArray[Any], samples: int = SAMPLES, seed: int = 0) -> Interval:
    """The mean of ``score`` [N] with its 95 % percentile interval; arguments as above."""
    values = _scores(score, groups)
    low, high = _bounds(_resampled(values[None], groups, samples, seed)[0])
    return Interval(float(values.mean()), low, high)


def _scores(score: Scored, groups: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    values = np.asarray(score, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or groups.shape != values.shape:
        raise ValueError(
            f"got scores {list(values.shape)} and groups {list(groups.shape)}, "
            "expected one of each for at least one row; give rows without a group one of their own"
        )
    if not np.isfinite(values).all():
        raise ValueError("scores hold NaN or infinity; leave those rows out of both systems")
    return values


def _resampled(
    scores: npt.NDArray[np.float64], groups: npt.NDArray[Any], samples: int, seed: int
) -> npt.NDArray[np.float64]:
    """Means of [K, N] scores in each resample, [K, samples]."""
    if samples < 1:
        raise ValueError(f"samples: got {samples}, expected 1 or more")
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group).astype(np.float64)
    sums = np.stack([np.bincount(group, weights=row) for row in scores])
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS // len(sizes))
    parts = []
    for start in range(0, samples, at_once):
        drawn = rng.integers(0, len(sizes), (min(at_once, samples - start), len(sizes)))
        rows = sizes[drawn].sum(axis=1)
        parts.append(np.stack([total[drawn].sum(axis=1) / rows for total in sums]))
    return np.concatenate(parts, axis=1)


def _bounds(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)

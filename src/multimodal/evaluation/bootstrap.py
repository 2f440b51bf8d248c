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
Ratio = tuple[Scored, Scored]
"""Parts [N] and wholes [N]; the figure is the sum of the first over the sum of the second."""


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
    ones = np.ones(len(groups))
    return paired_ratio_bootstrap((score_a, ones), (score_b, ones), groups, samples, seed)


def paired_ratio_bootstrap(
    a: Ratio, b: Ratio, groups: npt.NDArray[Any], samples: int = SAMPLES, seed: int = 0
) -> Comparison:
    """As ``paired_group_bootstrap``, for figures that are a sum over the rows divided by another, as hF1 is.

    Args:
        a, b: parts [N] and wholes [N] of each system; a figure is the sum of its parts over that of its wholes.
    """
    columns = np.stack([_scores(column, groups) for column in (*a, *b)])
    means = _ratios(columns, groups, samples, seed)
    difference = means[0] - means[1]
    low, high = _bounds(difference)
    p = (1 + int((difference <= 0).sum())) / (samples + 1)
    of_a, of_b = (float(columns[i].sum() / columns[i + 1].sum()) for i in (0, 2))
    return Comparison(of_a, of_b, of_a - of_b, low, high, p)


def group_interval(score: Scored, groups: npt.NDArray[Any], samples: int = SAMPLES, seed: int = 0) -> Interval:
    """The mean of ``score`` [N] with its 95 % percentile interval; arguments as above."""
    return ratio_interval((score, np.ones(len(groups))), groups, samples, seed)


def ratio_interval(ratio: Ratio, groups: npt.NDArray[Any], samples: int = SAMPLES, seed: int = 0) -> Interval:
    """The sum of parts [N] over the sum of wholes [N] with its 95 % percentile interval."""
    columns = np.stack([_scores(column, groups) for column in ratio])
    low, high = _bounds(_ratios(columns, groups, samples, seed)[0])
    return Interval(float(columns[0].sum() / columns[1].sum()), low, high)


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


def _ratios(
    columns: npt.NDArray[np.float64], groups: npt.NDArray[Any], samples: int, seed: int
) -> npt.NDArray[np.float64]:
    """Parts over wholes in each resample, [K, samples], of columns [2 K, N]: parts, wholes, parts, wholes, …"""
    if samples < 1:
        raise ValueError(f"samples: got {samples}, expected 1 or more")
    _, group = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(group, weights=column) for column in columns])
    if (sums[1::2] <= 0).any():
        raise ValueError("the wholes of a group add up to 0, expected more; leave groups out that weigh nothing")
    size = sums.shape[1]
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS // size)
    parts = []
    for start in range(0, samples, at_once):
        drawn = rng.integers(0, size, (min(at_once, samples - start), size))
        totals = np.stack([column[drawn].sum(axis=1) for column in sums])
        parts.append(totals[::2] / totals[1::2])
    return np.concatenate(parts, axis=1)


def _bounds(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)

"""Fits on the calibration rows: the temperature of a head, or one weight for each head of a mix."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from multimodal.evaluation.arrays import Floats, Ints, check_scores
from multimodal.numeric import entropy, log_softmax, softmax

__all__ = ["fit_mix", "fit_row_temperature", "fit_temperature", "log_softmax", "mix_log_scores", "softmax"]

Float64 = npt.NDArray[np.float64]

TEMPERATURES = (0.05, 20.0)
"""Bounds of ``fit_temperature``."""
MAX_SLOPE = 0.5
"""Bound of the slope of ``fit_row_temperature``."""
_WILKS_95 = 3.841
"""The 95th percentile of chi-squared with one degree of freedom."""
_SLOPE_STEPS = 50
_RIDGE = 1e-9  # rows of one entropy leave the slope open
_GOLDEN = (5**0.5 - 1) / 2
_TOLERANCE = 1e-5  # in log T
_MIX_STEPS = 100


def fit_temperature(logits: Floats, labels: Ints, *, prior_rows: float = 1.0) -> float:
    """The temperature T that minimises the NLL of ``softmax(logits / T)`` (Guo et al., 2017).

    A grid over log T finds the valley, a golden-section search its bottom. A weak pull towards 1, worth
    ``prior_rows`` rows at one natural unit of log T, keeps the answer finite where a handful of rows
    leaves it open, as when all of them are right; it vanishes among hundreds.

    Args:
        logits: float [N, leaves], finite; log probabilities do as well.
        labels: int [N], leaf indices.

    Returns:
        T between 0.05 and 20.
    """
    check_scores(logits, labels, "logits")
    scores = logits.astype(np.float64)
    pull = prior_rows / (2 * len(labels))

    def loss(log_t: float) -> float:
        return _nll(scores * np.exp(-log_t), labels) + pull * log_t**2

    grid = np.log(np.geomspace(*TEMPERATURES, 31))
    best = int(np.argmin([loss(float(x)) for x in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.exp(_golden_section(loss, float(low), float(high))))


def fit_row_temperature(logits: Floats, labels: Ints, *, prior_rows: float = 1.0) -> tuple[float, float]:
    """T and slope that minimise the NLL of ``softmax(logits / (T * exp(slope * H)))``, H each row's entropy in nats.

    One temperature leaves a head too sure of what is easy or not sure enough of what is hard; entropy tells them
    apart (after Balanya et al., Adaptive Temperature Scaling, 2022). No row's order of leaves changes. The slope is
    0 unless a likelihood-ratio test (Wilks, 95 %) finds it: then the answer is that of ``fit_temperature``.

    Args:
        logits: float [N, leaves], finite; log probabilities do as well.
        labels: int [N], leaf indices.
        prior_rows: as in ``fit_temperature``; the slope is pulled towards 0 as much.

    Returns:
        T, and the slope between -``MAX_SLOPE`` and ``MAX_SLOPE``.
    """
    single = fit_temperature(logits, labels, prior_rows=prior_rows)
    scores = logits.astype(np.float64)
    signs = np.stack([np.ones(len(labels)), entropy(scores)], axis=1)
    pull = prior_rows / len(labels)

    def loss(fit: Float64) -> float:
        return _nll(scores * np.exp(-signs @ fit)[:, None], labels) + pull / 2 * float(fit @ fit)

    start = np.array([np.log(single), 0.0])
    found, current = start, loss(start)
    for _ in range(_SLOPE_STEPS):
        gradient, curvature = _row_derivatives(scores, labels, signs, found)
        direction = np.linalg.solve(curvature + (pull + _RIDGE) * np.eye(2), gradient + pull * found)
        step = 1.0
        while step > 1e-6 and loss(_inside(found - step * direction)) >= current:
            step /= 2
        if step <= 1e-6:
            break
        found = _inside(found - step * direction)
        current = loss(found)
    if 2 * len(labels) * (loss(start) - current) < _WILKS_95:
        return single, 0.0
    return float(np.exp(found[0])), float(found[1])


def _inside(fit: Float64) -> Float64:
    low, high = np.log(TEMPERATURES)
    return np.array([np.clip(fit[0], low, high), np.clip(fit[1], -MAX_SLOPE, MAX_SLOPE)])


def _row_derivatives(scores: Float64, labels: Ints, signs: Float64, fit: Float64) -> tuple[Float64, Float64]:
    """Gradient [2] and Gauss-Newton Hessian [2, 2] of the mean NLL in log T and slope."""
    sharp = np.exp(-signs @ fit)
    probs = softmax(scores * sharp[:, None])
    mean = (probs * scores).sum(axis=1)
    spread = (probs * (scores - mean[:, None]) ** 2).sum(axis=1)
    slope = -sharp * (mean - scores[np.arange(len(labels)), labels])
    curvature = (signs * (spread * sharp**2)[:, None]).T @ signs
    return signs.T @ slope / len(labels), curvature / len(labels)


def fit_mix(log_scores: Sequence[Floats], labels: Ints, *, prior_rows: float = 1.0) -> Float64:
    """Non-negative weights w that minimise the NLL of ``softmax(sum of w[i] * log_scores[i])``.

    The weights take up the scale too, so the mix comes out calibrated. The problem is convex: a projected
    Newton search with step halving finds its only minimum, whatever the order of heads or rows. A weak
    pull towards equal weights 1 / heads, worth ``prior_rows`` rows, keeps it so on few rows.

    Args:
        log_scores: for each head, float [N, leaves], finite: logits or log probabilities.
        labels: int [N], leaf indices.

    Returns:
        float64 [heads].
    """
    stack = _stacked(log_scores, labels)
    pull = prior_rows / len(labels)
    equal = np.full(len(stack), 1 / len(stack))

    def loss(weights: Float64) -> float:
        return _nll(mix_log_scores(stack, weights), labels) + pull / 2 * float(np.sum((weights - equal) ** 2))

    weights = equal
    current = loss(weights)
    for _ in range(_MIX_STEPS):
        gradient, curvature = _derivatives(stack, labels, weights)
        gradient = gradient + pull * (weights - equal)
        direction = _newton_direction(weights, gradient, curvature + pull * np.eye(len(stack)))
        step, found = 1.0, weights
        while step > 1e-8:
            found = np.maximum(weights - step * direction, 0.0)
            if loss(found) <= current - 1e-4 * float(gradient @ (weights - found)):
                break
            step /= 2
        else:
            break
        moved = float(np.abs(found - weights).max())
        weights, current = found, loss(found)
        if moved < 1e-7:
            break
    return weights


def mix_log_scores(log_scores: Sequence[Floats] | Floats, weights: Floats) -> Floats:
    """The weighted sum of heads' scores, [N, leaves]; its softmax is the mix."""
    if len(log_scores) != len(weights):
        raise ValueError(f"got {len(weights)} weights for {len(log_scores)} heads, expected one each")
    mixed: Floats = np.add.reduce([w * s for w, s in zip(weights, log_scores, strict=True)])
    return mixed


def _nll(logits: Floats, labels: Ints) -> float:
    return float(-log_softmax(logits)[np.arange(len(labels)), labels].mean())


def _golden_section(loss: Callable[[float], float], low: float, high: float) -> float:
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    loss_a, loss_b = loss(a), loss(b)
    while high - low > _TOLERANCE:
        if loss_a <= loss_b:
            high, b, loss_b = b, a, loss_a
            a = high - _GOLDEN * (high - low)
            loss_a = loss(a)
        else:
            low, a, loss_a = a, b, loss_b
            b = low + _GOLDEN * (high - low)
            loss_b = loss(b)
    return (low + high) / 2


def _stacked(log_scores: Sequence[Floats], labels: Ints) -> Float64:
    if len(log_scores) == 0:
        raise ValueError("log_scores: got no heads, expected at least one")
    for i, scores in enumerate(log_scores):
        check_scores(scores, labels, f"log_scores[{i}]")
        if scores.shape != log_scores[0].shape:
            raise ValueError(
                f"log_scores[{i}]: got shape {list(scores.shape)}, expected {list(log_scores[0].shape)} "
                "as the first; give the same rows and leaves to all heads"
            )
    return np.stack(log_scores).astype(np.float64)


def _derivatives(stack: Float64, labels: Ints, weights: Float64) -> tuple[Float64, Float64]:
    """Gradient [heads] and Hessian [heads, heads] of the mean NLL: means and covariances under the mix."""
    probs = softmax(mix_log_scores(stack, weights))
    mean = np.einsum("nc,knc->kn", probs, stack)
    own = stack[:, np.arange(len(labels)), labels]
    centred = stack - mean[:, :, None]
    curvature = np.stack([np.einsum("nc,nc,knc->k", probs, row, centred, optimize=True) for row in centred])
    return (mean - own).mean(axis=1), curvature / len(labels)


def _newton_direction(weights: Float64, gradient: Float64, curvature: Float64) -> Float64:
    """Newton's step on the free weights; those held at zero by their gradient stay (Bertsekas, 1982)."""
    free = (weights > 0) | (gradient < 0)
    direction = np.zeros_like(weights)
    if free.any():
        direction[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
    return direction

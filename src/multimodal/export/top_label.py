"""Fits the second step of calibration, and keeps it where it makes the other half likelier."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from multimodal.artifact.top_label import Rest, TopLabel, apply_top_label, top_features
from multimodal.evaluation import nll
from multimodal.numeric import Floats
from multimodal.types import FloatArray

Rows = npt.NDArray[np.int64]
_PRIOR = 0.5
"""Pull towards leaving probabilities as they are, as so many squared parameters against the sum over rows."""
_MOST_KIN = 5.0
"""Log odds at most that an ancestor in common adds."""
_GAIN = 0.001
"""NLL on the select half that the step must win."""


def chosen_top_label(probs: FloatArray, labels: Rows, select: Rows, held: Rows, branches: Rows) -> TopLabel | None:
    """The step fitted on ``held``, with or without the tree, that lowers the NLL of ``select`` most; None where neither
    does, and for a single leaf.

    Args:
        probs: leaf probabilities after the temperature [N, leaves].
        labels: leaf indices [N].
        select, held: rows of the two halves.
        branches: each leaf's ancestors [levels - 1, leaves], see ``Tree.branches``.
    """
    if probs.shape[1] < 2:
        return None
    best, least = None, nll(probs[select], labels[select]) - _GAIN
    # Of few mistakes there is no telling where relatives stand: the step without them may be the better one.
    for known in (branches[:0], branches):
        spec = fit_top_label(probs[held], labels[held], known)
        found = nll(apply_top_label(probs[select], spec, branches), labels[select])
        if found < least:
            best, least = spec, found
    return best


def fit_top_label(probs: FloatArray, labels: Rows, branches: Rows) -> TopLabel:
    """Maximum likelihood: whether the likeliest leaf is right, and, where it is not, which other one is.

    Args:
        branches: each leaf's ancestors [levels - 1, leaves], see ``Tree.branches``.
    """
    odds, margin = top_features(probs)
    hit = probs.argmax(axis=1) == labels
    features = np.stack([np.ones(len(labels)), odds, margin], axis=1)
    scale = np.maximum(features.std(axis=0), 1e-6)
    scale[0] = 1.0
    features /= scale
    start = np.array([0.0, scale[1], 0.0])  # as it is

    def top(fit: Floats) -> tuple[float, Floats]:
        scores = features @ fit
        away = fit - start
        loss = np.where(hit, np.logaddexp(0, -scores), np.logaddexp(0, scores)).mean()
        slope = features.T @ (0.5 * (1 + np.tanh(scores / 2)) - hit) / len(hit)
        return float(loss + _PRIOR * (away @ away) / len(hit)), slope + 2 * _PRIOR * away / len(hit)

    bias, logit, along = minimize(top, start, jac=True, method="L-BFGS-B").x / scale
    temperature, rank, kin = _fit_rest(probs[~hit], labels[~hit], branches)
    return TopLabel(
        bias=float(bias),
        logit=float(logit),
        margin=float(along),
        rest_temperature=temperature,
        rest_rank=rank,
        rest_kin=kin,
    )


def _fit_rest(probs: FloatArray, labels: Rows, branches: Rows) -> tuple[float, float, float]:
    """How the others share the rest, from rows whose likeliest leaf is wrong: temperature, rank and kin."""
    if not len(labels):
        return 1.0, 0.0, 0.0
    others = Rest(probs, branches)
    rows, place = np.arange(len(labels)), (others.order[:, 1:] == labels[:, None]).argmax(axis=1)

    def inside(fit: Floats) -> tuple[float, float, float]:
        temperature, rank, kin = np.clip(fit, (-3, -3, -_MOST_KIN), (3, 3, _MOST_KIN))
        return float(np.exp(temperature)), float(rank), float(kin) if len(branches) else 0.0

    def loss(fit: Floats) -> float:
        shared = others.shares(*inside(fit))[rows, place]
        return float(-np.log(np.maximum(shared, 1e-12)).mean() + _PRIOR * (fit @ fit) / len(labels))

    found = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-7}).x
    return inside(found)

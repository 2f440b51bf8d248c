"""Fits the second step of calibration, and keeps it where it makes the other half likelier."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from multimodal.artifact.top_label import TopLabel, apply_top_label, share_rest, top_features
from multimodal.evaluation import nll
from multimodal.numeric import Floats
from multimodal.types import FloatArray

Rows = npt.NDArray[np.int64]
_PRIOR = 0.5
"""Pull towards leaving probabilities as they are, as so many squared parameters against the sum over rows."""
_GAIN = 0.001
"""NLL on the select half that the step must win."""


def chosen_top_label(probs: FloatArray, labels: Rows, select: Rows, held: Rows) -> TopLabel | None:
    """The step fitted on ``held``, if it lowers the NLL of ``select``; None otherwise, and for a single leaf.

    Args:
        probs: leaf probabilities after the temperature [N, leaves].
        labels: leaf indices [N].
        select, held: rows of the two halves.
    """
    if probs.shape[1] < 2:
        return None
    spec = fit_top_label(probs[held], labels[held])
    before = nll(probs[select], labels[select])
    after = nll(apply_top_label(probs[select], spec), labels[select])
    return spec if after < before - _GAIN else None


def fit_top_label(probs: FloatArray, labels: Rows) -> TopLabel:
    """Maximum likelihood: whether the likeliest leaf is right, and, where it is not, which other one is."""
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
    temperature, rank = _fit_rest(probs[~hit], labels[~hit])
    return TopLabel(
        bias=float(bias), logit=float(logit), margin=float(along), rest_temperature=temperature, rest_rank=rank
    )


def _fit_rest(probs: FloatArray, labels: Rows) -> tuple[float, float]:
    """How the others share the rest, from rows whose likeliest leaf is wrong."""
    if not len(labels):
        return 1.0, 0.0
    rows = np.arange(len(labels))

    def loss(fit: Floats) -> float:
        shared = share_rest(probs, float(np.exp(fit[0])), float(fit[1]))[rows, labels]
        return float(-np.log(np.maximum(shared, 1e-12)).mean() + _PRIOR * (fit @ fit) / len(labels))

    found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-7}).x
    return float(np.exp(np.clip(found[0], -3, 3))), float(np.clip(found[1], -3, 3))

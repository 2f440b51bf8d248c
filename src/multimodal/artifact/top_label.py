"""The second step of calibration: how sure the likeliest leaf is, and how the rest is shared among the others."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from multimodal.numeric import Floats, log_softmax, sigmoid
from multimodal.types import FloatArray

MARGIN_CAP = 8.0
"""Largest log ratio of the best to the second leaf that still counts: beyond, surer says no more."""
_LEAST = 1e-9


class TopLabel(BaseModel):
    """The likeliest leaf's probability is ``sigmoid(bias + logit * l + margin * m)``; others share the rest.

    l is its log odds before and m the logarithm of how many times likelier it is than the second. The rest is shared
    by ``softmax(s / rest_temperature - rest_rank * log(rank))`` of the other leaves' log probabilities s, rank 1 being
    the best of them. Platt scaling of the top label (Gupta and Ramdas, "Top-label calibration and
    multiclass-to-binary reductions", 2022) with the margin as a second feature. No row's likeliest leaf changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float
    logit: float
    margin: float
    rest_temperature: Annotated[float, Field(gt=0)] = 1.0
    rest_rank: float = 0.0


def top_features(probs: Floats) -> tuple[Floats, Floats]:
    """l and m of each row of ``probs`` [N, leaves], of at least two leaves: [N] each."""
    second, best = np.sort(probs, axis=1)[:, -2:].astype(np.float64).T
    odds = np.log(np.maximum(best, _LEAST)) - np.log(np.maximum(1 - best, _LEAST))
    ratio = np.log(np.maximum(best, _LEAST)) - np.log(np.maximum(second, _LEAST))
    return odds, np.minimum(ratio, MARGIN_CAP)


def share_rest(probs: Floats, temperature: float, rank: float) -> Floats:
    """How the other leaves share what the likeliest one leaves over: [N, leaves], 0 at its place, sums of 1."""
    logs = np.log(np.maximum(probs.astype(np.float64), _LEAST))
    best = probs.argmax(axis=1)
    rows = np.arange(len(probs))
    order = np.argsort(-logs, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.broadcast_to(np.arange(probs.shape[1]), probs.shape), axis=1)
    # The likeliest leaf has place 0 and is left out below, so the best of the others has rank 1.
    scores = logs / temperature - rank * np.log(np.maximum(place, 1))
    scores[rows, best] = -np.inf
    return np.exp(log_softmax(scores))


def apply_top_label(probs: FloatArray, spec: TopLabel) -> FloatArray:
    """Probabilities [N, leaves] after the second step; a single leaf stays as it is."""
    if probs.shape[1] < 2:
        return probs
    odds, margin = top_features(probs)
    rest = share_rest(probs, spec.rest_temperature, spec.rest_rank)
    sure = sigmoid(spec.bias + spec.logit * odds + spec.margin * margin)
    # The likeliest leaf stays the likeliest: a hair above the share that the second one would get.
    second = rest.max(axis=1)
    sure = np.clip(sure, second / (1 + second) + 1e-6, 1 - 1e-6)
    out = rest * (1 - sure)[:, None]
    out[np.arange(len(probs)), probs.argmax(axis=1)] = sure
    return out.astype(np.float32)

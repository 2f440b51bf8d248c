"""The second step of calibration: how sure the likeliest leaf is, and how the rest is shared among the others."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from multimodal.numeric import Floats, sigmoid
from multimodal.types import FloatArray

Ints = npt.NDArray[np.int64]
MARGIN_CAP = 8.0
"""Largest log ratio of the best to the second leaf that still counts: beyond, surer says no more."""
_LEAST = 1e-9


class TopLabel(BaseModel):
    """The likeliest leaf's probability is ``sigmoid(bias + logit * l + margin * m)``; others share the rest.

    l is its log odds before and m the logarithm of how many times likelier it is than the second. The rest is shared
    by ``softmax(s / rest_temperature - rest_rank * log(rank) + rest_kin * k)`` of the other leaves' log probabilities
    s, rank 1 being the best of them and k how many ancestors one has in common with the likeliest leaf: where that is
    wrong, the right one is its relative more often than the scores of leaves tell. Platt scaling of the top label
    (Gupta and Ramdas, "Top-label calibration and multiclass-to-binary reductions", 2022) with the margin as a second
    feature. No row's likeliest leaf changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float
    logit: float
    margin: float
    rest_temperature: Annotated[float, Field(gt=0)] = 1.0
    rest_rank: float = 0.0
    rest_kin: float = 0.0


def top_features(probs: Floats) -> tuple[Floats, Floats]:
    """l and m of each row of ``probs`` [N, leaves], of at least two leaves: [N] each."""
    return _features(_ranked(probs)[1])


class Rest:
    """The leaves after the likeliest one, by falling probability, and how they share what it leaves over.

    Attributes:
        order: all leaves of each row by falling probability [N, leaves], the first of equals first.
        logs: the logarithms of their probabilities, in that order.
    """

    def __init__(self, probs: Floats, branches: Ints) -> None:
        """
        Args:
            probs: [N, leaves].
            branches: each leaf's ancestors [levels - 1, leaves], see ``Tree.branches``.
        """
        self.order, self.logs = _ranked(probs)
        self._branches = branches

    def shares(self, temperature: float, rank: float, kin: float) -> Floats:
        """[N, leaves - 1] in the order of ``order`` after its first; sums of 1."""
        scores = self.logs[:, 1:] / temperature - rank * _log_ranks(self.logs.shape[1] - 1)
        if kin != 0:
            scores = scores + kin * self._kin
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Floats = odds / odds.sum(axis=1, keepdims=True)
        return shares

    @cached_property
    def _kin(self) -> npt.NDArray[np.int8]:
        """How many ancestors each has in common with the likeliest leaf [N, leaves - 1]."""
        best, others = self.order[:, :1], self.order[:, 1:]
        found = np.zeros(others.shape, np.int8)  # as wide as all rows together: kept small
        for level in self._branches:
            found += level[others] == level[best]
        return found


def apply_top_label(probs: FloatArray, spec: TopLabel, branches: Ints) -> FloatArray:
    """Probabilities [N, leaves] after the second step; a single leaf stays as it is.

    Args:
        branches: each leaf's ancestors [levels - 1, leaves], see ``Tree.branches``.
    """
    if probs.shape[1] < 2:
        return probs
    others = Rest(probs, branches)
    order = others.order
    odds, margin = _features(others.logs)
    rest = others.shares(spec.rest_temperature, spec.rest_rank, spec.rest_kin)
    sure = sigmoid(spec.bias + spec.logit * odds + spec.margin * margin)
    # The likeliest leaf stays the likeliest: a hair above the share that the second one would get.
    second = rest.max(axis=1)
    sure = np.minimum(np.maximum(sure, second / (1 + second) + 1e-6), 1 - 1e-6)
    out = np.empty(probs.shape, np.float32)
    rows = np.arange(len(probs))
    out[rows, order[:, 0]] = sure
    out[rows[:, None], order[:, 1:]] = rest * (1 - sure)[:, None]
    return out


def _ranked(probs: Floats) -> tuple[Ints, Floats]:
    """Leaves by falling probability [N, leaves], the first of equals first, and the logarithms in that order."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = probs[np.arange(len(probs))[:, None], order].astype(np.float64)
    return order, np.log(np.maximum(ranked, _LEAST))


def _features(logs: Floats) -> tuple[Floats, Floats]:
    best = logs[:, 0]
    odds = best - np.log(np.maximum(-np.expm1(best), _LEAST))
    return odds, np.minimum(best - logs[:, 1], MARGIN_CAP)


@lru_cache(maxsize=16)
def _log_ranks(count: int) -> Floats:
    ranks: Floats = np.log(np.arange(1, count + 1))
    return ranks

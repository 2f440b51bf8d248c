"""Small numeric functions that every floor may use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def entropy(logits: Floats) -> Floats:
    """Entropy in nats of the softmax of each row of ``logits`` [N, leaves]: [N]."""
    logs = log_softmax(logits)
    result: Floats = -(np.exp(logs) * logs).sum(axis=-1)
    return result


def log_softmax(logits: Floats, temperature: float | Floats = 1.0, axis: int = -1) -> Floats:
    """Logarithm of the softmax of ``logits / temperature`` along ``axis``, stable for large logits."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=axis, keepdims=True)
    result: Floats = scaled - np.log(np.exp(scaled).sum(axis=axis, keepdims=True))
    return result


def softmax(logits: Floats, temperature: float | Floats = 1.0, axis: int = -1) -> Floats:
    """Softmax of ``logits / temperature`` along ``axis``."""
    result: Floats = np.exp(log_softmax(logits, temperature, axis))
    return result


def sigmoid(scores: Floats) -> Floats:
    """Logistic function of each score, stable for large ones."""
    result: Floats = 0.5 * (1 + np.tanh(0.5 * np.asarray(scores)))
    return result

"""How unlike the training photos a photo is, by what its vector has outside the directions in which theirs vary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.types import FloatArray

Floats = npt.NDArray[np.floating[Any]]
_SHARPNESS = 16
"""How fast a photo loses weight beyond the threshold: at 1.1 times it has a fifth left, at 1.5 times nothing."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """The subspace of the training photos' vectors, and from where on a photo is a stranger.

    The score is the squared length that a centred unit vector has outside the subspace (the residual of principal
    components, as in Wang et al., "ViM: Out-Of-Distribution with Virtual-logit Matching", 2022).

    Attributes:
        mean: of the unit vectors [dim].
        basis: orthonormal directions [k, dim].
        threshold: score above which a photo is a stranger.
    """

    mean: FloatArray
    basis: FloatArray
    threshold: float

    def scores(self, vectors: Floats) -> FloatArray:
        """Scores [N], about 0 to 1, of photo vectors [N, dim]."""
        centred = unit(vectors) - self.mean
        inside = centred @ self.basis.T
        outside: FloatArray = np.maximum((centred**2).sum(axis=1) - (inside**2).sum(axis=1), 0)
        return outside

    def trust(self, vectors: Floats) -> FloatArray:
        """How much each photo counts [N]: 1 up to the threshold, then less and less."""
        over = np.maximum(self.scores(vectors) / self.threshold, 1.0)
        return np.asarray(over**-_SHARPNESS, np.float32)


def unit(vectors: Floats) -> FloatArray:
    """The vectors [N, dim] at length 1; how long one is says how much there is to see, not what."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def read_novelty(file: Path, threshold: float) -> Novelty:
    """What ``write_novelty`` wrote."""
    from safetensors.numpy import load_file

    tensors = load_file(file)
    return Novelty(tensors["mean"].astype(np.float32), tensors["basis"].astype(np.float32), threshold)


def write_novelty(file: Path, mean: Floats, basis: Floats) -> None:
    """Writes the subspace in half precision."""
    from safetensors.numpy import save

    # Not save_file, whose files only their owner can read.
    file.write_bytes(save({"mean": mean.astype(np.float16), "basis": basis.astype(np.float16)}))

"""What the bundle must know to tell a photo that is unlike the training photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from multimodal.artifact import NoveltySpec
from multimodal.artifact.engine import Engine
from multimodal.artifact.novelty import read_novelty, unit, write_novelty
from multimodal.training.arrays import Split
from multimodal.types import FloatArray

SHARE = 0.01
"""Share of photos like the training photos that pass for strangers."""
_PHOTOS = 6000
_DIRECTIONS = 128
_FEWEST = 30
"""Photos of each split below which there is no telling what is unlike them."""
_BATCH = 64

Rows = npt.NDArray[np.int64]


def fit_novelty(engine: Engine, train: Split | None, val: Split, file: Path) -> NoveltySpec | None:
    """Writes the subspace of the training photos' vectors and finds the threshold on the select half.

    Returns:
        None, with nothing written, where there are too few photos.
    """
    if train is None or train.pixels is None or val.pixels is None:
        return None
    known = np.flatnonzero(train.has_image)
    chosen = np.flatnonzero(val.has_image & (val.half == "select"))
    if min(len(known), len(chosen)) < _FEWEST:
        return None
    some = np.sort(np.random.default_rng(0).permutation(known)[:_PHOTOS])
    vectors = unit(_vectors(engine, train, some))
    mean = vectors.mean(axis=0)
    directions = np.linalg.svd(vectors - mean, full_matrices=False)[2]
    # A tenth of the photos, so that some of their variance is left outside.
    basis = directions[: max(1, min(_DIRECTIONS, len(some) // 10))]
    write_novelty(file, mean, basis)
    scores = read_novelty(file, threshold=1.0).scores(_vectors(engine, val, chosen))
    threshold = float(np.quantile(scores, 1 - SHARE))
    if threshold <= 0:
        file.unlink()
        return None
    return NoveltySpec(threshold=threshold, share=SHARE, photos=len(some))


def _vectors(engine: Engine, split: Split, rows: Rows) -> FloatArray:
    return np.concatenate(list(_parts(engine, split, rows)))


def _parts(engine: Engine, split: Split, rows: Rows) -> Iterator[FloatArray]:
    assert split.pixels is not None
    for at in range(0, len(rows), _BATCH):
        yield engine.image(np.asarray(split.pixels[rows[at : at + _BATCH]]))[0]

"""Checks that every metric makes of its arrays; the errors say got, expected and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]


def check_labels(labels: Ints, other: Ints | Floats | Flags, classes: int | None = None) -> None:
    """Raises ValueError unless ``labels`` is a non-empty int [N] within ``classes``, as long as ``other``."""
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels: got {labels.dtype} {list(labels.shape)}, expected integers [N]")
    if len(labels) == 0:
        raise ValueError("got 0 rows, expected at least 1; check what filtered them out")
    if len(other) != len(labels):
        raise ValueError(f"got {len(other)} rows beside {len(labels)} labels, expected as many; align them")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (classes is not None and high >= classes):
        limit = "any number from 0" if classes is None else f"0 to {classes - 1}"
        raise ValueError(
            f"labels: got {low} to {high}, expected {limit}; use the tree's leaf_index, drop rows without one"
        )


def check_scores(scores: Floats, labels: Ints, name: str = "probs") -> None:
    """Raises ValueError unless ``scores`` is a finite [N, leaves] that fits ``labels``."""
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(f"{name}: got shape {list(scores.shape)}, expected [N, leaves]")
    check_labels(labels, scores, scores.shape[1])
    bad = ~np.isfinite(scores).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{name}: {int(bad.sum())} of {len(scores)} rows hold NaN or infinity, the first at row "
            f"{int(np.argmax(bad))}; leave out the rows that a head cannot answer before measuring it"
        )

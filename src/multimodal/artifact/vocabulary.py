"""From hashed features to rows of the embedding table, in training and serving alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def lookup(vocabulary: npt.NDArray[np.uint32], hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
    """Ids [M] of hashes [M]: 1 + the position in the sorted vocabulary [V], or 0 where it is not there."""
    if len(vocabulary) == 0:
        return np.zeros(len(hashes), np.int32)
    at = np.searchsorted(vocabulary, hashes)
    at[at == len(vocabulary)] = 0
    known = vocabulary[at] == hashes
    return np.where(known, at + 1, 0).astype(np.int32)


def padded(
    ids: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """Ids [N, T] of ragged ids, unknown ones left out, padded with 0; T is at least 1."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    known = ids > 0
    rows, ids = rows[known], ids[known]
    lengths = np.bincount(rows, minlength=len(offsets) - 1)
    starts = np.cumsum(lengths) - lengths
    out = np.zeros((len(lengths), max(1, int(lengths.max(initial=0)))), np.int32)
    out[rows, np.arange(len(rows)) - starts[rows]] = ids
    return out

"""Which n-grams a text tower knows, how rare each is and where it comes from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from multimodal.types import TEXT_INPUTS, TextFeatures

TITLE = TEXT_INPUTS.index("title")
Ids = npt.NDArray[np.int32]


def build_vocabulary(features: TextFeatures, size: int, min_count: int) -> npt.NDArray[np.uint32]:
    """The ``size`` hashes found in most products, and in at least ``min_count``; sorted, uint32 [V]."""
    rows = np.repeat(np.arange(len(features), dtype=np.uint64), np.diff(features.offsets))
    pairs = np.unique((features.hashes.astype(np.uint64) << np.uint64(32)) | rows)
    hashes, counts = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_counts=True)
    enough = counts >= min_count
    hashes, counts = hashes[enough], counts[enough]
    best = np.argsort(-counts, kind="stable")[:size]
    return np.sort(hashes[best])


def inverse_document_frequency(features: TextFeatures, ids: Ids, vocabulary: int) -> npt.NDArray[np.float32]:
    """Smoothed idf (as scikit-learn's TfidfVectorizer) for ids 0..vocabulary; 0 for padding. [V + 1]."""
    rows = np.repeat(np.arange(len(features), dtype=np.int64), np.diff(features.offsets))
    pairs = np.unique(rows * (vocabulary + 1) + ids)
    df = np.bincount(pairs % (vocabulary + 1), minlength=vocabulary + 1)
    idf = np.log((1 + len(features)) / (1 + df)) + 1
    idf[0] = 0
    return idf.astype(np.float32)


def field_of(features: TextFeatures, ids: Ids, vocabulary: int) -> npt.NDArray[np.int64]:
    """The field that each id comes from (fields never share a hash but by collision). [V + 1]."""
    field = np.zeros(vocabulary + 1, np.int64)
    field[ids] = features.fields
    field[0] = TITLE
    return field

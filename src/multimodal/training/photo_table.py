"""Everything the photo tower learns from, under one numbering: the products' photos, and those beside them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from multimodal.training.arrays import Split
from multimodal.training.batches import epoch_batches
from multimodal.training.captions import Captions
from multimodal.training.labels import UNKNOWN, LabelSpace
from multimodal.training.photo_rows import PhotoRows
from multimodal.training.stage import Batch

Rows = npt.NDArray[np.int64]


class PhotoTable:
    """Photos with labels, where they are known.

    Attributes:
        labels: int64 [N], the leaf, or ``UNKNOWN``.
        allowed: int64 [N], the row of ``sets`` that the category is one of, or ``UNKNOWN``.
        sets: bool [K, leaves].
        tags: int8 [N, tags], 0 or 1, or ``UNKNOWN``.
        codes: int64 [N, attributes], the value, or ``UNKNOWN``.
    """

    def __init__(self, split: Split, space: LabelSpace, beside: PhotoRows | None) -> None:
        assert split.pixels is not None
        own = np.flatnonzero(split.has_image)
        self._own, self._products, self._beside = own, split.pixels, beside
        more = 0 if beside is None else len(beside)
        self.labels = np.concatenate([split.labels[own], np.full(more, UNKNOWN)])
        self.allowed = np.full(len(self.labels), UNKNOWN, np.int64)
        if split.allowed is not None:
            self.allowed[: len(own)] = split.allowed[own]
        self.tags = np.full((len(self.labels), len(space.tags)), UNKNOWN, np.int8)
        self.codes = np.full((len(self.labels), len(space.attributes)), UNKNOWN, np.int64)
        self.half = np.concatenate([split.half[own], np.array([], np.str_) if beside is None else beside.half])
        asked = (split.sets, None if beside is None else beside.sets)
        parts = [sets for sets in asked if sets is not None and len(sets)]
        self.sets = np.concatenate(parts) if parts else np.zeros((0, 0), np.bool_)
        if split.told is not None:
            self.tags[: len(own)] = split.told.tags[own]
            self.codes[: len(own)] = space.codes(split.told)[own]
        if beside is not None:
            first = 0 if split.sets is None else len(split.sets)
            self.allowed[len(own) :] = np.where(beside.allowed == UNKNOWN, UNKNOWN, beside.allowed + first)
            self.tags[len(own) :] = beside.told.tags
            self.codes[len(own) :] = space.codes(beside.told)

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, rows: Rows) -> npt.NDArray[np.uint8]:
        """Photos uint8 [M, H, W, 3] of some rows."""
        ours = rows < len(self._own)
        out = np.empty((len(rows), *self._products.shape[1:]), np.uint8)
        out[ours] = self._products[self._own[rows[ours]]]
        if self._beside is not None:
            out[~ours] = self._beside.pixels[rows[~ours] - len(self._own)]
        return out

    def captions(self, rows: Rows, captions: Captions) -> npt.NDArray[np.float32]:
        """Distributions of words [M, words]; zeros for photos without a product."""
        out = np.zeros((len(rows), captions.size), np.float32)
        ours = rows < len(self._own)
        out[ours] = captions.targets(self._own[rows[ours]])
        return out

    @property
    def has_labels(self) -> npt.NDArray[np.bool_]:
        """Whether a tag or an attribute is known [N]."""
        return self.tells(np.ones(self.codes.shape[1], np.bool_))

    def tells(self, attributes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Whether a tag, or one of some attributes, is known [N]."""
        return np.asarray((self.tags != UNKNOWN).any(axis=1) | (self.codes[:, attributes] != UNKNOWN).any(axis=1))


def photo_batches(
    table: PhotoTable, rows: Rows, size: int, seed: int, epoch: int | None, captions: Captions | None = None
) -> Iterator[Batch]:
    """Batches of some photos, each once; shuffled for an epoch of training."""
    rng = np.random.default_rng([seed, 2, epoch or 0])
    for some in epoch_batches(rows, size, rng, shuffle=epoch is not None):
        # A memory-mapped file reads faster in file order; order inside a batch does not matter.
        at = np.sort(some)
        batch = {
            "pixels": torch.from_numpy(table.pixels(at)),
            "labels": torch.from_numpy(table.labels[at]),
            "allowed": torch.from_numpy(table.allowed[at]),
            "tags": torch.from_numpy(table.tags[at]),
            "codes": torch.from_numpy(table.codes[at]),
        }
        yield batch if captions is None else {**batch, "captions": torch.from_numpy(table.captions(at, captions))}

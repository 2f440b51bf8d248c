"""Splits as arrays: what the readers and the kitchens have made of the sources, held for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from multimodal.training.labels import UNKNOWN, Told
from multimodal.types import EncodedText, EncoderName, RowError, RowId, TextFeatures

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Split:
    """N labelled products ready for training.

    Attributes:
        ids: as they came.
        groups: rows of a group share a title or a photo.
        labels: int64 [N], index of the leaf, or ``UNKNOWN`` in a training row that is labelled with an inner node.
        has_field: bool [N, 3], whether title, description, characteristics can be used.
        text: features of all text fields for each encoder; None where the run has no text tower.
        masked: the same rows with every category word removed from the title, and nothing but the title.
        named: bool [N], whether the title names a category; true where there is none.
        words: every word of the text, where an encoder looks words up.
        pixels: uint8 [N, H, W, 3], zeros where ``has_image`` is false; None without an image tower.
        has_image: bool [N].
        half: "select", "calibrate" or "" for training rows, one a row.
        rejected: rows that could not be used, with the reason.
        told: tags and attributes; None where the run learns none.
        allowed: int64 [N], the row of ``sets`` that the leaf is one of, or ``UNKNOWN``; None where each has its leaf.
        sets: bool [K, leaves], the leaves below each inner node that rows are labelled with.
        marks: uint64 [N, 2], what a row is recognised by in another split; see ``marks_of``.
        photos_left_out: photos that could not be read, of rows whose text can be used all the same.
    """

    ids: Sequence[RowId]
    groups: Sequence[str]
    labels: npt.NDArray[np.int64]
    has_field: BoolArray
    text: EncodedText | None
    masked: EncodedText | None
    pixels: npt.NDArray[np.uint8] | None
    has_image: BoolArray
    half: npt.NDArray[np.str_]
    named: BoolArray
    rejected: tuple[RowError, ...]
    words: frozenset[str] = frozenset()
    told: Told | None = None
    allowed: npt.NDArray[np.int64] | None = None
    sets: BoolArray | None = None
    marks: npt.NDArray[np.uint64] | None = None
    photos_left_out: tuple[RowError, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def has_text(self) -> BoolArray:
        return np.asarray(self.has_field.any(axis=1))

    @property
    def has_leaf(self) -> BoolArray:
        """Whether a row's label is a leaf [N]."""
        return np.asarray(self.labels != UNKNOWN)

    def leaves_of(self, rows: npt.NDArray[np.int64] | slice = slice(None)) -> npt.NDArray[np.int64]:
        """The leaves of those of some rows that have one."""
        labels = self.labels[rows]
        return np.asarray(labels[labels != UNKNOWN], np.int64)

    def targets(self, rows: npt.NDArray[np.int64]) -> dict[str, Tensor]:
        """What a batch of some rows is asked for: ``labels``, and ``allowed`` where a row has no leaf."""
        found = {"labels": torch.from_numpy(self.labels[rows])}
        return found if self.allowed is None else {**found, "allowed": torch.from_numpy(self.allowed[rows])}


def concat_encoded(parts: Sequence[EncodedText], encoders: Sequence[EncoderName]) -> EncodedText:
    """One ragged array an encoder, of the parts in order."""
    return {name: concat_features([part[name] for part in parts]) for name in encoders}


def concat_features(parts: Sequence[TextFeatures]) -> TextFeatures:
    """One ragged array of several, in order."""
    if not parts:
        return TextFeatures(
            np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(1, np.int64)
        )
    starts = np.cumsum([0] + [len(p.hashes) for p in parts])
    offsets = [parts[0].offsets[:1]] + [p.offsets[1:] + s for p, s in zip(parts, starts, strict=False)]
    return TextFeatures(
        np.concatenate([p.hashes for p in parts]),
        np.concatenate([p.tokens for p in parts]),
        np.concatenate([p.fields for p in parts]),
        np.concatenate(offsets),
    )

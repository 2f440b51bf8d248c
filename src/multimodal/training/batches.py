"""Text batches from ragged features: vocabulary, word dropout, hidden fields, masked category names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from multimodal.artifact.vocabulary import lookup
from multimodal.training.arrays import Split
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


@dataclass(frozen=True, slots=True)
class Dropout:
    """Chances by which text is hidden in training."""

    word: float = 0.0
    field: float = 0.0
    names: float = 0.0


class TextBatcher:
    """Cuts batches of flat vocabulary ids out of a split's features."""

    def __init__(self, split: Split, vocabulary: npt.NDArray[np.uint32]) -> None:
        assert split.text is not None
        self.split = split
        self.plain = split.text
        self.plain_ids = lookup(vocabulary, split.text.hashes)
        self.masked = split.masked
        self.masked_ids = None if split.masked is None else lookup(vocabulary, split.masked.hashes)

    def batch(self, rows: npt.NDArray[np.int64], dropout: Dropout, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Flat ids [M] and the start of each row's ids [N], int64."""
        masked = rng.random(len(rows)) < dropout.names
        if self.masked is None or self.masked_ids is None:
            masked[:] = False
        ids, owner = self._gather(self.plain, self.plain_ids, rows, ~masked, dropout, rng)
        if self.masked is not None and self.masked_ids is not None and masked.any():
            more, more_owner = self._gather(self.masked, self.masked_ids, rows, masked, dropout, rng)
            ids, owner = np.concatenate([ids, more]), np.concatenate([owner, more_owner])
            order = np.argsort(owner, kind="stable")
            ids, owner = ids[order], owner[order]
        starts = np.zeros(len(rows), np.int64)
        starts[1:] = np.cumsum(np.bincount(owner, minlength=len(rows)))[:-1]
        return torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(starts)

    def _gather(
        self,
        features: TextFeatures,
        ids: Ids,
        rows: npt.NDArray[np.int64],
        use: npt.NDArray[np.bool_],
        dropout: Dropout,
        rng: np.random.Generator,
    ) -> tuple[Ids, npt.NDArray[np.int64]]:
        lengths = np.where(use, features.offsets[rows + 1] - features.offsets[rows], 0)
        owner = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = features.offsets[rows][owner] + within
        keep = ids[at] > 0
        if dropout.word > 0 and len(at):
            tokens = features.tokens[at]
            alive = rng.random((len(rows), int(tokens.max()) + 1)) >= dropout.word
            keep &= alive[owner, tokens]
        if dropout.field > 0:
            keep &= self._field_kept(rows, dropout.field, rng)[owner, features.fields[at]]
        return ids[at][keep], owner[keep]

    def _field_kept(
        self, rows: npt.NDArray[np.int64], chance: float, rng: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        """Which fields of a row are seen [N, 3]; a row never loses its title and the rest at once."""
        has = self.split.has_field[rows]
        both = has[:, TITLE] & (has.sum(axis=1) > 1)
        draw = rng.random(len(rows))
        kept = np.ones_like(has)
        others = [f for f in range(has.shape[1]) if f != TITLE]
        kept[np.ix_(both & (draw < chance * 0.7), others)] = False
        kept[both & (draw >= chance * 0.7) & (draw < chance), TITLE] = False
        return kept


def epoch_batches(
    rows: npt.NDArray[np.int64], size: int, rng: np.random.Generator, *, shuffle: bool
) -> list[npt.NDArray[np.int64]]:
    """Row numbers cut into batches; a last batch of one row joins its neighbour (batch norm needs two)."""
    order = rng.permutation(rows) if shuffle else rows
    cuts = list(range(0, len(order), size))
    if shuffle and len(cuts) > 1 and len(order) - cuts[-1] < 2:
        cuts.pop()
    return [order[a:b] for a, b in zip(cuts, [*cuts[1:], len(order)], strict=True)]

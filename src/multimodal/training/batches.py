"""Text batches from ragged features: word dropout, hidden fields, masked category names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from multimodal.artifact.vocabulary import Vocabulary
from multimodal.training.arrays import Split
from multimodal.types import TEXT_INPUTS, EncoderName, RaggedIds, TextFeatures

TITLE = TEXT_INPUTS.index("title")


class Feed(Protocol):
    """How one encoder is fed in training."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def tensors(self, ragged: RaggedIds, plan: Plan) -> tuple[Tensor, ...]:
        """What the encoder's ``forward`` takes of N products, from what is seen of them."""
        ...


@dataclass(frozen=True, slots=True)
class BagFeed:
    """Flat ids [M] and the start of each product's ids [N]."""

    vocabulary: Vocabulary

    def tensors(self, ragged: RaggedIds, plan: Plan) -> tuple[Tensor, ...]:
        """See ``Feed.tensors``."""
        return torch.from_numpy(ragged.ids.astype(np.int64)), torch.from_numpy(ragged.offsets[:-1])


@dataclass(frozen=True, slots=True)
class Dropout:
    """Chances by which text is hidden in training.

    Attributes:
        title_alone: every row that has a title shows nothing else.
    """

    word: float = 0.0
    field: float = 0.0
    names: float = 0.0
    title_alone: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is hidden of a batch of N rows, the same for every encoder.

    Attributes:
        split: where the rows are from.
        rows: int64 [N].
        masked: whether a row shows its title without category names, and nothing else [N].
        alive: which of a row's tokens are seen [N, T]; None where all are.
        fields: which of its fields are seen [N, 3].
    """

    split: Split
    rows: npt.NDArray[np.int64]
    masked: npt.NDArray[np.bool_]
    alive: npt.NDArray[np.bool_] | None
    fields: npt.NDArray[np.bool_]


class TextBatcher:
    """Cuts batches out of a split's text, for each encoder what it takes."""

    def __init__(self, split: Split, feeds: Mapping[EncoderName, Feed]) -> None:
        assert split.text is not None
        self.split, self.feeds = split, feeds
        self.plain = {name: _Known(split.text[name], feed) for name, feed in feeds.items()}
        self.masked = None
        if split.masked is not None:
            self.masked = {name: _Known(split.masked[name], feed) for name, feed in feeds.items()}
        self._longest = 1 + max(int(known.features.tokens.max(initial=0)) for known in self.plain.values())

    def batch(
        self, rows: npt.NDArray[np.int64], dropout: Dropout, rng: np.random.Generator
    ) -> dict[EncoderName, tuple[Tensor, ...]]:
        """What each encoder takes of some rows; of bags flat ids [M] and the start of each row's ids [N], int64."""
        plan = self._plan(rows, dropout, rng)
        return {name: feed.tensors(self._gather(name, plan), plan) for name, feed in self.feeds.items()}

    def _plan(self, rows: npt.NDArray[np.int64], dropout: Dropout, rng: np.random.Generator) -> Plan:
        masked = rng.random(len(rows)) < dropout.names
        if self.masked is None:
            masked[:] = False
        alive = rng.random((len(rows), self._longest)) >= dropout.word if dropout.word > 0 else None
        fields = self._field_kept(rows, dropout.field, rng) if dropout.field > 0 else np.ones((len(rows), 3), np.bool_)
        if dropout.title_alone:
            fields &= ~self.split.has_field[rows][:, [TITLE]] | (np.arange(fields.shape[1]) == TITLE)
        fields[masked] = True
        return Plan(self.split, rows, masked, alive, fields)

    def _gather(self, name: EncoderName, plan: Plan) -> RaggedIds:
        ids, owner = self.plain[name].gather(plan, ~plan.masked)
        if self.masked is not None and plan.masked.any():
            more, more_owner = self.masked[name].gather(plan, plan.masked)
            ids, owner = np.concatenate([ids, more]), np.concatenate([owner, more_owner])
            order = np.argsort(owner, kind="stable")
            ids, owner = ids[order], owner[order]
        counts = np.bincount(owner, minlength=len(plan.rows))
        return RaggedIds(ids, np.concatenate([[0], np.cumsum(counts)]))

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


class _Known:
    """Features of a split, with what an encoder knows of them."""

    def __init__(self, features: TextFeatures, feed: Feed) -> None:
        self.features, self.ids = features, feed.vocabulary.ids(features)

    def gather(self, plan: Plan, use: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Known ids [M] of the rows to use, and the place in the batch that each belongs to [M]."""
        rows, offsets = plan.rows, self.features.offsets
        lengths = np.where(use, offsets[rows + 1] - offsets[rows], 0)
        owner = np.repeat(np.arange(len(rows)), lengths)
        at = offsets[rows][owner] + np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        keep = (self.ids[at] > 0) & plan.fields[owner, self.features.fields[at]]
        if plan.alive is not None:
            keep &= plan.alive[owner, self.features.tokens[at]]
        return self.ids[at][keep], owner[keep]


def epoch_batches(
    rows: npt.NDArray[np.int64], size: int, rng: np.random.Generator, *, shuffle: bool
) -> list[npt.NDArray[np.int64]]:
    """Row numbers cut into batches; a last batch of one row joins its neighbour (batch norm needs two)."""
    order = rng.permutation(rows) if shuffle else rows
    cuts = list(range(0, len(order), size))
    if not cuts:
        return []
    if shuffle and len(cuts) > 1 and len(order) - cuts[-1] < 2:
        cuts.pop()
    return [order[a:b] for a, b in zip(cuts, [*cuts[1:], len(order)], strict=True)]

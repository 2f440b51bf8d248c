"""The Lightning side of a stage: optimiser, schedule, losses and the score on the select half."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from multimodal.models.compat import prepare_torch
from multimodal.training.labels import UNKNOWN

prepare_torch()
import lightning.pytorch as pl  # noqa: E402 - torchvision must be mended before Lightning imports it

Batch = Mapping[str, Any]
"""Tensors by name; under "text" what each text encoder takes."""
MakeBatches = Callable[[int], Iterator[Batch]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a stage is optimised: AdamW, linear warm-up, cosine to zero."""

    epochs: int
    steps_per_epoch: int
    learning_rate: float
    weight_decay: float = 0.0
    warmup: float = 0.05
    label_smoothing: float = 0.0
    class_weights: Tensor | None = None
    smoothing: Tensor | None = None
    """What of a label's place in the loss goes to each other leaf [leaves, leaves]."""
    slow: tuple[str, ...] = ()
    """Parameters whose name starts with one of these learn at ``slow_rate`` times the rate."""
    slow_rate: float = 0.1
    rates: Mapping[str, float] = field(default_factory=dict)
    """Parameters that learn at these shares of the rate."""


class _Stream(IterableDataset[Batch]):
    def __init__(self, make: Callable[[], Iterator[Batch]]) -> None:
        self.make = make

    def __iter__(self) -> Iterator[Batch]:
        return self.make()


def _loader(make: Callable[[], Iterator[Batch]]) -> DataLoader[Batch]:
    """Batches as they are made; a generator of its own, or each loader would move the one that training draws from."""
    return DataLoader(_Stream(make), batch_size=None, generator=torch.Generator())


def soft_targets(smoothing: Tensor, labels: Tensor) -> Tensor:
    """Distributions [N, leaves]: each label, and its share for those like it, 0 on its own place in ``smoothing``."""
    one = F.one_hot(labels, smoothing.shape[1]).to(smoothing)
    whole = one + smoothing
    return whole / whole.sum(dim=1, keepdim=True)


def marginal_nll(logits: Tensor, allowed: Tensor) -> Tensor:
    """Negative log of the probability of the allowed leaves together [N], of logits and bools [N, leaves]."""
    told = F.log_softmax(logits.float(), dim=1).masked_fill(~allowed, -torch.inf)
    return -torch.logsumexp(told, dim=1)


class Stage(pl.LightningModule):  # type: ignore[misc]
    """Trains ``network`` with ``loss`` and scores ``predict`` on the select half after every epoch."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        train: MakeBatches,
        select: Callable[[], Iterator[Batch]],
        *,
        sets: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """``sets``: bool [K, leaves], the leaves that a batch's ``allowed`` stands for."""
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.make_train, self.make_select = train, select
        self.sets = None if sets is None or not len(sets) else torch.from_numpy(sets)
        self.done = (0, 0)
        """An epoch, from 0, that was begun before, and how many of its batches were learned."""
        self._hits: list[Tensor] = []
        self._nll: list[Tensor] = []

    def learned_of(self, epoch: int) -> int:
        """How many batches of an epoch, from 0, were learned before a killed run was begun again."""
        begun, batches = self.done
        return batches if epoch == begun else 0

    def loss(self, batch: Batch) -> Tensor:
        """Training loss of one batch (a scalar)."""
        return self.of_categories(self.predict(batch), batch)

    def of_categories(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss of a batch's categories: ``criterion`` of the rows with a leaf, marginal likelihood of the others.

        A row whose label stands for several leaves (an inner node, say) is asked for their probability together.
        """
        labels = batch["labels"]
        known = labels != UNKNOWN
        if known.all():
            return self.criterion(logits, labels)
        loss = logits.new_zeros(())
        if known.any():
            loss = loss + self.criterion(logits[known], labels[known]) * known.float().mean()
        several = batch["allowed"] != UNKNOWN
        if self.sets is not None and several.any():
            allowed = self.sets.to(logits.device)[batch["allowed"][several]]
            loss = loss + marginal_nll(logits[several], allowed).sum() / len(logits)
        return loss

    def predict(self, batch: Batch) -> Tensor:
        """Logits [N, leaves] of one batch, as scored on the select half."""
        raise NotImplementedError("each stage says what it predicts")

    def criterion(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy with the recipe's label smoothing and class weights."""
        weights, target = self.recipe.class_weights, labels
        if self.recipe.smoothing is not None:
            target = soft_targets(self.recipe.smoothing.to(logits.device)[labels], labels)
        return F.cross_entropy(
            logits.float(),
            target,
            weight=None if weights is None else weights.to(logits.device),
            label_smoothing=self.recipe.label_smoothing,
        )

    def training_step(self, batch: Batch, index: int) -> Tensor:
        loss = self.loss(batch)
        self.log("train_loss", loss, on_epoch=True, on_step=False, batch_size=len(batch["labels"]))
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        logits = self.predict(batch).float()
        self._hits.append(logits.argmax(1) == batch["labels"])
        self._nll.append(F.cross_entropy(logits, batch["labels"], reduction="none"))

    def on_validation_epoch_end(self) -> None:
        if self._hits:
            top1, nll = torch.cat(self._hits).float().mean(), torch.cat(self._nll).mean()
            self.log("select_top1", top1, prog_bar=True)
            self.log("select_nll", nll, prog_bar=True)
            # Top-1 moves in steps of a row: of epochs as often right the surer one is kept.
            self.log("select_rank", top1 - 1e-6 * nll.clamp(max=100))
        self._hits, self._nll = [], []

    def train_dataloader(self) -> DataLoader[Batch]:
        epoch = self.current_epoch
        return _loader(lambda: self._left_of(epoch))

    def _left_of(self, epoch: int) -> Iterator[Batch]:
        return islice(self.make_train(epoch), self.learned_of(epoch), None)

    def val_dataloader(self) -> DataLoader[Batch]:
        return _loader(self.make_select)

    def configure_optimizers(self) -> Any:
        r = self.recipe
        optimizer = torch.optim.AdamW(self._groups(), lr=r.learning_rate, weight_decay=r.weight_decay)
        total = max(1, r.epochs * r.steps_per_epoch)
        warm = max(1, int(r.warmup * total))

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, total - warm))))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def learning(self) -> Iterator[tuple[str, nn.Parameter]]:
        """What the optimiser moves, by name."""
        yield from self.network.named_parameters()

    def decays(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether weight decay is for this one."""
        return parameter.ndim > 1

    def _groups(self) -> list[dict[str, Any]]:
        """Weight decay for matrices alone; the slow parameters at their own rate."""
        r = self.recipe
        groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
        for name, parameter in self.learning():
            if parameter.requires_grad:
                slow = r.slow_rate if r.slow and name.startswith(r.slow) else r.rates.get(name, 1.0)
                groups.setdefault((self.decays(name, parameter), slow), []).append(parameter)
        return [
            {
                "params": parameters,
                "weight_decay": r.weight_decay if decay else 0.0,
                "lr": r.learning_rate * share,
            }
            for (decay, share), parameters in groups.items()
        ]

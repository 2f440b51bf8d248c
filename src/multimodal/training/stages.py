"""The stage that trains the text tower, and the recipes of all stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from multimodal.config.models import FusionConfig, ImageConfig, TextConfig
from multimodal.models.text import TextTower
from multimodal.training.arrays import Split
from multimodal.training.batches import TITLE, Dropout, TextBatcher, epoch_batches
from multimodal.training.linear import MARGIN
from multimodal.training.stage import Batch, MakeBatches, Recipe, Stage

Rows = npt.NDArray[np.int64]


class TextStage(Stage):
    """Trains the text tower by itself, with words, fields and category names hidden at random.

    The loss is that of support vector machines, one a leaf: unlike cross-entropy it leaves a product alone
    once it is beyond the margin, and rare n-grams stay small.
    """

    network: TextTower

    def predict(self, batch: Batch) -> Tensor:
        logits: Tensor = self.network(batch["text"])[1]
        return logits

    def criterion(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Squared hinge of each leaf against the rest, with the recipe's class weights."""
        sign = 2 * F.one_hot(labels, logits.shape[1]).float() - 1
        margin = torch.ones_like(sign)
        if self.recipe.smoothing is not None:  # leaves like the label need not be so far below it
            margin = 1 - self.recipe.smoothing.to(logits.device)[labels]
        loss = F.relu(margin - sign * logits.float() / MARGIN).square().sum(dim=1)
        weights = self.recipe.class_weights
        return loss.mean() if weights is None else (loss * weights.to(loss.device)[labels]).mean()


def text_batches(
    split: Split, batcher: TextBatcher, rows: Rows, config: TextConfig, seed: int
) -> tuple[MakeBatches, Callable[[], Iterator[Batch]]]:
    """Training batches by epoch, and a maker of batches of ``rows`` in order to score by.

    Where names are hidden in training, each row is scored twice, plain and with its names hidden: the best
    epoch on plain text alone is the first, before the tower has learned to do without names.
    """
    assert config.mask_names is not None, "settled by the run"
    dropout = Dropout(config.word_dropout, config.field_dropout, config.mask_names)
    seen = [Dropout(), Dropout(names=1.0)] if config.mask_names > 0 else [Dropout()]

    def batches(epoch: int | None, hidden: Dropout) -> Iterator[Batch]:
        rng = np.random.default_rng([seed, 1, epoch or 0])
        for some in epoch_batches(rows, config.batch_size, rng, shuffle=epoch is not None):
            yield {"text": batcher.batch(some, hidden, rng), **split.targets(some)}

    def score() -> Iterator[Batch]:
        for hidden in seen:
            yield from batches(None, hidden)

    return lambda epoch: batches(epoch, dropout), score


def plain_text_batches(split: Split, batcher: TextBatcher, rows: Rows, config: TextConfig) -> Iterator[Batch]:
    """Batches of ``rows`` in order with nothing hidden, then once more of those with more than a title by it alone."""
    rng, has = np.random.default_rng(0), split.has_field[rows]
    more = rows[has[:, TITLE] & (has.sum(axis=1) > 1)]
    for seen, hidden in ((rows, Dropout()), (more, Dropout(title_alone=True))):
        for some in epoch_batches(seen, config.batch_size, rng, shuffle=False):
            yield {"text": batcher.batch(some, hidden, rng), **split.targets(some)}


def steps(rows: Rows, batch_size: int) -> int:
    """Optimiser steps an epoch."""
    return max(1, -(-len(rows) // batch_size))


_SLOW: Mapping[type, tuple[str, ...]] = {
    FusionConfig: ("text.", "image."),
    TextConfig: ("encoders.sentence.",),
    ImageConfig: (),
}
"""Parameters that learn at a rate of their own."""


def _slow_rate(config: TextConfig | ImageConfig | FusionConfig) -> float:
    if isinstance(config, FusionConfig):
        return config.tower_rate
    return config.sentence.rate if isinstance(config, TextConfig) and config.sentence is not None else 1.0


def recipe_of(
    config: TextConfig | ImageConfig | FusionConfig,
    rows: Rows,
    class_weights: Tensor | None,
    smoothing: Tensor | None = None,
) -> Recipe:
    """The optimisation recipe a section of the configuration describes; nothing in it may be left open."""
    assert config.learning_rate is not None, "settled by the run"
    return Recipe(
        epochs=config.epochs,
        steps_per_epoch=steps(rows, config.batch_size),
        learning_rate=config.learning_rate,
        weight_decay=0.0 if isinstance(config, TextConfig) else config.weight_decay,
        warmup=config.warmup if isinstance(config, ImageConfig) else 0.05,
        label_smoothing=0.0 if isinstance(config, TextConfig) else config.label_smoothing,
        class_weights=class_weights,
        smoothing=smoothing,
        slow=_SLOW[type(config)],
        slow_rate=_slow_rate(config),
    )

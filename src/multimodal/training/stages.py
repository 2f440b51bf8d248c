"""The stages that train one tower: text, photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multimodal.config.models import FusionConfig, ImageConfig, TextConfig
from multimodal.models.image import ImageTower
from multimodal.models.rounding import set_rounding
from multimodal.models.text import TextTower
from multimodal.training.arrays import Split
from multimodal.training.augment import Augment
from multimodal.training.batches import Dropout, TextBatcher, epoch_batches
from multimodal.training.captions import Captions
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


class ImageStage(Stage):
    """Trains the photo tower by itself, on augmented photos.

    Early epochs may see smaller photos (progressive resizing: Tan & Le, EfficientNetV2, 2021): most of what
    there is to learn is learned at half the cost.
    """

    network: ImageTower

    def __init__(
        self,
        network: ImageTower,
        recipe: Recipe,
        train: MakeBatches,
        select: Callable[[], Iterator[Batch]],
        *,
        config: ImageConfig,
        augment: Augment,
        caption_words: int = 0,
    ) -> None:
        """``caption_words``: how many words there are in a batch's ``captions``; 0 learns none."""
        super().__init__(network, recipe, train, select)
        self.config, self.augment = config, augment
        self.captions = nn.Linear(self.network.dim, caption_words) if caption_words else None

    def on_train_epoch_start(self) -> None:
        set_rounding(self.network, self.current_epoch >= self.recipe.epochs - self.config.rounded_epochs)

    def predict(self, batch: Batch) -> Tensor:
        logits: Tensor = self.network(batch["pixels"])[1]
        return logits

    def loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pixels = self.augment(batch["pixels"])
            if self.current_epoch < self.config.early_epochs:
                pixels = _smaller(pixels, self.config.early_scale)
        vector, logits = self.network(pixels)
        loss = self.criterion(logits, batch["labels"])
        if self.captions is not None:
            told = F.log_softmax(self.captions(self.network.dropout(vector)).float(), dim=1)
            loss = loss - self.config.caption_weight * (batch["captions"] * told).sum(dim=1).mean()
        return loss

    def learning(self) -> Iterator[tuple[str, nn.Parameter]]:
        yield from super().learning()
        if self.captions is not None:
            yield from self.captions.named_parameters(prefix="captions")


def _smaller(pixels: Tensor, scale: float) -> Tensor:
    """Photos [N, H, W, 3] at a share of their size."""
    height, width = (max(16, round(side * scale)) for side in pixels.shape[1:3])
    x = F.interpolate(pixels.permute(0, 3, 1, 2), size=(height, width), mode="bilinear", antialias=True)
    return x.permute(0, 2, 3, 1)


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
            yield {"text": batcher.batch(some, hidden, rng), "labels": torch.from_numpy(split.labels[some])}

    def score() -> Iterator[Batch]:
        for hidden in seen:
            yield from batches(None, hidden)

    return lambda epoch: batches(epoch, dropout), score


def plain_text_batches(split: Split, batcher: TextBatcher, rows: Rows, config: TextConfig) -> Iterator[Batch]:
    """Batches of ``rows`` in order with nothing hidden."""
    rng = np.random.default_rng(0)
    for some in epoch_batches(rows, config.batch_size, rng, shuffle=False):
        yield {"text": batcher.batch(some, Dropout(), rng), "labels": torch.from_numpy(split.labels[some])}


def image_batches(
    split: Split, rows: Rows, config: ImageConfig, seed: int, captions: Captions | None = None
) -> tuple[MakeBatches, Callable[[], Iterator[Batch]]]:
    """Training batches by epoch, and a maker of plain batches of ``rows`` in order."""
    pixels = split.pixels
    assert pixels is not None

    def batches(epoch: int | None) -> Iterator[Batch]:
        rng = np.random.default_rng([seed, 2, epoch or 0])
        for some in epoch_batches(rows, config.batch_size, rng, shuffle=epoch is not None):
            # A memory-mapped file reads faster in file order; order inside a batch does not matter.
            at = np.sort(some)
            batch = {"pixels": torch.from_numpy(pixels[at]), "labels": torch.from_numpy(split.labels[at])}
            yield batch if captions is None else {**batch, "captions": torch.from_numpy(captions.targets(at))}

    return batches, lambda: batches(None)


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

"""The three stages of a run: text tower, photo tower, fusion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from multimodal.config.models import FusionConfig, ImageConfig, TextConfig
from multimodal.models.fusion import Fused, FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.text import NgramTower
from multimodal.training.arrays import Split
from multimodal.training.augment import Augment
from multimodal.training.batches import Dropout, TextBatcher, epoch_batches
from multimodal.training.linear import MARGIN
from multimodal.training.stage import Batch, MakeBatches, Recipe, Stage

Rows = npt.NDArray[np.int64]


class TextStage(Stage):
    """Trains the text tower by itself, with words, fields and category names hidden at random.

    The loss is that of support vector machines, one a leaf: unlike cross-entropy it leaves a product alone
    once it is beyond the margin, and rare n-grams stay small.
    """

    network: NgramTower

    def predict(self, batch: Batch) -> Tensor:
        logits: Tensor = self.network(batch["ids"], batch["starts"])[1]
        return logits

    def criterion(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Squared hinge of each leaf against the rest, with the recipe's class weights."""
        sign = 2 * F.one_hot(labels, logits.shape[1]).float() - 1
        loss = F.relu(1 - sign * logits.float() / MARGIN).square().sum(dim=1)
        weights = self.recipe.class_weights
        return loss.mean() if weights is None else (loss * weights.to(loss.device)[labels]).mean()


class ImageStage(Stage):
    """Trains the photo tower by itself, on augmented photos."""

    network: ImageTower

    def __init__(self, *args: object, augment: Augment, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.augment = augment

    def predict(self, batch: Batch) -> Tensor:
        logits: Tensor = self.network(batch["pixels"])[1]
        return logits

    def loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pixels = self.augment(batch["pixels"])
        return self.criterion(self.network(pixels)[1], batch["labels"])


class FusionStage(Stage):
    """Trains the fusion MLP; with ``tower_rate`` above 0 the towers learn on under auxiliary losses."""

    network: Fused

    def __init__(self, *args: object, config: FusionConfig, augment: Augment, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.config, self.augment = config, augment
        self.joint = config.tower_rate > 0
        for tower in (self.network.text, self.network.image):
            tower.requires_grad_(self.joint)

    def on_train_epoch_start(self) -> None:
        if not self.joint:
            self.network.text.eval()
            self.network.image.eval()

    def predict(self, batch: Batch) -> Tensor:
        text = self.network.text.vector(batch["ids"], batch["starts"])
        image = batch["vectors"] if "vectors" in batch else self.network.image.vector(batch["pixels"])
        return self._fuse(text, image, batch["has_text"], batch["has_image"])

    def loss(self, batch: Batch) -> Tensor:
        if self.joint:
            return self._joint_loss(batch)
        with torch.no_grad():
            text = self.network.text.vector(batch["ids"], batch["starts"])
        return self.criterion(self._fuse(text, batch["vectors"], *self._present(batch)), batch["labels"])

    def _joint_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pixels = self.augment(batch["pixels"])
        text, text_logits = self.network.text(batch["ids"], batch["starts"])
        image, image_logits = self.network.image(pixels)
        labels, has_text, has_image = batch["labels"], batch["has_text"], batch["has_image"]
        loss = self.criterion(self._fuse(text, image, *self._present(batch)), labels)
        for logits, has in ((text_logits, has_text), (image_logits, has_image)):
            if has.any():
                loss = loss + self.config.auxiliary * self.criterion(logits[has], labels[has])
        return loss

    def _fuse(self, text: Tensor, image: Tensor, has_text: Tensor, has_image: Tensor) -> Tensor:
        logits: Tensor = self.network.fusion(text.float(), image.float(), has_text, has_image)
        return logits

    def _present(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Modality dropout: hides one of two modalities at random, never the only one."""
        has_text, has_image = batch["has_text"], batch["has_image"]
        both = has_text & has_image
        draw = torch.rand(len(both), device=both.device)
        p = self.config.modality_dropout
        return has_text & ~(both & (draw < p / 2)), has_image & ~(both & (draw > 1 - p / 2))


def text_batches(
    split: Split, batcher: TextBatcher, rows: Rows, config: TextConfig, seed: int
) -> tuple[MakeBatches, Callable[[], Iterator[Batch]]]:
    """Training batches by epoch, and a maker of batches of ``rows`` in order to score by.

    Where names are hidden in training, each row is scored twice, plain and with its names hidden: the best
    epoch on plain text alone is the first, before the tower has learned to do without names.
    """
    dropout = Dropout(config.word_dropout, config.field_dropout, config.mask_names)
    seen = [Dropout(), Dropout(names=1.0)] if config.mask_names > 0 else [Dropout()]

    def batches(epoch: int | None, hidden: Dropout) -> Iterator[Batch]:
        rng = np.random.default_rng([seed, 1, epoch or 0])
        for some in epoch_batches(rows, config.batch_size, rng, shuffle=epoch is not None):
            ids, starts = batcher.batch(some, hidden, rng)
            yield {"ids": ids, "starts": starts, "labels": torch.from_numpy(split.labels[some])}

    def score() -> Iterator[Batch]:
        for hidden in seen:
            yield from batches(None, hidden)

    return lambda epoch: batches(epoch, dropout), score


def image_batches(
    split: Split, rows: Rows, config: ImageConfig, seed: int
) -> tuple[MakeBatches, Callable[[], Iterator[Batch]]]:
    """Training batches by epoch, and a maker of plain batches of ``rows`` in order."""
    pixels = split.pixels
    assert pixels is not None

    def batches(epoch: int | None) -> Iterator[Batch]:
        rng = np.random.default_rng([seed, 2, epoch or 0])
        for some in epoch_batches(rows, config.batch_size, rng, shuffle=epoch is not None):
            # A memory-mapped file reads faster in file order; order inside a batch does not matter.
            at = np.sort(some)
            yield {"pixels": torch.from_numpy(pixels[at]), "labels": torch.from_numpy(split.labels[at])}

    return batches, lambda: batches(None)


def fusion_batches(
    split: Split,
    batcher: TextBatcher,
    rows: Rows,
    config: FusionConfig,
    vectors: npt.NDArray[np.float16] | None,
    seed: int,
) -> tuple[MakeBatches, Callable[[], Iterator[Batch]]]:
    """Batches with text ids and photo vectors [views, N, dim], or pixels where the towers learn on."""
    dropout = Dropout(config.word_dropout, 0.3, config.mask_names)

    def batches(epoch: int | None) -> Iterator[Batch]:
        rng = np.random.default_rng([seed, 3, epoch or 0])
        train = epoch is not None
        for some in epoch_batches(rows, config.batch_size, rng, shuffle=train):
            at = np.sort(some)
            ids, starts = batcher.batch(at, dropout if train else Dropout(), rng)
            batch = {
                "ids": ids,
                "starts": starts,
                "labels": torch.from_numpy(split.labels[at]),
                "has_text": torch.from_numpy(split.has_text[at]),
                "has_image": torch.from_numpy(split.has_image[at]),
            }
            if vectors is None:
                assert split.pixels is not None
                batch["pixels"] = torch.from_numpy(split.pixels[at])
            else:
                view = rng.integers(0, len(vectors), len(at)) if train else np.zeros(len(at), np.int64)
                batch["vectors"] = torch.from_numpy(vectors[view, at].astype(np.float32))
            yield batch

    return batches, lambda: batches(None)


def steps(rows: Rows, batch_size: int) -> int:
    """Optimiser steps an epoch."""
    return max(1, -(-len(rows) // batch_size))


def make_fusion(text: NgramTower, image: ImageTower, config: FusionConfig, leaves: int) -> Fused:
    """The towers and a fresh MLP over their vectors."""
    mlp = FusionMLP(text.dim, image.dim, config.hidden, leaves, config.dropout)
    return Fused(text, image, mlp)


def recipe_of(config: TextConfig | ImageConfig | FusionConfig, rows: Rows, class_weights: Tensor | None) -> Recipe:
    """The optimisation recipe a section of the configuration describes."""
    return Recipe(
        epochs=config.epochs,
        steps_per_epoch=steps(rows, config.batch_size),
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay if isinstance(config, ImageConfig) else 0.0,
        warmup=config.warmup if isinstance(config, ImageConfig) else 0.05,
        label_smoothing=0.0 if isinstance(config, TextConfig) else config.label_smoothing,
        class_weights=class_weights,
        slow=("text.", "image.") if isinstance(config, FusionConfig) else (),
        slow_rate=config.tower_rate if isinstance(config, FusionConfig) else 1.0,
    )

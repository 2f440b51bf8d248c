"""The stage that trains the photo tower: categories, words of titles, tags and attributes from augmented photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multimodal.config.models import ImageConfig
from multimodal.models.image import ImageTower
from multimodal.models.layers import hold_statistics
from multimodal.models.rounding import set_rounding
from multimodal.models.teachers import Teachers, resized
from multimodal.training.arrays import Split
from multimodal.training.augment import Augment
from multimodal.training.batches import epoch_batches
from multimodal.training.label_stage import LabelLoss
from multimodal.training.labels import UNKNOWN
from multimodal.training.mixing import Mixed, mix
from multimodal.training.stage import Batch, MakeBatches, Recipe, Stage

Rows = npt.NDArray[np.int64]


class ImageStage(Stage):
    """Trains the photo tower by itself, on augmented photos.

    Early epochs may see smaller photos (progressive resizing: Tan & Le, EfficientNetV2, 2021): most of what
    there is to learn is learned at half the cost. Teachers, where there are any, see the same augmented photo and
    answer for all rows, labelled or not (Hinton et al., 2015; the same view for both: Beyer et al., 2022).
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
        sets: npt.NDArray[np.bool_] | None = None,
        labels: LabelLoss | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        """
        Args:
            caption_words: how many words there are in a batch's ``captions``; 0 learns none.
            sets: bool [K, leaves], the leaves that a label may stand for.
            labels: loss of tags and attributes, where the tower has a head for them.
            teachers: whose answers it also learns.
        """
        super().__init__(network, recipe, train, select, sets=sets)
        self.config, self.augment, self.label_loss, self.teachers = config, augment, labels, teachers
        self.captions = nn.Linear(self.network.dim, caption_words) if caption_words else None

    def on_train_epoch_start(self) -> None:
        set_rounding(self.network, self.current_epoch >= self.recipe.epochs - self.config.rounded_epochs)
        if self.config.frozen > 0:
            hold_statistics(self.network.backbone)

    def predict(self, batch: Batch) -> Tensor:
        logits: Tensor = self.network(batch["pixels"])[1]
        return logits

    def loss(self, batch: Batch) -> Tensor:
        mixed: Mixed | None = None
        with torch.no_grad():
            pixels = self.augment(batch["pixels"])
            if self.config.augment.mix and torch.rand(()) < self.config.augment.mix:
                mixed = mix(pixels, _told_by_parts(batch))
                pixels = mixed.pixels
            taught = None if self.teachers is None else self.teachers(pixels)
            pixels = _smaller(pixels, scale_in(self.config, self.current_epoch))
        scores: Tensor | None = None
        if self.network.labels is None:
            vector = self.network.vector(pixels)
        else:
            vector, scores = self.network.told(pixels, self.network.labels)
        logits = self.network.head(self.network.dropout(vector))
        words = None if self.captions is None else self.captions(self.network.dropout(vector))
        loss = self._of_labels(logits, scores, words, batch)
        if mixed is not None:
            others = self._of_labels(logits, scores, words, mixed.of_partners(batch))
            loss = mixed.share * loss + (1 - mixed.share) * others
        if taught is not None:
            share = self.config.teacher_weight
            told = -(taught * F.log_softmax(logits.float(), dim=1)).sum(dim=1).mean()
            loss = loss + share * told
        return loss

    def _of_labels(self, logits: Tensor, scores: Tensor | None, words: Tensor | None, batch: Batch) -> Tensor:
        """The loss of what is known of a batch: categories, words of titles, tags and attributes."""
        loss = self.of_categories(logits, batch)
        if self.teachers is not None:
            loss = (1 - self.config.teacher_weight) * loss
        if words is not None:
            told = F.log_softmax(words.float(), dim=1)
            loss = loss - self.config.caption_weight * (batch["captions"] * told).sum(dim=1).mean()
        if self.label_loss is not None and scores is not None:
            loss = loss + self.label_loss(scores.float(), batch["tags"], batch["codes"])
        return loss

    def learning(self) -> Iterator[tuple[str, nn.Parameter]]:
        yield from super().learning()
        if self.captions is not None:
            yield from self.captions.named_parameters(prefix="captions")


def _told_by_parts(batch: Batch) -> Tensor:
    """Photos whose tags are known, bool [N]: of a pattern that is half there nobody knows the label."""
    if "tags" not in batch:
        return torch.zeros(len(batch["pixels"]), dtype=torch.bool)
    tags: Tensor = batch["tags"]
    return (tags != UNKNOWN).any(dim=1)


def scale_in(config: ImageConfig, epoch: int) -> float:
    """Share of the size at which photos are seen in an epoch of training, from 0."""
    early = epoch < config.early_epochs
    return min(config.train_scale, config.early_scale) if early else config.train_scale


def _smaller(pixels: Tensor, scale: float) -> Tensor:
    """Photos [N, H, W, 3] at a share of their size."""
    if scale == 1:
        return pixels
    height, width = (max(16, round(side * scale)) for side in pixels.shape[1:3])
    return resized(pixels, height, width)


def plain_photos(split: Split, rows: Rows, size: int) -> Iterator[Batch]:
    """Batches of some rows' photos in order, as they are."""
    pixels = split.pixels
    assert pixels is not None
    for some in epoch_batches(rows, size, np.random.default_rng(0), shuffle=False):
        at = np.sort(some)
        yield {"pixels": torch.from_numpy(pixels[at]), **split.targets(at)}

"""The stage that trains the fusion of both towers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from multimodal.config.models import FusionConfig
from multimodal.models.fusion import Fused, FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.text import TextInputs, TextTower
from multimodal.training.arrays import Split
from multimodal.training.augment import Augment
from multimodal.training.batches import Dropout, TextBatcher, epoch_batches
from multimodal.training.stage import Batch, MakeBatches, Recipe, Stage

Rows = npt.NDArray[np.int64]
Unseen = Callable[[TextInputs, Tensor], Tensor]
"""Text vectors [N, dim] of what the encoders take and the fold [N] of each row."""


class FusionStage(Stage):
    """Trains the fusion MLP; with ``tower_rate`` above 0 the towers learn on under auxiliary losses."""

    network: Fused

    def __init__(
        self,
        network: Fused,
        recipe: Recipe,
        train: MakeBatches,
        select: Callable[[], Iterator[Batch]],
        *,
        config: FusionConfig,
        augment: Augment,
        unseen: Unseen | None = None,
        sets: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """
        Args:
            unseen: makes text vectors of training rows by towers that have not seen them.
            sets: see ``Stage``.
        """
        super().__init__(network, recipe, train, select, sets=sets)
        self.config, self.augment, self.unseen = config, augment, unseen
        self.joint = config.tower_rate > 0
        for tower in (self.network.text, self.network.image):
            tower.requires_grad_(self.joint)

    def on_train_epoch_start(self) -> None:
        if not self.joint:
            self.network.text.eval()
            self.network.image.eval()

    def predict(self, batch: Batch) -> Tensor:
        text = self.network.text.vector(batch["text"])
        image = batch["vectors"] if "vectors" in batch else self.network.image.vector(batch["pixels"])
        return self._fuse(text, image, batch["has_text"], batch["has_image"])

    def loss(self, batch: Batch) -> Tensor:
        if self.joint:
            return self._joint_loss(batch)
        with torch.no_grad():
            if self.unseen is None:
                text = self.network.text.vector(batch["text"])
            else:
                text = self.unseen(batch["text"], batch["fold"])
        return self.of_categories(self._fuse(text, batch["vectors"], *self._present(batch)), batch)

    def _joint_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pixels = self.augment(batch["pixels"])
        text, text_logits = self.network.text(batch["text"])
        image, image_logits = self.network.image(pixels)
        loss = self.of_categories(self._fuse(text, image, *self._present(batch)), batch)
        for logits, has in ((text_logits, batch["has_text"]), (image_logits, batch["has_image"])):
            if has.any():
                some = {name: batch[name][has] for name in ("labels", "allowed") if name in batch}
                loss = loss + self.config.auxiliary * self.of_categories(logits[has], some)
        return loss

    def _fuse(self, text: Tensor, image: Tensor, has_text: Tensor, has_image: Tensor) -> Tensor:
        logits: Tensor = self.network(text.float(), image.float(), has_text, has_image)
        return logits

    def _present(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Modality dropout: hides one of two modalities at random, never the only one."""
        has_text, has_image = batch["has_text"], batch["has_image"]
        both = has_text & has_image
        draw = torch.rand(len(both), device=both.device)
        p = self.config.modality_dropout
        return has_text & ~(both & (draw < p / 2)), has_image & ~(both & (draw > 1 - p / 2))


def make_fusion(text: TextTower, image: ImageTower, config: FusionConfig, leaves: int) -> Fused:
    """The towers and a fresh MLP over their vectors."""
    mlp = FusionMLP(text.dim, image.dim, config.hidden, leaves, config.dropout)
    return Fused(text, image, mlp)


def fusion_batches(
    split: Split,
    batcher: TextBatcher,
    rows: Rows,
    config: FusionConfig,
    vectors: npt.NDArray[np.float16] | None,
    fold: npt.NDArray[np.int64] | None,
    seed: int,
) -> tuple[MakeBatches, Callable[[], Iterator[Batch]]]:
    """Batches with text ids and photo vectors [views, N, dim], or pixels where the towers learn on.

    Args:
        fold: of each row of the split [N], where its text is to come from a tower that has not seen it.
    """
    dropout = Dropout(config.word_dropout, config.field_dropout, config.mask_names)

    def batches(epoch: int | None) -> Iterator[Batch]:
        rng = np.random.default_rng([seed, 3, epoch or 0])
        train = epoch is not None
        for some in epoch_batches(rows, config.batch_size, rng, shuffle=train):
            at = np.sort(some)
            batch: dict[str, Any] = {
                "text": batcher.batch(at, dropout if train else Dropout(), rng),
                **split.targets(at),
                "has_text": torch.from_numpy(split.has_text[at]),
                "has_image": torch.from_numpy(split.has_image[at]),
            }
            if fold is not None:
                batch["fold"] = torch.from_numpy(fold[at])
            if vectors is None:
                assert split.pixels is not None
                batch["pixels"] = torch.from_numpy(split.pixels[at])
            else:
                view = rng.integers(0, len(vectors), len(at)) if train else np.zeros(len(at), np.int64)
                batch["vectors"] = torch.from_numpy(vectors[view, at].astype(np.float32))
            yield batch

    return batches, lambda: batches(None)

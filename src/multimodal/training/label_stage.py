"""Learning tags and attributes from photos: their loss, and the stage that learns nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multimodal.config.models import AttributeConfig, ImageConfig, TagsConfig
from multimodal.models.image import ImageTower
from multimodal.models.layers import hold_statistics
from multimodal.models.rounding import set_rounding
from multimodal.training.augment import Augment
from multimodal.training.labels import UNKNOWN, LabelSpace
from multimodal.training.stage import Batch, MakeBatches, Recipe, Stage


class LabelLoss:
    """Loss of tags and attributes where they are known, each by its own weight."""

    def __init__(self, space: LabelSpace, tags: TagsConfig | None, attributes: Mapping[str, AttributeConfig]) -> None:
        self.space, self.tags = space, tags
        self.weights = [attributes[name].weight for name in space.attributes]
        self.learned = torch.zeros(space.width, dtype=torch.bool)
        """Outputs that have a weight [width]."""
        self.learned[: len(space.tags)] = tags is not None
        for part, weight in zip(space.slices().values(), self.weights, strict=True):
            self.learned[part] = weight > 0

    def __call__(self, scores: Tensor, tags: Tensor, codes: Tensor) -> Tensor:
        """The weighted sum over a batch, divided by its rows.

        Args:
            scores: of the label head [N, width].
            tags: 0, 1 or ``UNKNOWN`` [N, tags].
            codes: values [N, attributes], or ``UNKNOWN``.
        """
        loss = scores.new_zeros(())
        if self.tags is not None:
            known = (tags != UNKNOWN).float()
            target = tags.float().clamp(self.tags.noise, 1 - self.tags.noise)
            each = F.binary_cross_entropy_with_logits(scores[:, : tags.shape[1]], target, reduction="none")
            loss = loss + self.tags.weight * (each * known).sum() / known.shape[1]
        for column, (part, weight) in enumerate(zip(self.space.slices().values(), self.weights, strict=True)):
            if weight == 0:
                continue
            loss = loss + weight * F.cross_entropy(
                scores[:, part], codes[:, column], ignore_index=UNKNOWN, reduction="sum", label_smoothing=0.05
            )
        return loss / len(scores)

    def right(self, scores: Tensor, tags: Tensor, codes: Tensor) -> Tensor:
        """Whether each known tag and learned attribute is told right, bool [known of them all]; tags from a half on."""
        found = []
        if self.tags is not None:
            known = tags != UNKNOWN
            found.append(((scores[:, : tags.shape[1]] > 0) == (tags == 1))[known])
        for column, (part, weight) in enumerate(zip(self.space.slices().values(), self.weights, strict=True)):
            if weight == 0:
                continue
            known = codes[:, column] != UNKNOWN
            found.append((scores[:, part].argmax(dim=1) == codes[:, column])[known])
        return torch.cat(found)


class LabelStage(Stage):
    """Learns the head of tags and attributes alone, on the tower of a bundle that answers as before.

    A tower knows what its training photos show by heart: beside its vectors a branch would find nothing left to
    learn. So where there is a branch, what is learned is read from it alone. The epoch with the least loss on the
    photos of the select half is kept.
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
        labels: LabelLoss,
        judged: LabelLoss,
    ) -> None:
        """
        Args:
            labels: the loss; what has no weight in it stays as it is.
            judged: that of what is answered, to choose an epoch by.
        """
        super().__init__(network, recipe, train, select)
        assert network.labels is not None
        network.requires_grad_(False)
        self.head = network.labels.requires_grad_(True)
        self.config, self.augment, self.labels, self.judged = config, augment, labels, judged
        if self.head.branch is not None:
            with torch.no_grad():
                self.head.weight[labels.learned] = 0
                self.head.bias[labels.learned] = 0
            for parameter in (self.head.weight, self.head.bias):
                parameter.requires_grad_(False)
        self._losses: list[Tensor] = []

    def decays(self, name: str, parameter: nn.Parameter) -> bool:
        """All but what gives the scores: those that are not learned would shrink."""
        return not name.endswith(("labels.weight", "scores.weight")) and super().decays(name, parameter)

    def on_train_epoch_start(self) -> None:
        set_rounding(self.head, self.current_epoch >= self.recipe.epochs - self.config.rounded_epochs)
        hold_statistics(self.network.backbone)

    def loss(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            pixels = self.augment(batch["pixels"])
        return self.labels(self._scores(pixels), batch["tags"], batch["codes"])

    def validation_step(self, batch: Batch, index: int) -> None:
        scores = self._scores(batch["pixels"])
        self._losses.append(self.judged(scores, batch["tags"], batch["codes"]).expand(len(scores)))
        self._hits.append(self.judged.right(scores, batch["tags"], batch["codes"]))

    def on_validation_epoch_end(self) -> None:
        if self._losses:
            loss = torch.cat(self._losses).mean()
            self.log("select_top1", torch.cat(self._hits).float().mean(), prog_bar=True)
            self.log("select_nll", loss, prog_bar=True)
            self.log("select_rank", -loss)
        self._losses, self._hits = [], []

    def _scores(self, pixels: Tensor) -> Tensor:
        return self.network.told(pixels, self.head)[1].float()

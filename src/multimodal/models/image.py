"""Photo tower: any timm backbone, a dropout and a linear head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError, nearest
from multimodal.models.compat import prepare_torch
from multimodal.models.label_head import LabelBranch, LabelHead, map_for_branch


class ImageTower(nn.Module):
    """Photo vectors and leaf logits from RGB pixels in 0..255.

    Normalisation is part of the module, so that training and the exported graph cannot differ in it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ImageConfig, leaves: int, labels: int = 0) -> None:
        """
        Args:
            labels: outputs of the head for tags and attributes; 0 has none.
        """
        super().__init__()
        self.backbone = create_backbone(config)
        self.dim = feature_dim(self.backbone, config.size)
        self.mirror = config.mirror
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.dim, leaves)
        self.labels: LabelHead | None = None
        if labels:
            branch = None
            if config.label_branch:
                self.stage, channels = map_for_branch(self.backbone, config.backbone)
                branch = LabelBranch(channels, config.label_branch, labels)
            self.labels = LabelHead(self.dim, labels, branch)
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1) * 255, persistent=False)

    def vector(self, pixels: Tensor) -> Tensor:
        """Photo vectors [N, dim] of pixels [N, H, W, 3], uint8 or float in 0..255."""
        vector: Tensor = self.backbone(self._views(pixels))
        return self._mean(vector)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Photo vectors [N, dim] and logits [N, leaves]."""
        vector = self.vector(pixels)
        return vector, self.head(self.dropout(vector))

    def told(self, pixels: Tensor, labels: LabelHead) -> tuple[Tensor, Tensor]:
        """Photo vectors [N, dim] and scores of tags and attributes [N, labels], in one pass.

        Args:
            labels: the head, or one with some of its outputs.
        """
        if labels.branch is None:
            vector = self.vector(pixels)
            return vector, labels(self.dropout(vector))
        last, (middle,) = self.backbone.forward_intermediates(  # type: ignore[operator]
            self._views(pixels), indices=[self.stage]
        )
        vector = self._mean(self.backbone.forward_head(last))  # type: ignore[operator]
        return vector, labels(self.dropout(vector)) + self._mean(labels.branch(middle))

    def _views(self, pixels: Tensor) -> Tensor:
        """Normalised photos [N, 3, H, W], and their mirror images after them where those are looked at."""
        x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return torch.cat([x, x.flip(3)]) if self._mirrored else x

    def _mean(self, views: Tensor) -> Tensor:
        """One row a photo [N, …] of one a view."""
        return views.reshape(2, -1, *views.shape[1:]).mean(dim=0) if self._mirrored else views

    @property
    def _mirrored(self) -> bool:
        return self.mirror and not self.training


def create_backbone(config: ImageConfig) -> nn.Module:
    """Creates a timm backbone without a classifier and without weights.

    Raises:
        ConfigError: for a name timm does not know, naming the nearest, or that it makes no model of; or for
            arguments that the model does not take.
    """
    prepare_torch()
    import timm

    arguments: Mapping[str, Any] = config.backbone_args
    try:
        model: nn.Module = timm.create_model(config.backbone, pretrained=False, num_classes=0, **arguments)
    except (RuntimeError, ValueError, OSError) as error:
        listed = "List them with: python -c 'import timm; print(timm.list_models())'"
        if "Unknown model" in str(error):
            hint = nearest(config.backbone, timm.list_models())
            raise ConfigError(f"image.backbone: timm has no model {config.backbone!r}.{hint} {listed}") from None
        raise ConfigError(
            f"image.backbone: got {config.backbone!r}, expected a model that timm makes: {error} Check it and "
            f"image.backbone_args. {listed}"
        ) from error
    except TypeError as error:
        raise ConfigError(
            f"image.backbone_args: got {dict(arguments)}, expected arguments that timm's {config.backbone!r} "
            f"takes: {error}"
        ) from error
    return model


def feature_dim(backbone: nn.Module, size: tuple[int, int]) -> int:
    """Width of a backbone's pooled features, by a trial run (timm's ``num_features`` can miss a conv head).

    Raises:
        ConfigError: photos of this size do not go through the backbone.
    """
    was_training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            out = backbone(torch.zeros(1, 3, *size))
    except (AssertionError, RuntimeError) as error:
        raise ConfigError(
            f"image.size: got {list(size)}, expected a size that the backbone takes: {error}; change it, or tell "
            "the backbone in image.backbone_args (img_size, for many transformers)"
        ) from error
    backbone.train(was_training)
    return int(out.shape[1])

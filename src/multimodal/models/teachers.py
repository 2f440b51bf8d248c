"""Photo towers of finished bundles whose answers a new one also learns (distillation)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from multimodal.artifact import open_bundle, read_manifest
from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError
from multimodal.models.from_bundle import leaf_order, load_tower, named_by
from multimodal.models.image import ImageTower
from multimodal.taxonomy import Tree

_STRETCH = 0.05
"""How far the proportions of two canvases may differ."""


class Teachers:
    """The mean answer of several towers. No module: what they hold is neither trained nor saved with the pupil."""

    def __init__(self, folders: Sequence[str], tree: Tree, size: tuple[int, int]) -> None:
        """Loads the photo towers of bundles.

        Args:
            tree: whose leaves they answer, in its order.
            size: height and width of the pupil's photos.

        Raises:
            ConfigError: a bundle of another tree, of photos of another shape, without a photo tower, or that does not
                tell how it was trained.
            BundleError: a bundle that is missing or changed.
        """
        self.towers = [_load(Path(folder), tree, size) for folder in folders]

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Tensor:
        """Probabilities [N, leaves] of photos [N, H, W, 3]: the geometric mean of the towers, each at its own size."""
        told = []
        for tower, size, order in self.towers:
            logits = tower.to(pixels.device)(resized(pixels, *size))[1].float()
            told.append(F.log_softmax(logits[:, order.to(pixels.device)], dim=1))
        return torch.softmax(torch.stack(told).mean(dim=0), dim=1)


def resized(pixels: Tensor, height: int, width: int) -> Tensor:
    """Photos [N, H, W, 3] at another size."""
    if pixels.shape[1:3] == (height, width):
        return pixels
    x = pixels.permute(0, 3, 1, 2).float()
    return F.interpolate(x, size=(height, width), mode="bilinear", antialias=True).permute(0, 2, 3, 1)


def check_teachers(folders: Sequence[str], size: tuple[int, int], tree: Tree | None = None) -> None:
    """Refuses what ``Teachers`` would, by what the bundles say of themselves; no tower is made.

    Args:
        tree: None where it is not known yet.
    """
    for folder in map(Path, folders):
        with named_by("image.teachers"):
            open_bundle(folder)
        _trained(folder, size)
        if tree is not None:
            _order(folder, tree)


def _load(folder: Path, tree: Tree, size: tuple[int, int]) -> tuple[ImageTower, tuple[int, int], Tensor]:
    order, config = _order(folder, tree), _trained(folder, size)
    tower = ImageTower(config, len(tree.leaves))
    with named_by("image.teachers"):
        load_tower(tower, folder, "image")
    return tower.eval().requires_grad_(False), config.size, order


def _order(folder: Path, tree: Tree) -> Tensor:
    """Where each leaf of the pupil's tree stands in the teacher's head."""
    with named_by("image.teachers"):
        manifest, order = read_manifest(folder), leaf_order(folder, tree)
    if order is None:
        raise ConfigError(
            f"image.teachers: {folder}: its tree has version {manifest.tree_version}, expected that of 'tree', "
            f"{tree.version}; teachers answer in the same categories"
        )
    return order


def _trained(folder: Path, size: tuple[int, int]) -> ImageConfig:
    """The configuration of a teacher's photo tower."""
    with named_by("image.teachers"):
        manifest = read_manifest(folder)
    trained = manifest.provenance.get("config", {}).get("image")
    if manifest.image is None or trained is None:
        raise ConfigError(f"image.teachers: {folder}: got a bundle without a photo tower of ours, expected one")
    # A pupil sees photos turned at random anyway; the mirror image would cost as much again.
    config = ImageConfig.model_validate(trained).model_copy(update={"mirror": False})
    if abs(config.size[0] * size[1] / (config.size[1] * size[0]) - 1) > _STRETCH:
        raise ConfigError(
            f"image.teachers: {folder}: it sees photos of {config.size[0]}×{config.size[1]}, the pupil of "
            f"{size[0]}×{size[1]}; expected the same proportions, or the teacher would see them stretched"
        )
    return config

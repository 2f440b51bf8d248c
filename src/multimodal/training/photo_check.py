"""What a photo tower is to begin from and to learn from, checked before a row is read.

The tower is trained after the text's: a mistake in its section of the configuration would show hours late.
"""

from __future__ import annotations

from pathlib import Path

import torch

from multimodal.artifact import open_bundle, read_manifest
from multimodal.config.models import ImageConfig, RunConfig
from multimodal.errors import ConfigError
from multimodal.models.from_bundle import leaf_order, named_by
from multimodal.models.image import create_backbone
from multimodal.models.label_head import map_for_branch
from multimodal.models.teachers import check_teachers
from multimodal.models.weights import load_backbone
from multimodal.taxonomy import Tree

_BUNDLE = "bundle:"


def check_photo_tower(config: RunConfig) -> None:
    """Makes the backbone with its weights once, and opens the bundles that teach; a second or two.

    Raises:
        ConfigError: no such backbone, weights that are not there or do not fit it, a bundle without a photo tower.
        BundleError: a bundle that is missing or changed.
    """
    image, begun = config.image, config.training.init_from
    if image is None:
        return
    # Chance must be what it would be without the check: the same seed gives the same towers.
    with torch.random.fork_rng(devices=[]):
        backbone = create_backbone(image)
        if begun is None:
            load_backbone(backbone, image)
        if image.label_branch:
            map_for_branch(backbone, image.backbone)
    if begun is not None:
        _check_start(Path(begun), image.weights)
    check_teachers(image.teachers, image.size)


def check_kept(config: ImageConfig, tree: Tree) -> None:
    """Of a tower that learns labels alone: the bundle whose categories are kept must have the same.

    Raises:
        ConfigError: a bundle of another tree.
    """
    if config.learn == "all":
        return
    folder = Path(config.weights.removeprefix(_BUNDLE))
    with named_by("image.weights"):
        manifest, order = read_manifest(folder), leaf_order(folder, tree)
    if order is None:
        raise ConfigError(
            f"image.weights: {folder}: its tree has version {manifest.tree_version}, expected that of 'tree', "
            f"{tree.version}: with image.learn: labels its categories are kept; give another bundle, or learn all"
        )


def _check_start(folder: Path, weights: str) -> None:
    """A run that continues from a bundle takes the tower from there; of ``image.weights`` it notes a bundle's hash."""
    with named_by("training.init_from"):
        bundle = open_bundle(folder)
    if bundle.manifest.image is None:
        raise ConfigError(
            f"training.init_from: {folder}: got a bundle without a photo tower, expected one to continue from; give "
            "another bundle, or set image: null"
        )
    if weights.startswith(_BUNDLE):
        with named_by("image.weights"):
            read_manifest(Path(weights.removeprefix(_BUNDLE)))

"""Trains the photo tower and the fusion of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from multimodal.artifact import bundle_sha256, read_manifest
from multimodal.config.models import ImageConfig
from multimodal.models.from_bundle import load_heads, load_tower, origin_of
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.layers import freeze, rates
from multimodal.models.rounding import bake, round_weights
from multimodal.models.teachers import Teachers
from multimodal.models.weights import load_backbone
from multimodal.training.augment import Augment
from multimodal.training.batches import TextBatcher
from multimodal.training.captions import Captions
from multimodal.training.encoders import TextPart
from multimodal.training.fit import fit
from multimodal.training.folds import train_folds
from multimodal.training.fusion_stage import FusionStage, fusion_batches, make_fusion
from multimodal.training.image_stage import ImageStage, LabelLoss, plain_photos
from multimodal.training.imbalance import adjust_to_rare, smoothing_of
from multimodal.training.photo_table import PhotoTable, photo_batches
from multimodal.training.run import Run
from multimodal.training.stage import Batch
from multimodal.training.stages import recipe_of
from multimodal.training.vectors import image_vectors

_console = Console(stderr=True)


def train_image(run: Run) -> ImageTower:
    """The photo tower."""
    config, train, val = run.config.image, run.train, run.val
    assert config is not None
    torch.manual_seed(run.config.training.seed)
    tower = ImageTower(config, len(run.tree.leaves), run.space.width)
    if run.config.training.init_from:
        load_tower(tower, Path(run.config.training.init_from), "image")
        origin = f"the bundle {run.config.training.init_from}"
    else:
        origin = load_backbone(tower.backbone, config)
        if config.weights.startswith("bundle:"):
            load_heads(tower, Path(config.weights.removeprefix("bundle:")), run.tree)
    if config.rounded_epochs:
        round_weights(tower.backbone)
    if config.frozen > 0:
        freeze(tower.backbone, config.frozen)
    run.notes["image_weights"] = origin
    if config.teachers:
        run.notes["image_teachers"] = [origin_of(Path(folder)) for folder in config.teachers]
    _console.print(f"Photo tower: {config.backbone}, weights from {origin}", highlight=False)
    table = PhotoTable(train, run.space, run.beside.get("train"))
    rows = np.arange(len(table))
    seed = run.config.training.seed
    captions = Captions(train, config.caption_words) if config.caption_words and train.text is not None else None
    chosen = run.select[val.has_image[run.select]]

    def score() -> Iterator[Batch]:
        return plain_photos(val, chosen, config.batch_size)

    weights = run.class_weights(np.flatnonzero(train.has_image))
    stage = ImageStage(
        tower,
        replace(recipe_of(config, rows, weights, smoothing_of(run)), rates=_rates(tower, config)),
        lambda epoch: photo_batches(table, config.batch_size, seed, epoch, captions),
        score,
        config=config,
        augment=Augment(config.augment, config.pad),
        caption_words=captions.size if captions else 0,
        sets=table.sets,
        labels=LabelLoss(run.space, run.config.tags, run.config.attributes) if run.space.width else None,
        teachers=Teachers(config.teachers, run.tree, config.size) if config.teachers else None,
    )
    fit(
        "photo",
        stage,
        run.work / "image",
        fingerprint=run.fingerprint(config, run.config.training, *_labels_asked(run), *_bundles(config)),
        patience=config.patience,
        device=run.device,
        ema=config.ema,
        resume=run.resume,
    )
    tower.requires_grad_(True)
    bake(tower)
    adjust_to_rare(run, "image", tower.head, stage, score)
    return tower


def _rates(tower: ImageTower, config: ImageConfig) -> dict[str, float]:
    """Rates of the backbone's parameters that are not 1."""
    if config.layer_decay == 1:
        return {}
    return {f"backbone.{name}": rate for name, rate in rates(tower.backbone, config.layer_decay).items()}


def _bundles(config: ImageConfig) -> list[str]:
    """Hashes of the bundles that the tower begins from or learns from: another one under the same name is another."""
    start = [config.weights.removeprefix("bundle:")] if config.weights.startswith("bundle:") else []
    return [bundle_sha256(read_manifest(Path(folder))) for folder in (*start, *config.teachers)]


def _labels_asked(run: Run) -> tuple[object, ...]:
    """What of the configuration the tower's labels depend on, if there are any; not what is settled at the export."""
    config = run.config
    if not run.space.width and not run.beside:
        return ()
    tags = config.tags and config.tags.model_copy(update={"precision": None})
    attributes = {name: how.model_copy(update={"answered": True}) for name, how in config.attributes.items()}
    return tags, attributes, run.space, config.data.photos


def train_fusion(run: Run, part: TextPart, image: ImageTower) -> FusionMLP:
    """The fusion MLP; with ``tower_rate`` above 0 the towers learn on with it."""
    config, photos, seed = run.config.fusion, run.config.image, run.config.training.seed
    assert photos is not None
    torch.manual_seed(seed)
    text = part.tower
    network = make_fusion(text, image, config, len(run.tree.leaves))
    if run.config.training.init_from:
        load_tower(network.fusion, Path(run.config.training.init_from), "fusion")
    augment = Augment(photos.augment, photos.pad)
    frozen = config.tower_rate == 0
    folds = train_folds(run, part, config.folds) if frozen and config.folds > 1 else None
    _console.print(f"Fusion: towers {'frozen' if frozen else 'learning on'}")
    vectors = plain = None
    if frozen:
        harder = Augment(photos.augment.model_copy(update={"strength": config.view_strength}), photos.pad)
        vectors = image_vectors(run, image, "train", harder, config.views)
        plain = image_vectors(run, image, "val", harder, 0)
    rows = np.flatnonzero(run.train.has_text | run.train.has_image)
    fold = None if folds is None else folds.fold
    make, _ = fusion_batches(run.train, TextBatcher(run.train, part.feeds), rows, config, vectors, fold, seed)
    select = run.select
    _, score = fusion_batches(run.val, TextBatcher(run.val, part.feeds), select, config, plain, None, seed)
    stage = FusionStage(
        network,
        recipe_of(config, rows, run.class_weights(rows), smoothing_of(run)),
        make,
        score,
        config=config,
        augment=augment,
        unseen=None if folds is None else folds.vector,
        sets=run.train.sets,
    )
    fit(
        "fusion",
        stage,
        run.work / "fusion",
        fingerprint=run.fingerprint(run.config.text, photos, config, run.config.training, *_labels_asked(run)),
        patience=config.patience,
        device=run.device,
        resume=run.resume,
    )
    network.requires_grad_(True)
    return network.fusion

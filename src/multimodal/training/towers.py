"""Trains the photo tower and the fusion of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from multimodal.models.from_bundle import load_tower
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.rounding import bake, round_weights
from multimodal.models.weights import load_backbone
from multimodal.training.augment import Augment
from multimodal.training.batches import TextBatcher
from multimodal.training.captions import Captions
from multimodal.training.encoders import TextPart
from multimodal.training.fit import fit
from multimodal.training.folds import train_folds
from multimodal.training.fusion_stage import FusionStage, fusion_batches, make_fusion
from multimodal.training.imbalance import adjust_to_rare, smoothing_of
from multimodal.training.run import Run
from multimodal.training.stages import ImageStage, image_batches, recipe_of
from multimodal.training.vectors import image_vectors

_console = Console(stderr=True)


def train_image(run: Run) -> ImageTower:
    """The photo tower."""
    config, train, val = run.config.image, run.train, run.val
    assert config is not None
    torch.manual_seed(run.config.training.seed)
    tower = ImageTower(config, len(run.tree.leaves))
    if run.config.training.init_from:
        load_tower(tower, Path(run.config.training.init_from), "image")
        origin = f"the bundle {run.config.training.init_from}"
    else:
        origin = load_backbone(tower.backbone, config)
    if config.rounded_epochs:
        round_weights(tower.backbone)
    run.notes["image_weights"] = origin
    _console.print(f"Photo tower: {config.backbone}, weights from {origin}", highlight=False)
    rows = np.flatnonzero(train.has_image)
    seed = run.config.training.seed
    captions = Captions(train, config.caption_words) if config.caption_words and train.text is not None else None
    make, _ = image_batches(train, rows, config, seed, captions)
    _, score = image_batches(val, run.select[val.has_image[run.select]], config, seed)
    stage = ImageStage(
        tower,
        recipe_of(config, rows, run.class_weights(rows), smoothing_of(run)),
        make,
        score,
        config=config,
        augment=Augment(config.augment, config.pad),
        caption_words=captions.size if captions else 0,
    )
    fit(
        "photo",
        stage,
        run.work / "image",
        fingerprint=run.fingerprint(config, run.config.training),
        patience=config.patience,
        device=run.device,
        ema=config.ema,
        resume=run.resume,
    )
    bake(tower)
    adjust_to_rare(run, "image", tower.head, stage, score)
    return tower


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
    )
    fit(
        "fusion",
        stage,
        run.work / "fusion",
        fingerprint=run.fingerprint(run.config.text, photos, config, run.config.training),
        patience=config.patience,
        device=run.device,
        resume=run.resume,
    )
    network.requires_grad_(True)
    return network.fusion

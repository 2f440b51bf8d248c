"""Trains the fusion of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from multimodal.models.from_bundle import load_tower
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.training.augment import Augment
from multimodal.training.batches import TextBatcher
from multimodal.training.encoders import TextPart
from multimodal.training.fit import fit
from multimodal.training.folds import train_folds
from multimodal.training.fusion_stage import FusionStage, fusion_batches, make_fusion
from multimodal.training.imbalance import smoothing_of
from multimodal.training.photo import labels_asked
from multimodal.training.run import Run
from multimodal.training.stages import recipe_of
from multimodal.training.vectors import image_vectors

_console = Console(stderr=True)


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
        fingerprint=run.fingerprint(run.config.text, photos, config, run.config.training, *labels_asked(run)),
        patience=config.patience,
        device=run.device,
        resume=run.resume,
    )
    network.requires_grad_(True)
    return network.fusion

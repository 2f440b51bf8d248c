"""Trains the photo tower of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from multimodal.artifact import bundle_sha256, read_manifest
from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError
from multimodal.models.from_bundle import load_heads, load_labels, load_tower, origin_of
from multimodal.models.image import ImageTower
from multimodal.models.layers import freeze, rates
from multimodal.models.rounding import bake, round_weights
from multimodal.models.teachers import Teachers
from multimodal.models.weights import load_backbone
from multimodal.training.augment import Augment
from multimodal.training.captions import Captions
from multimodal.training.fit import fit
from multimodal.training.image_stage import ImageStage, plain_photos
from multimodal.training.imbalance import adjust_to_rare, smoothing_of
from multimodal.training.label_stage import LabelLoss, LabelStage
from multimodal.training.photo_table import PhotoTable, photo_batches
from multimodal.training.run import Run
from multimodal.training.stage import Batch
from multimodal.training.stages import recipe_of

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
            folder = Path(config.weights.removeprefix("bundle:"))
            load_heads(tower, folder, run.tree)
            _go_on(run, tower, folder)
    run.notes["image_weights"] = origin
    _console.print(f"Photo tower: {config.backbone}, weights from {origin}", highlight=False)
    table = PhotoTable(train, run.space, run.beside.get("train"))
    if config.learn == "labels":
        return train_labels(run, tower, table)
    if config.rounded_epochs:
        round_weights(tower)
    if config.frozen > 0:
        freeze(tower.backbone, config.frozen)
    if config.teachers:
        run.notes["image_teachers"] = [origin_of(Path(folder)) for folder in config.teachers]
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
        lambda epoch: photo_batches(table, rows, config.batch_size, seed, epoch, captions),
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
        fingerprint=run.fingerprint(config, run.config.training, *labels_asked(run), *_bundles(config)),
        patience=config.patience,
        device=run.device,
        ema=config.ema,
        resume=run.resume,
    )
    tower.requires_grad_(True)
    bake(tower)
    adjust_to_rare(run, "image", tower.head, stage, score)
    return tower


def _go_on(run: Run, tower: ImageTower, folder: Path) -> None:
    """Fills the head of tags and attributes with what a bundle answers of them.

    Raises:
        ConfigError: an attribute that is not to be learned, and that the bundle does not answer.
    """
    if tower.labels is None:
        return
    known = load_labels(tower.labels, folder, run.space.names())
    for name, values in run.space.attributes.items():
        missing = [value for value in values if (name, value) not in known]
        if run.config.attributes[name].weight == 0 and missing:
            raise ConfigError(
                f"attributes.{name}.weight: got 0, and {folder} does not answer {len(missing)} of its {len(values)} "
                f"values (first: {missing[0]!r}), expected a weight above 0 to learn them"
            )


def train_labels(run: Run, tower: ImageTower, table: PhotoTable) -> ImageTower:
    """The photo tower of a bundle with a head of tags and attributes that learned on; nothing else changes."""
    config, seed = run.config.image, run.config.training.seed
    assert config is not None
    assert tower.labels is not None
    if config.rounded_epochs:
        round_weights(tower.labels)
    known = PhotoTable(run.val, run.space, run.beside.get("val"))
    learned = np.array([run.config.attributes[name].weight > 0 for name in run.space.attributes], np.bool_)
    rows, there = np.flatnonzero(table.tells(learned)), known.tells(learned)
    select = np.flatnonzero(there & (known.half == "select"))
    chosen = select if len(select) else np.flatnonzero(there)
    asked = run.config.attributes
    answered = {name: how if how.answered else how.model_copy(update={"weight": 0}) for name, how in asked.items()}
    loss, judged = (LabelLoss(run.space, run.config.tags, attributes) for attributes in (asked, answered))
    stage = LabelStage(
        tower,
        recipe_of(config, rows, None),
        lambda epoch: photo_batches(table, rows, config.batch_size, seed, epoch),
        lambda: photo_batches(known, chosen, config.batch_size, seed, None),
        config=config,
        augment=Augment(config.augment, config.pad),
        labels=loss,
        judged=judged if judged.learned.any() else loss,
    )
    fit(
        "tags and attributes",
        stage,
        run.work / "image",
        fingerprint=run.fingerprint(config, run.config.training, *labels_asked(run), *_bundles(config)),
        patience=config.patience,
        device=run.device,
        ema=config.ema,
        resume=run.resume,
    )
    tower.requires_grad_(True)
    bake(tower)
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


def labels_asked(run: Run) -> tuple[object, ...]:
    """What of the configuration the tower's labels depend on, if there are any; not what is settled at the export."""
    config = run.config
    if not run.space.width and not run.beside:
        return ()
    tags = config.tags and config.tags.model_copy(update={"precision": None})
    attributes = {name: how.model_copy(update={"answered": True}) for name, how in config.attributes.items()}
    return tags, attributes, run.space, config.data.photos

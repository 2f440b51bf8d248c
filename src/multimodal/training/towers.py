"""Trains the towers and the fusion of a run, one after the other."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import track

from multimodal.config.models import TextConfig
from multimodal.models.from_bundle import load_text, load_tower
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.text import NgramTower
from multimodal.models.weights import load_backbone
from multimodal.training.arrays import Split
from multimodal.training.augment import Augment
from multimodal.training.batches import (
    Ids,
    TextBatcher,
    build_vocabulary,
    field_of,
    inverse_document_frequency,
)
from multimodal.training.fit import fit
from multimodal.training.linear import start_from_svm
from multimodal.training.run import Run
from multimodal.training.stages import (
    FusionStage,
    ImageStage,
    TextStage,
    fusion_batches,
    image_batches,
    make_fusion,
    recipe_of,
    text_batches,
)

_console = Console(stderr=True)
Vocabulary = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]


def train_text(run: Run) -> tuple[NgramTower, Vocabulary]:
    """The text tower and the hashes of its vocabulary."""
    config, train, val = run.config.text, run.train, run.val
    assert config is not None
    assert train.text is not None
    vocabulary = build_vocabulary(train.text, config.encoder.vocabulary, config.encoder.min_count)
    _console.print(f"Text tower: {config.encoder.type}, {len(vocabulary):,} n-grams")
    batcher, val_batcher = TextBatcher(train, vocabulary), TextBatcher(val, vocabulary)
    rows = np.flatnonzero(train.has_text)
    seed = run.config.training.seed
    torch.manual_seed(seed)
    tower = _text_tower(run, config, vocabulary, batcher.plain_ids)
    if run.config.training.init_from:
        found = load_text(tower, vocabulary, Path(run.config.training.init_from))
        origin = run.config.training.init_from
        run.notes["text_weights"] = f"{found} of {len(vocabulary)} n-grams from {origin}"
    elif config.encoder.start == "svm":
        _start_text(run, tower, config, batcher.plain_ids, rows)
    make, _ = text_batches(train, batcher, rows, config, seed)
    select = run.select[val.has_text[run.select]]
    _, score = text_batches(val, val_batcher, select, config, seed)
    stage = TextStage(tower, recipe_of(config, rows, run.class_weights(rows)), make, score)
    # The tower is small and its batches tiny: the CPU is as fast as anything.
    fit(
        "text",
        stage,
        run.work / "text",
        fingerprint=run.fingerprint(config, run.config.training),
        patience=config.patience,
        device="cpu",
        ema=config.ema,
        resume=run.resume,
    )
    return tower, vocabulary


def _text_tower(run: Run, config: TextConfig, vocabulary: Vocabulary, ids: Ids) -> NgramTower:
    """A tower at random that knows how rare each n-gram is, and of which field."""
    assert run.train.text is not None
    encoder = config.encoder
    tower = NgramTower(len(vocabulary), encoder.dim, len(run.tree.leaves), config.dropout, encoder.other_fields)
    idf = inverse_document_frequency(run.train.text, ids, len(vocabulary))
    tower.idf.copy_(torch.from_numpy(idf))  # type: ignore[operator]
    tower.field.copy_(torch.from_numpy(field_of(run.train.text, ids, len(vocabulary))))  # type: ignore[operator]
    return tower


def _start_text(run: Run, tower: NgramTower, config: TextConfig, ids: Ids, rows: Rows) -> None:
    """Starts the tower from linear machines, or from those that a killed run of the same kind has left."""
    assert run.train.text is not None
    file = run.work / "text_start.pt"
    fingerprint = run.fingerprint(config.tokenizer, config.lemmas, config.encoder, run.config.training.seed)
    if run.resume and file.exists():
        kept = torch.load(file, weights_only=True)
        if kept["fingerprint"] == fingerprint:
            tower.load_state_dict(kept["state"])
            return
    began = time.monotonic()
    with _console.status("Text tower: linear machines to start from"):
        start_from_svm(tower, run.train.text, ids, rows, run.train.labels, config.encoder.svm_cost)
    _console.print(f"  text: linear machines in {time.monotonic() - began:.0f} s", highlight=False)
    torch.save({"fingerprint": fingerprint, "state": tower.state_dict()}, file)


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
    run.notes["image_weights"] = origin
    _console.print(f"Photo tower: {config.backbone}, weights from {origin}", highlight=False)
    rows = np.flatnonzero(train.has_image)
    seed = run.config.training.seed
    make, _ = image_batches(train, rows, config, seed)
    _, score = image_batches(val, run.select[val.has_image[run.select]], config, seed)
    stage = ImageStage(
        tower,
        recipe_of(config, rows, run.class_weights(rows)),
        make,
        score,
        augment=Augment(config.augment, config.pad),
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
    return tower


def train_fusion(run: Run, text: NgramTower, image: ImageTower, vocabulary: Vocabulary) -> FusionMLP:
    """The fusion MLP; with ``tower_rate`` above 0 the towers learn on with it."""
    config, photos, seed = run.config.fusion, run.config.image, run.config.training.seed
    assert photos is not None
    torch.manual_seed(seed)
    network = make_fusion(text, image, config, len(run.tree.leaves))
    if run.config.training.init_from:
        load_tower(network.fusion, Path(run.config.training.init_from), "fusion")
    augment = Augment(photos.augment, photos.pad)
    frozen = config.tower_rate == 0
    _console.print(f"Fusion: towers {'frozen' if frozen else 'learning on'}")
    vectors = image_vectors(run, image, run.train, augment, config.views) if frozen else None
    plain = image_vectors(run, image, run.val, augment, 0) if frozen else None
    rows = np.flatnonzero(run.train.has_text | run.train.has_image)
    make, _ = fusion_batches(run.train, TextBatcher(run.train, vocabulary), rows, config, vectors, seed)
    select = run.select
    _, score = fusion_batches(run.val, TextBatcher(run.val, vocabulary), select, config, plain, seed)
    stage = FusionStage(
        network,
        recipe_of(config, rows, run.class_weights(rows)),
        make,
        score,
        config=config,
        augment=augment,
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


def image_vectors(run: Run, tower: ImageTower, split: Split, augment: Augment, views: int) -> npt.NDArray[np.float16]:
    """Photo vectors [1 + views, N, dim], the plain photo first; zeros where there is none."""
    pixels = split.pixels
    assert pixels is not None
    tower = tower.to(run.device).eval()
    out = np.zeros((1 + views, len(split), tower.dim), np.float16)
    rows = np.flatnonzero(split.has_image)
    cuts = [rows[at : at + 256] for at in range(0, len(rows), 256)]
    torch.manual_seed(run.config.training.seed)
    with torch.no_grad():
        for some in track(cuts, "Photo vectors", console=_console, disable=not _console.is_terminal):
            batch = torch.from_numpy(pixels[some]).to(run.device)
            for view in range(1 + views):
                seen = batch if view == 0 else augment(batch)
                out[view, some] = tower.vector(seen).cpu().numpy()
    tower.cpu()
    return out

"""Trains the text tower of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from multimodal.config.text import TextConfig
from multimodal.models.text import TextTower
from multimodal.models.text_from_bundle import load_text
from multimodal.training.batches import TextBatcher
from multimodal.training.encoders import TextPart, make_text
from multimodal.training.fit import fit
from multimodal.training.imbalance import adjust_to_rare, smoothing_of
from multimodal.training.linear import start_from_svm
from multimodal.training.run import Run
from multimodal.training.stages import TextStage, plain_text_batches, recipe_of, text_batches

_console = Console(stderr=True)


def train_text(run: Run) -> TextPart:
    """The text tower, with what its encoders know."""
    config, train, val = run.config.text, run.train, run.val
    assert config is not None
    torch.manual_seed(run.config.training.seed)
    part = make_text(run, config)
    tower = part.tower
    known = ", ".join(f"{name} ({len(v):,})" for name, v in part.vocabularies().items())
    _console.print(f"Text tower: {known}", highlight=False)
    run.notes.update({f"{name}_weights": origin for name, origin in part.origins.items()})
    batcher, val_batcher = TextBatcher(train, part.feeds), TextBatcher(val, part.feeds)
    rows = np.flatnonzero(train.has_text)
    seed = run.config.training.seed
    if run.config.training.init_from:
        origin = run.config.training.init_from
        run.notes["text_weights"] = f"{load_text(part.tower, part.vocabularies(), Path(origin))} from {origin}"
    elif config.start == "svm":
        told = rows[train.has_leaf[rows]]
        fill = partial(start_from_svm, part, train, told, config.svm_cost, run.class_weights(told))
        fill_once(run, tower, "text_start", fill, _started_by(config), run.config.training.class_balance)
    make, _ = text_batches(train, batcher, rows, config, seed)
    select = run.select[val.has_text[run.select]]
    _, score = text_batches(val, val_batcher, select, config, seed)
    recipe = recipe_of(config, rows, run.class_weights(rows), smoothing_of(run))
    stage = TextStage(tower, recipe, make, score, sets=train.sets)
    fit(
        "text",
        stage,
        run.work / "text",
        fingerprint=run.fingerprint(config, run.config.training),
        patience=config.patience,
        device=text_device(run),
        ema=config.ema,
        resume=run.resume,
    )
    tower.cpu()
    adjust_to_rare(run, "text", tower.head, stage, lambda: plain_text_batches(val, val_batcher, select, config))
    if config.ngrams is not None and config.ngrams.code_columns:
        with _console.status("Text tower: bringing the table to codes"):
            tower.ngrams.to_codes(tower.ngrams.dim // config.ngrams.code_columns, seed)
    return part


def text_device(run: Run) -> str:
    """Where text towers learn: they are small and their batches tiny, so on the CPU, but for a transformer."""
    sentence = None if run.config.text is None else run.config.text.sentence
    return run.device if sentence is not None and sentence.fine_tune else "cpu"


def _started_by(config: TextConfig) -> TextConfig:
    """The configuration with all that does not change the machines at its defaults."""
    kept = ("tokenizer", "lemmas", "steps", "ngrams", "navec", "sentence", "start", "svm_cost")
    return TextConfig(**{name: getattr(config, name) for name in kept})


def fill_once(run: Run, tower: TextTower, name: str, fill: Callable[[], None], *depends: object) -> None:
    """Fills a tower from linear machines, or from what a killed run of the same kind has left of them.

    Args:
        name: of the file in the work folder.
        depends: parts of the configuration that change the outcome.
    """
    file = run.work / f"{name}.pt"
    fingerprint = run.fingerprint(*depends, run.config.training.seed)
    if run.resume and file.exists():
        kept = torch.load(file, weights_only=True)
        if kept["fingerprint"] == fingerprint:
            tower.load_state_dict(kept["state"])
            return
    began = time.monotonic()
    with _console.status("Text tower: linear machines to start from"):
        fill()
    _console.print(f"  text: linear machines in {time.monotonic() - began:.0f} s", highlight=False)
    torch.save({"fingerprint": fingerprint, "state": tower.state_dict()}, file)

"""Trains the text tower of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from multimodal.config.models import TextConfig
from multimodal.models.from_bundle import load_text
from multimodal.models.text import NgramTower
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
from multimodal.training.stages import TextStage, recipe_of, text_batches

_console = Console(stderr=True)
Vocabulary = npt.NDArray[np.uint32]


def train_text(run: Run) -> tuple[NgramTower, Vocabulary]:
    """The text tower and the hashes of its vocabulary."""
    config, train, val = run.config.text, run.train, run.val
    assert config is not None
    assert train.text is not None
    assert config.encoder.min_count is not None
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
        cost = config.encoder.svm_cost
        fill = partial(start_from_svm, tower, train.text, batcher.plain_ids, rows, train.labels, cost)
        fill_once(run, tower, "text_start", fill, config.tokenizer, config.lemmas, config.encoder)
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
    assert encoder.dim is not None
    tower = NgramTower(len(vocabulary), encoder.dim, len(run.tree.leaves), config.dropout, encoder.other_fields)
    idf = inverse_document_frequency(run.train.text, ids, len(vocabulary))
    tower.idf.copy_(torch.from_numpy(idf))
    tower.field.copy_(torch.from_numpy(field_of(run.train.text, ids, len(vocabulary))))
    return tower


def fill_once(run: Run, tower: NgramTower, name: str, fill: Callable[[], None], *depends: object) -> None:
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

"""Out-of-fold text: towers that have not seen a product, for the fusion to learn from.

A text tower has seen its training titles, so on them it is far surer and far more often right than on new
ones; a fusion that learns from those answers learns to ignore the photo. So each product's text vector comes
from a tower that was trained without its group (out-of-fold stacking: Wolpert, Stacked Generalization, 1992).
All towers share the final tower's head, so their vectors mean the same.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from torch import Tensor

from multimodal.models.text import NgramTower
from multimodal.training.batches import TextBatcher
from multimodal.training.fit import fit
from multimodal.training.linear import start_from_svm
from multimodal.training.run import Run
from multimodal.training.stages import TextStage, recipe_of, text_batches
from multimodal.training.text import Vocabulary, fill_once

_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Folds:
    """Towers by fold, and each training row's fold: the one whose tower has not seen it.

    Attributes:
        towers: frozen, one a fold.
        fold: int64 [N].
    """

    towers: tuple[NgramTower, ...]
    fold: npt.NDArray[np.int64]

    def vector(self, ids: Tensor, starts: Tensor, fold: Tensor) -> Tensor:
        """Text vectors [N, dim], each from its own fold's tower; arguments as of ``NgramTower.vector``."""
        vectors = torch.stack([tower.vector(ids, starts) for tower in self.towers])
        return vectors[fold, torch.arange(len(fold), device=fold.device)]


def fold_of(groups: Sequence[str], folds: int) -> npt.NDArray[np.int64]:
    """The fold of each row by a hash of its group: rows that share a title are never apart [N]."""
    told = (hashlib.sha256(f"fold {group}".encode()).digest() for group in groups)
    return np.array([int.from_bytes(digest[:8], "big") % folds for digest in told], np.int64)


def train_folds(run: Run, tower: NgramTower, vocabulary: Vocabulary, folds: int) -> Folds | None:
    """Trains a table for each fold under the final tower's head, on the rows of all other folds.

    Returns:
        None where the rows with text are of too few groups for every fold to have some.
    """
    config, train, val = run.config.text, run.train, run.val
    assert config is not None
    assert train.text is not None
    fold = fold_of(train.groups, folds)
    if len(np.unique(fold[train.has_text])) < folds:
        _console.print(f"Fusion: too few groups of rows for {folds} folds, text comes from the final tower")
        return None
    batcher, val_batcher = TextBatcher(train, vocabulary), TextBatcher(val, vocabulary)
    seed = run.config.training.seed
    select = run.select[val.has_text[run.select]]
    _, score = text_batches(val, val_batcher, select, config, seed)
    towers = []
    for number in range(folds):
        rows = np.flatnonzero(train.has_text & (fold != number))
        own = _blank(tower, seed + number)
        label = f"text without fold {number + 1}"
        if config.encoder.start == "svm":
            known = (own, train.text, batcher.plain_ids, rows, train.labels)
            fill = partial(start_from_svm, *known, config.encoder.svm_cost, keep_head=True)
            depends = (config, run.config.training, folds)
            fill_once(run, own, f"text_fold{number + 1}", fill, *depends)
        make, _ = text_batches(train, batcher, rows, config, seed)
        fit(
            label,
            TextStage(own, recipe_of(config, rows, run.class_weights(rows)), make, score),
            run.work / f"text_fold{number + 1}",
            fingerprint=run.fingerprint(config, run.config.training, folds),
            patience=config.patience,
            device="cpu",
            ema=config.ema,
            resume=run.resume,
        )
        towers.append(own.requires_grad_(False).eval())
    return Folds(tuple(towers), fold)


def _blank(tower: NgramTower, seed: int) -> NgramTower:
    """A tower with the head of another, frozen, and a table at random that has seen nothing."""
    own = copy.deepcopy(tower)
    own.head.requires_grad_(False)
    own.table.requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        # As small as a fresh table's; row 0 stands for n-grams that are not known.
        own.table.weight.normal_(std=0.1, generator=generator)
        own.table.weight[0].zero_()
    return own

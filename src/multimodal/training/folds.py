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
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from torch import Tensor

from multimodal.models.text import TextInputs, TextTower
from multimodal.training.batches import TextBatcher
from multimodal.training.encoders import TextPart
from multimodal.training.fit import fit
from multimodal.training.imbalance import smoothing_of
from multimodal.training.linear import start_from_svm
from multimodal.training.run import Run
from multimodal.training.stages import TextStage, recipe_of, text_batches
from multimodal.training.text import fill_once, text_device

_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Folds:
    """Towers by fold, and each training row's fold: the one whose tower has not seen it.

    Attributes:
        towers: frozen, one a fold.
        fold: int64 [N].
    """

    towers: tuple[TextTower, ...]
    fold: npt.NDArray[np.int64]

    def vector(self, text: TextInputs, fold: Tensor) -> Tensor:
        """Text vectors [N, dim], each from its own fold's tower; arguments as of ``TextTower.vector``."""
        vectors = torch.stack([tower.to(fold.device).vector(text) for tower in self.towers])
        return vectors[fold, torch.arange(len(fold), device=fold.device)]


def fold_of(groups: Sequence[str], folds: int) -> npt.NDArray[np.int64]:
    """The fold of each row by a hash of its group: rows that share a title are never apart [N]."""
    told = (hashlib.sha256(f"fold {group}".encode()).digest() for group in groups)
    return np.array([int.from_bytes(digest[:8], "big") % folds for digest in told], np.int64)


def train_folds(run: Run, part: TextPart, folds: int) -> Folds | None:
    """Trains a table for each fold under the final tower's head, on the rows of all other folds.

    Returns:
        None where the rows with text are of too few groups for every fold to have some, or where the vectors are
        those of a frozen encoder alone, which has seen no product.
    """
    config, train, val = run.config.text, run.train, run.val
    assert config is not None
    assert train.text is not None
    if not any(parameter.requires_grad for parameter in part.tower.encoders.parameters()):
        _console.print("Fusion: the text encoder is frozen and has seen no product, folds are not needed")
        return None
    fold = fold_of(train.groups, folds)
    if len(np.unique(fold[train.has_text])) < folds:
        _console.print(f"Fusion: too few groups of rows for {folds} folds, text comes from the final tower")
        return None
    batcher, val_batcher = TextBatcher(train, part.feeds), TextBatcher(val, part.feeds)
    seed = run.config.training.seed
    select = run.select[val.has_text[run.select]]
    _, score = text_batches(val, val_batcher, select, config, seed)
    towers = []
    for number in range(folds):
        rows = np.flatnonzero(train.has_text & (fold != number))
        own = replace(part, tower=_blank(part.tower, seed + number))
        label = f"text without fold {number + 1}"
        if config.start == "svm":
            told = rows[train.has_leaf[rows]]
            fill = partial(start_from_svm, own, train, told, config.svm_cost, run.class_weights(told), keep_head=True)
            fill_once(run, own.tower, f"text_fold{number + 1}", fill, config, run.config.training, folds)
        make, _ = text_batches(train, batcher, rows, config, seed)
        recipe = recipe_of(config, rows, run.class_weights(rows), smoothing_of(run))
        fit(
            label,
            TextStage(own.tower, recipe, make, score, sets=train.sets),
            run.work / f"text_fold{number + 1}",
            fingerprint=run.fingerprint(config, run.config.training, folds),
            patience=config.patience,
            device=text_device(run),
            ema=config.ema,
            resume=run.resume,
        )
        towers.append(own.tower.requires_grad_(False).eval())
    return Folds(tuple(towers), fold)


def _blank(tower: TextTower, seed: int) -> TextTower:
    """A tower with the head of another, frozen, and encoders that have seen nothing of the products."""
    own = copy.deepcopy(tower)
    own.head.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for encoder in own.parts.values():
        encoder.forget(generator)
    return own

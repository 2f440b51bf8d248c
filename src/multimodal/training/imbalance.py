"""Categories with two products beside those with thousands: what the losses and the heads do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from torch import Tensor, nn

from multimodal.evaluation import hierarchical_prf, macro_f1
from multimodal.evaluation.hierarchical import leaf_overlap
from multimodal.taxonomy import Tree
from multimodal.training.run import Run
from multimodal.training.stage import Batch, Stage

_console = Console(stderr=True)
STRENGTHS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
"""What is tried where the strength of the adjustment is left open."""
_GAIN = 0.005
"""Of hF1 and macro F1 together, that an adjustment must bring on ``select`` to be made."""
_NEAR = 0.002
"""Strengths so close to the best are as good, and the weakest of them is taken: stronger ones cost honesty."""
_SMOOTH = 0.5
"""Products added to each category, so that one without any has a finite logarithm."""


def likeness(tree: Tree) -> Tensor:
    """How much of its path each leaf shares with each other, 0..1 [leaves, leaves]; 0 on the diagonal."""
    n = len(tree.leaves)
    at = np.arange(n)
    overlap = leaf_overlap(np.repeat(at, n), np.tile(at, n), tree)
    share = 2 * overlap.shared / (overlap.predicted + overlap.true)
    alike = share.reshape(n, n).astype(np.float32)
    np.fill_diagonal(alike, 0)
    return torch.from_numpy(alike)


def smoothing_of(run: Run) -> Tensor | None:
    """``tree_smoothing`` by the likeness of leaves [leaves, leaves]; None where it is off."""
    strength = run.config.training.tree_smoothing
    return strength * likeness(run.tree) if strength > 0 else None


def adjust_to_rare(run: Run, name: str, head: nn.Linear, stage: Stage, score: Callable[[], Iterator[Batch]]) -> float:
    """Moves a trained head's bias against how common categories are (logit adjustment: Menon et al., Long-tail
    learning via logit adjustment, 2021).

    Args:
        name: of the tower, for the log and the bundle's notes.
        score: plain batches of the rows of ``select``.

    Returns:
        The strength: that of the configuration, or the one with the best hF1 and macro F1 on ``select``.
    """
    asked = run.config.training.logit_adjustment
    counts = np.bincount(run.train.leaves_of(), minlength=len(run.tree.leaves)) + _SMOOTH
    prior = np.log(counts / counts.sum())
    if asked is None:
        logits, labels = _logits(stage, score)
        asked = best_strength(logits, labels, prior, run.tree)
    if asked > 0:
        with torch.no_grad():
            head.bias.sub_(torch.from_numpy(asked * (prior - prior.mean())).to(head.bias))
        _console.print(f"  {name}: rare categories raised, logit adjustment {asked}", highlight=False)
    run.notes[f"{name}_logit_adjustment"] = asked
    return asked


def best_strength(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], prior: npt.NDArray[np.float64], tree: Tree
) -> float:
    """The strength with the best sum of hF1 and macro F1; 0 where none is clearly better.

    Args:
        logits: [N, leaves]; labels: [N]; prior: log share of the training rows [leaves].
    """
    worth = {}
    for strength in STRENGTHS:
        pred = (logits - strength * prior).argmax(axis=1)
        worth[strength] = hierarchical_prf(pred, labels, tree)[2] + macro_f1(pred, labels)
    best = max(worth.values())
    if best - worth[0.0] < _GAIN:
        return 0.0
    return min(strength for strength in STRENGTHS if worth[strength] >= best - _NEAR)


def _logits(
    stage: Stage, score: Callable[[], Iterator[Batch]]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    device = next(stage.network.parameters()).device
    stage.eval()
    logits, labels = [], []
    with torch.no_grad():
        for batch in score():
            at = {key: value.to(device) if isinstance(value, Tensor) else value for key, value in batch.items()}
            logits.append(stage.predict(at).float().cpu().numpy())
            labels.append(batch["labels"].numpy())
    return np.concatenate(logits), np.concatenate(labels)

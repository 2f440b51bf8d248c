"""Runs one stage under Lightning: progress, early stopping, best checkpoint, resume after a kill."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from multimodal.models.compat import prepare_torch
from multimodal.training.lines import EpochLines, StepLines
from multimodal.training.midway import Midway
from multimodal.training.stage import Stage

prepare_torch()
import lightning.pytorch as pl  # noqa: E402 - torchvision must be mended before Lightning imports it

_console = Console(stderr=True)


def fit(
    label: str,
    stage: Stage,
    folder: Path,
    *,
    fingerprint: str,
    patience: int,
    device: str,
    ema: float = 0.0,
    resume: bool = True,
) -> None:
    """Trains a stage and leaves the best weights (by top-1 on the select half, then by NLL) in its network.

    A finished stage with the same fingerprint is loaded instead of trained; a killed one goes on from its
    last checkpoint, which a long epoch leaves within it, too.

    Args:
        folder: where checkpoints, the history and TensorBoard's events go.
        fingerprint: changes whenever data or recipe change.
        ema: decay of the exponential moving average of the weights; 0 is off.
    """
    done = folder / "done.json"
    if not (resume and _same(folder, fingerprint)):
        _set_aside(label, folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fingerprint").write_text(fingerprint, encoding="utf-8")
    best = folder / "best.ckpt"
    if done.exists() and best.exists():
        _console.print(f"  {label}: already trained, loaded from {folder}")
    else:
        last = folder / "last.ckpt"
        trainer = _trainer(label, stage, folder, patience=patience, device=device, ema=ema)
        if last.exists():
            _console.print(f"  {label}: going on from {last}")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*isinstance.treespec.*")
            # The checkpoint is this run's own, written beside it a moment ago.
            trainer.fit(stage, ckpt_path=str(last) if last.exists() else None, weights_only=False)
        done.write_text(json.dumps({"epochs": trainer.current_epoch}), encoding="utf-8")
    state = torch.load(best, map_location="cpu", weights_only=False)["state_dict"]
    stage.load_state_dict(state)
    stage.cpu().eval()


def _set_aside(label: str, folder: Path) -> None:
    """Renames what another recipe or other data has left: hours of training are never deleted."""
    if not folder.exists():
        return
    number = 1
    while (aside := folder.with_name(f"{folder.name}.before{number}")).exists():
        number += 1
    folder.rename(aside)
    _console.print(f"  {label}: data or recipe are not those of {folder}; it was set aside as {aside}")


def _same(folder: Path, fingerprint: str) -> bool:
    file = folder / "fingerprint"
    return file.exists() and file.read_text(encoding="utf-8") == fingerprint


def _trainer(
    label: str, stage: Stage, folder: Path, *, patience: int, device: str, ema: float
) -> pl.Trainer:
    from lightning.pytorch import callbacks
    from lightning.pytorch.loggers import TensorBoardLogger

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    checkpoint = callbacks.ModelCheckpoint(
        folder,
        filename="best",
        monitor="select_rank",
        mode="max",
        enable_version_counter=False,
    )
    # ``save_last`` would write it only after an epoch that is the best so far.
    last = callbacks.ModelCheckpoint(folder, filename="last", enable_version_counter=False)
    parts: list[pl.Callback] = [
        EpochLines(label, folder / "history.jsonl"),
        checkpoint,
        last,
        Midway(folder / "last.ckpt"),
        callbacks.EarlyStopping("select_rank", mode="max", patience=patience),
    ]
    if ema > 0:
        total = stage.recipe.epochs * stage.recipe.steps_per_epoch
        # A short run has no time to forget its first steps with a long average.
        parts.insert(0, callbacks.EMAWeightAveraging(decay=min(ema, max(0.0, 1 - 20 / total))))
    if _console.is_terminal:
        parts.append(callbacks.RichProgressBar(leave=False))
    else:
        parts.append(StepLines(label))
    cuda = device == "cuda"
    return pl.Trainer(
        max_epochs=stage.recipe.epochs,
        accelerator="gpu" if cuda else "cpu",
        devices=1,
        precision="bf16-mixed" if cuda else "32-true",
        callbacks=parts,
        logger=TensorBoardLogger(folder, name="", version=""),
        enable_progress_bar=_console.is_terminal,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        gradient_clip_val=5.0,
        log_every_n_steps=50,
    )


def pick_device(asked: str) -> str:
    """``cuda`` when asked for, or when ``auto`` finds one; else ``cpu``."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return asked


def to_device(batch: Mapping[str, Tensor], device: str) -> dict[str, Tensor]:
    """The batch's tensors on a device."""
    return {k: v.to(device) for k, v in batch.items()}


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The epochs of a stage, as written by ``EpochLines``."""
    file = folder / "history.jsonl"
    if not file.exists():
        return []
    lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    # A killed epoch may have left its line but no checkpoint, and was run again.
    return list({line["epoch"]: line for line in lines}.values())

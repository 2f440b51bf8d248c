"""What a terminal is told while a stage trains: a line an epoch, and in long ones a line now and then."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from multimodal.models.compat import prepare_torch
from multimodal.training.stage import Stage

prepare_torch()
import lightning.pytorch as pl  # noqa: E402 - torchvision must be mended before Lightning imports it

_console = Console(stderr=True)


class EpochLines(pl.Callback):  # type: ignore[misc]
    """One line an epoch on the terminal, and one in ``history.jsonl`` for the curves."""

    def __init__(self, label: str, file: Path) -> None:
        self.label, self.file = label, file
        self.began = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.began = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        values = {k: float(v) for k, v in trainer.callback_metrics.items()}
        seconds = time.monotonic() - self.began
        line = {"epoch": trainer.current_epoch + 1, "seconds": round(seconds, 1), **values}
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        _console.print(
            f"  {self.label} {line['epoch']}/{trainer.max_epochs}: "
            f"loss {values.get('train_loss', math.nan):.4f}, select top-1 "
            f"{values.get('select_top1', math.nan):.4f}, NLL {values.get('select_nll', math.nan):.4f}, "
            f"{seconds:.0f} s",
            highlight=False,
        )


class StepLines(pl.Callback):  # type: ignore[misc]
    """A line now and then within a long epoch, where there is no terminal for a progress bar.

    Args:
        every: seconds between lines.
    """

    def __init__(self, label: str, every: float = 60.0) -> None:
        self.label, self.every = label, every
        self.began = self.last = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.began = self.last = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, module: Stage, outputs: Any, batch: Any, batch_idx: int) -> None:
        now, total = time.monotonic(), module.recipe.steps_per_epoch
        if now - self.last < self.every:
            return
        self.last = now
        here = batch_idx + 1 - module.learned_of(trainer.current_epoch)
        left = (now - self.began) / here * max(0, total - batch_idx - 1)
        _console.print(
            f"  {self.label} {trainer.current_epoch + 1}/{trainer.max_epochs}: step {batch_idx + 1:,} of {total:,}, "
            f"about {math.ceil(left / 60)} min of this epoch left",
            highlight=False,
        )

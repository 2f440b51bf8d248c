"""Checkpoints within a long epoch: a killed run goes on from the batch where it was, not from the last whole epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from multimodal.models.compat import prepare_torch
from multimodal.training.stage import Stage

prepare_torch()
import lightning.pytorch as pl  # noqa: E402 - torchvision must be mended before Lightning imports it

_KEY = "midway"


class Midway(pl.Callback):  # type: ignore[misc]
    """Writes a checkpoint now and then, with how far its epoch is; in every checkpoint stands how far chance is.

    The batches of an epoch depend on the seed and its number alone, so those that were learned are passed over. On
    the CPU a run that was killed ends with the weights that it would have had.

    Args:
        file: overwritten each time, by the end of an epoch too.
        every: seconds between checkpoints.
    """

    def __init__(self, file: Path, every: float = 300.0) -> None:
        self.file, self.every = file, every
        self._last = time.monotonic()
        self._done: tuple[int, int] | None = None
        self._chance: Tensor | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._last = time.monotonic()

    def on_train_batch_start(self, trainer: pl.Trainer, module: Stage, batch: Any, batch_idx: int) -> None:
        if self._chance is None:
            return
        if batch_idx:
            module.on_train_epoch_start()  # Lightning leaves it out where an epoch goes on
        torch.set_rng_state(self._chance)
        self._chance = None

    def on_train_batch_end(self, trainer: pl.Trainer, module: Stage, outputs: Any, batch: Any, batch_idx: int) -> None:
        # After its last batch an epoch is scored, and leaves a checkpoint of its own.
        if trainer.is_last_batch or time.monotonic() - self._last < self.every:
            return
        self._done = (trainer.current_epoch, batch_idx + 1)
        trainer.save_checkpoint(self.file)
        self._done, self._last = None, time.monotonic()

    def on_save_checkpoint(self, trainer: pl.Trainer, module: Stage, checkpoint: dict[str, Any]) -> None:
        checkpoint[_KEY] = {"done": self._done, "chance": torch.get_rng_state()}

    def on_load_checkpoint(self, trainer: pl.Trainer, module: Stage, checkpoint: dict[str, Any]) -> None:
        kept = checkpoint.get(_KEY)  # none in those of earlier releases
        if kept is not None:
            module.done, self._chance = kept["done"] or module.done, kept["chance"]

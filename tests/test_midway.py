"""A training that is killed goes on where it was: within an epoch too, and to the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from multimodal.training import fit as fitting
from multimodal.training.fit import fit, read_history
from multimodal.training.midway import Midway
from multimodal.training.stage import Batch, Recipe, Stage

EPOCHS, STEPS = 3, 5


class KilledError(Exception):
    """What stands for a signal."""


class Small(Stage):
    """A perceptron with all that remembers or draws: momentum, statistics of batches, dropout.

    Attributes:
        learned: the batches whose loss was asked for, as (epoch, batch).
    """

    def __init__(self, dies_at: int | None = None) -> None:
        torch.manual_seed(7)
        network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        super().__init__(network, Recipe(EPOCHS, STEPS, 0.05), batches, lambda: batches(EPOCHS))
        self.dies_at, self.learned, self.begun = dies_at, list[tuple[int, int]](), list[int]()

    def on_train_epoch_start(self) -> None:
        self.begun.append(self.current_epoch)

    def predict(self, batch: Batch) -> Tensor:
        logits: Tensor = self.network(batch["rows"])
        return logits

    def loss(self, batch: Batch) -> Tensor:
        if len(self.learned) == self.dies_at:
            raise KilledError
        self.learned.append((batch["epoch"], batch["number"]))
        return super().loss(batch)


def batches(epoch: int) -> Iterator[Batch]:
    rng = np.random.default_rng(epoch)
    for number in range(STEPS):
        rows = torch.from_numpy(rng.normal(size=(6, 4)).astype(np.float32))
        yield {"rows": rows, "labels": torch.from_numpy(rng.integers(0, 3, 6)), "epoch": epoch, "number": number}


def train(stage: Small, folder: Path, ema: float) -> Small:
    fit("small", stage, folder, fingerprint="same", patience=EPOCHS, device="cpu", ema=ema)
    return stage


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "Midway", partial(Midway, every=0.0))


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("dies_at", [1, 4, 5, 6, 8, 13, 14])
def test_a_run_killed_anywhere_ends_with_the_same_weights(tmp_path: Path, dies_at: int, ema: float) -> None:
    whole = train(Small(), tmp_path / "whole", ema)
    with pytest.raises(KilledError):
        train(Small(dies_at), tmp_path / "killed", ema)
    again = train(Small(), tmp_path / "killed", ema)
    every = [(epoch, number) for epoch in range(EPOCHS) for number in range(STEPS)]
    assert whole.learned == every
    assert again.learned == every[dies_at:], "no batch is learned twice, and none is left out"
    assert again.begun == list(range(dies_at // STEPS, EPOCHS)), "each epoch is set up, one that goes on too"
    assert [line["epoch"] for line in read_history(tmp_path / "killed")] == [1, 2, 3]
    for name, values in whole.network.state_dict().items():
        assert torch.equal(values, again.network.state_dict()[name]), name


def test_short_epochs_leave_a_checkpoint_each_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "Midway", Midway)
    with pytest.raises(KilledError):
        train(Small(STEPS + 3), tmp_path / "killed", 0.0)
    again = train(Small(), tmp_path / "killed", 0.0)
    assert again.learned[0] == (1, 0)

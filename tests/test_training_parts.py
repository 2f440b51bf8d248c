"""The small parts of training: history and curves, the device, the kitchen of a configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from multimodal.config import RunConfig
from multimodal.config.models import TextConfig
from multimodal.text import TextKitchen
from multimodal.training import fit
from multimodal.training.fit import pick_device, read_history
from multimodal.training.lines import StepLines
from multimodal.training.plots import plot_curves
from multimodal.training.prepare import text_kitchen
from multimodal.training.run import start_run
from multimodal.training.text import train_text


def _history(folder: Path, stage: str, epochs: list[int]) -> None:
    (folder / stage).mkdir(parents=True)
    lines = [
        json.dumps({"epoch": e, "seconds": 1.0, "train_loss": 1 / e, "select_top1": e / 10, "select_nll": 2.0})
        for e in epochs
    ]
    (folder / stage / "history.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def test_history_has_one_line_an_epoch_though_a_killed_one_ran_twice(tmp_path: Path) -> None:
    _history(tmp_path, "image", [1, 2, 3, 3, 4])
    assert [line["epoch"] for line in read_history(tmp_path / "image")] == [1, 2, 3, 4]
    assert read_history(tmp_path / "text") == []


def test_curves_are_drawn(tmp_path: Path) -> None:
    assert plot_curves(tmp_path) is None
    _history(tmp_path, "text", [1, 2])
    _history(tmp_path, "fusion", [1])
    file = plot_curves(tmp_path)
    assert file == tmp_path / "curves.png"
    assert file.read_bytes()[:4] == b"\x89PNG"


def test_a_long_epoch_says_how_far_it_is_where_there_is_no_terminal(
    configure: Callable[..., RunConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fit, "StepLines", partial(StepLines, every=0.0))
    config = configure(tmp_path, "image=null", "text.start=random", "text.epochs=2", "text.batch_size=100")
    run = start_run(config, "cpu", False)
    train_text(run)
    lines = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    told = [line for line in lines if ": step " in line]
    steps = -(-int(run.train.has_text.sum()) // 100)
    assert len(told) == 2 * steps > 2
    assert told[0] == f"text 1/2: step 1 of {steps}, about 1 min of this epoch left"
    assert told[-1] == f"text 2/2: step {steps} of {steps}, about 0 min of this epoch left"
    assert StepLines("text").every >= 60, "quick epochs stay at a line each"


def test_device_is_what_was_asked_for() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("cuda") == "cuda"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


def test_kitchen_of_a_configuration_is_the_one_it_describes() -> None:
    config = TextConfig.model_validate({"ngrams": {"char_max": 3, "word_ngrams": 1}})
    kitchen: TextKitchen = text_kitchen(config)
    assert (kitchen.config.char_max, kitchen.config.word_ngrams) == (3, 1)

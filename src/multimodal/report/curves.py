"""Training curves of a run, read from the histories in its work folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multimodal.errors import InputError
from multimodal.report.style import HEADS, INK, MUTED, new_figure, plain, save, titled

_STAGES = {"text": "Text tower", "image": "Photo tower", "fusion": "Fusion"}
_COLOURS = {"text": HEADS["text"], "image": HEADS["image"], "fusion": HEADS["fused"]}
_FILE = "history.jsonl"
_KEYS = ("epoch", "train_loss", "select_nll", "select_top1")
History = Mapping[str, Sequence[Mapping[str, Any]]]


def read_histories(folder: Path) -> History:
    """Epochs by stage, as a training run leaves them in ``FOLDER/text/history.jsonl`` and so on.

    Raises:
        InputError: no stage has one, or one cannot be read.
    """
    found = {stage: _epochs(file) for stage in _STAGES if (file := folder / stage / _FILE).is_file()}
    if not found:
        raise InputError(
            f"{folder}: got no {_FILE} in {', '.join(_STAGES)} below it, expected the work folder of a training run; "
            "give the one named as work_dir in its configuration, runs/NAME by default"
        )
    return found


def plot_curves(histories: History, file: Path) -> Path:
    """Training loss and NLL on the select half above, accuracy on it below, a column for each stage.

    The kept epoch is marked.
    """
    figure = new_figure(4.6 * len(histories), 5.6)
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots(2, len(histories), squeeze=False, sharex="col")
    for column, (stage, epochs) in enumerate(histories.items()):
        at = [line["epoch"] for line in epochs]
        top, bottom = plain(axes[0][column]), plain(axes[1][column])
        titled(top, _STAGES[stage], y="loss, NLL" if column == 0 else "")
        top.plot(at, [line["train_loss"] for line in epochs], color=MUTED, label="training loss")
        top.plot(at, [line["select_nll"] for line in epochs], color=_COLOURS[stage], label="NLL, select half")
        top.legend(frameon=False, fontsize=8)
        scores = [line["select_top1"] for line in epochs]
        best = scores.index(max(scores))
        titled(bottom, "", "epoch", "top-1, select half" if column == 0 else "")
        bottom.plot(at, scores, color=_COLOURS[stage], marker="o", markersize=3)
        bottom.plot(at[best], scores[best], marker="o", markersize=8, fillstyle="none", color=INK)
        bottom.annotate(
            f"{scores[best]:.4f}", (at[best], scores[best]), xytext=(6, -16), textcoords="offset points",
            fontsize=8, color=INK, ha="right",
        )  # fmt: skip
        bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    return save(figure, file)


def _epochs(file: Path) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        # a killed epoch may have left its line and was run again: the last one counts
        epochs = {line["epoch"]: {key: float(line[key]) for key in _KEYS} for line in lines}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: not a training history ({error!r}); expected a line of JSON with {', '.join(_KEYS)} for each "
            "epoch, as a training run writes it. Leave --history out."
        ) from error
    if not epochs:
        raise InputError(f"{file}: got no epoch, expected at least one; leave --history out")
    return list(epochs.values())

"""Training curves as a picture."""

from __future__ import annotations

from pathlib import Path

from multimodal.training.fit import read_history

STAGES = ("text", "image", "fusion")
"""Folders of a run's stages, in the order they are trained in."""


def plot_curves(work: Path) -> Path | None:
    """Draws loss and top-1 of every stage into ``curves.png``; None where no stage has a history."""
    stages = {name: h for name in STAGES if (h := read_history(work / name))}
    if not stages:
        return None
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(stages), figsize=(4.5 * len(stages), 6), squeeze=False)
    for column, (name, history) in enumerate(stages.items()):
        epochs = [line["epoch"] for line in history]
        top, bottom = axes[0][column], axes[1][column]
        top.plot(epochs, [line["train_loss"] for line in history], label="train loss")
        top.plot(epochs, [line["select_nll"] for line in history], label="select NLL")
        top.set_title(name)
        top.legend(frameon=False)
        scores = [line["select_top1"] for line in history]
        bottom.plot(epochs, scores, color="tab:green", label="select top-1")
        bottom.set_xlabel("epoch")
        bottom.legend(frameon=False)
        for axis in (top, bottom):
            axis.grid(alpha=0.3)
    figure.tight_layout()
    file = work / "curves.png"
    figure.savefig(file, dpi=110)
    plt.close(figure)
    return file

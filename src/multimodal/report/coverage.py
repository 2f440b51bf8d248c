"""Accuracy against coverage as a picture: up the tree, leaf or nothing, and another system beside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from multimodal.evaluation.coverage import Coverage
from multimodal.report.style import BRANCHES, INK, new_figure, plain, save, titled

TREE, FLAT = "up the tree when unsure", "leaf or nothing"


def plot_coverage(curves: Mapping[str, Coverage], file: Path) -> Path:
    """A line a system; accuracies below the lowest answer to all rows are left out."""
    figure = new_figure(6.4, 4.4)
    axes = plain(figure.add_subplot())
    titled(axes, "Fewer answers, more of them right", "share of rows answered", "share of the answers that is right")
    ends = []
    for (name, curve), colour in zip(curves.items(), BRANCHES, strict=False):
        if not len(curve.answered):
            continue
        axes.plot(curve.answered, curve.accuracy, color=colour, linewidth=1.6, label=name)
        ends.append(float(curve.accuracy[-1]))
    # The surest few rows tell little: one mistake among ten must not set the scale.
    low = max(0.0, np.floor(20 * min(ends, default=0.0) - 0.5) / 20)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(low, 1 + 0.02 * (1 - low))
    axes.legend(frameon=False, fontsize=9, loc="lower left", labelcolor=INK)
    return save(figure, file)

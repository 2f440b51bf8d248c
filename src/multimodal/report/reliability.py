"""Whether a probability means what it says: accuracy beside confidence, for leaves and every level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal.evaluation import LevelAnswers, ece
from multimodal.report.style import HEADS, INK, MUTED, new_figure, plain, save, titled
from multimodal.types import HeadName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = {"fused": "the answer", "text": "text alone", "image": "photo alone"}
_MOST = 4


def plot_reliability(levels: Mapping[HeadName, Sequence[LevelAnswers]], file: Path) -> Path:
    """A panel for each level, a line for each head; below, where the answers' probabilities lie.

    Args:
        levels: head -> its levels, roots first; of deep trees the first levels and the leaves are drawn.
    """
    depths = [level.depth for level in next(iter(levels.values()))]
    shown = depths if len(depths) <= _MOST else [*depths[: _MOST - 1], depths[-1]]
    figure = new_figure(4.3 * len(shown), 5.4)
    grid = figure.add_gridspec(2, len(shown), height_ratios=(4, 1), hspace=0.34, wspace=0.22)
    for column, depth in enumerate(shown):
        own = {head: answers[depth - 1] for head, answers in levels.items()}
        above = plain(figure.add_subplot(grid[0, column]))
        name = "leaves" if depth == depths[-1] else f"level {depth}"
        titled(above, name[0].upper() + name[1:], "", "share that is right" if column == 0 else "")
        _lines(above, own)
        below = plain(figure.add_subplot(grid[1, column]), grid=False)
        titled(below, "", "probability", "share of rows" if column == 0 else "")
        _masses(below, own)
    return save(figure, file)


def _lines(axes: Axes, levels: Mapping[HeadName, LevelAnswers]) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for head, level in levels.items():
        bins = level.reliability()
        error = ece(level.confidence, level.correct)
        axes.plot(
            [b.confidence for b in bins], [b.accuracy for b in bins], marker="o", markersize=4, linewidth=1.4,
            color=HEADS[head], label=f"{_NAMES[head]}, ECE {100 * error:.1f} points",
        )  # fmt: skip
    seen = [value for level in levels.values() for b in level.reliability() for value in (b.confidence, b.accuracy)]
    low = max(0.0, np.floor(10 * min(seen) - 0.5) / 10)  # the part of the square where the points are
    axes.set_xlim(low, 1 + 0.02 * (1 - low))
    axes.set_ylim(low, 1 + 0.02 * (1 - low))
    axes.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=8, loc="lower right", labelcolor=INK)


def _masses(axes: Axes, levels: Mapping[HeadName, LevelAnswers]) -> None:
    for head, level in levels.items():
        share, edges = np.histogram(level.confidence, bins=20, range=(0, 1 + 1e-9))
        axes.stairs(share / len(level.confidence), edges, color=HEADS[head], linewidth=1.3)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.5, 1])

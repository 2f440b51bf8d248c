"""How much of a tag is found, and how much of what is answered is right, at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal.evaluation.labels import average_precision, precision_recall
from multimodal.report.style import BRANCHES, INK, new_figure, plain, save, titled, words
from multimodal.serving.label_figures import LabelFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

MOST = 100
"""Tags that are drawn: a picture has its limits."""


def plot_tags(figures: LabelFigures, file: Path) -> Path | None:
    """Precision over recall, a line for each tag, with a dot at the threshold that is answered.

    The area below a line is the tag's average precision. Ten lines share a panel. None, and no file, where no photo
    shows any tag: recall would have no meaning.
    """
    there = [tag for tag, truth in figures.truth.items() if (truth == 1).any()][:MOST]
    if not there:
        return None
    size = len(BRANCHES)
    panels = [there[i : i + size] for i in range(0, len(there), size)]
    figure = new_figure(6.2, 4.9 * len(panels))
    grid = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"hspace": 0.3})[:, 0]
    for axes, tags in zip(grid, panels, strict=True):
        _panel(plain(axes), tags, figures)
    titled(grid[0], "Tags at every threshold", *_AXES)
    return save(figure, file)


_AXES = ("of the photos that show it, found (recall)", "of the photos answered, right (precision)")


def _panel(axes: Axes, tags: Sequence[str], figures: LabelFigures) -> None:
    lines, labels = [], []
    for tag, colour in zip(tags, BRANCHES, strict=False):
        line, label = _curve(axes, tag, figures, colour)
        lines.append(line)
        labels.append(label)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    titled(axes, "", *_AXES)
    # names of tags come last: matplotlib leaves out labels that start with "_"
    legend = axes.legend(
        lines, ["tag"] * len(lines), frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.02, 1),
        labelcolor=INK,
    )  # fmt: skip
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)


def _curve(axes: Axes, tag: str, figures: LabelFigures, colour: str) -> tuple[Line2D, str]:
    """Draws one tag's line and its dot; the line, and what the legend says of it."""
    known = figures.truth[tag] >= 0
    probability, shown = figures.tags[tag][known], figures.truth[tag][known] == 1
    thresholds, precision, recall = precision_recall(probability, shown)
    (line,) = axes.step(
        np.append(0, recall), np.append(precision[0], precision), where="pre", color=colour, linewidth=1.5
    )
    area = f"{words(tag, 40)}: average precision {100 * average_precision(probability, shown):.1f} %"
    at = int((thresholds >= figures.thresholds[tag]).sum()) - 1
    if at < 0:
        return line, f"{area}, never answered"
    axes.plot(
        recall[at], precision[at], marker="o", markersize=8, color=colour, markeredgecolor="white", linestyle="none",
        zorder=3, clip_on=False,
    )  # fmt: skip
    return line, f"{area}, answered from {100 * figures.thresholds[tag]:.1f} %"

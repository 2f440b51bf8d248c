"""Accuracy by class size: the bands as bars, the leaves as dots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.evaluation import ClassMetrics, SizeBand
from multimodal.report.style import BRANCHES, INK, MUTED, RIGHT, new_figure, plain, save, titled
from multimodal.taxonomy import Tree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMED = 8


def plot_sizes(bands: Sequence[SizeBand], classes: Sequence[ClassMetrics], tree: Tree, file: Path) -> Path:
    """Bars of the bands' accuracy and a dot for each leaf in truth; the leaves that miss most rows are named.

    Args:
        classes: of leaves, from ``class_metrics``.
    """
    figure = new_figure(13.5, 5)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1, 1.45), "wspace": 0.14})
    _bars(plain(left, grid=False), bands)
    _dots(plain(right), [c for c in classes if c.support], tree)
    return save(figure, file)


def band_name(band: SizeBand) -> str:
    """The band's rows as a range."""
    if band.high is None:
        return f"{band.low:,} or more"
    return f"{band.low:,}–{band.high:,}"


def _bars(axes: Axes, bands: Sequence[SizeBand]) -> None:
    places = range(len(bands))
    axes.barh(places, [band.top1 for band in bands], color=RIGHT, height=0.62)
    axes.set_yticks(places, [f"{band_name(b)} rows" for b in bands], fontsize=9, color=INK)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    for place, band in zip(places, bands, strict=True):
        inside = band.top1 > 0.5
        leaves = "category" if band.classes == 1 else "categories"
        axes.text(
            band.top1 - 0.015 if inside else band.top1 + 0.015, place,
            f"{100 * band.top1:.1f} % · {band.classes} {leaves}, {band.rows:,} rows",
            va="center", ha="right" if inside else "left", fontsize=8, color="white" if inside else INK,
        )  # fmt: skip
    titled(axes, "By size of the category", "share of its rows that is right")


def _dots(axes: Axes, classes: Sequence[ClassMetrics], tree: Tree) -> None:
    branch = {c.index: tree.path(tree.leaves[c.index])[0] for c in classes}
    rows: dict[str, int] = {}
    for c in classes:
        rows[branch[c.index].id] = rows.get(branch[c.index].id, 0) + c.support
    order = sorted(rows, key=lambda root: -rows[root])
    for place, root in enumerate(order):
        own = [c for c in classes if branch[c.index].id == root]
        named = place < len(BRANCHES) - 1 or len(order) <= len(BRANCHES)
        axes.scatter(
            [c.support for c in own], [c.right / c.support for c in own], s=26, alpha=0.8, linewidths=0,
            color=BRANCHES[min(place, len(BRANCHES) - 1)], label=tree.node(root).name if named else None,
        )  # fmt: skip
    from matplotlib.ticker import FuncFormatter

    axes.set_xscale("log")
    axes.set_ylim(-0.04, 1.04)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rows, _: f"{rows:,.0f}"))
    for c in _worth_a_name(classes):
        axes.annotate(
            tree.path(tree.leaves[c.index])[-1].name, (c.support, c.right / c.support), xytext=(5, -9),
            textcoords="offset points", fontsize=8, color=INK,
        )  # fmt: skip
    axes.legend(frameon=False, fontsize=8, loc="lower right", labelcolor=MUTED)
    titled(axes, "Every category", "rows in the data", "share of its rows that is right")


def _worth_a_name(classes: Sequence[ClassMetrics]) -> list[ClassMetrics]:
    """Those that miss most rows, as long as their names do not lie on each other."""
    most = math.log10(max(10, *(c.support for c in classes)))
    named: list[tuple[float, float]] = []
    found = []
    for c in sorted(classes, key=lambda c: c.right - c.support):
        place = math.log10(c.support) / most, c.right / c.support
        free = all(abs(place[0] - x) > 0.16 or abs(place[1] - y) > 0.045 for x, y in named)
        if c.right < c.support and free:
            found.append(c)
            named.append(place)
    return found[:_NAMED]

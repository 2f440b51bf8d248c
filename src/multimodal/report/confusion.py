"""Confusions along the tree: rows and columns in its order, so that neighbours stand in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multimodal.report.style import INK, LINE, MUTED, RIGHT, WRONG, new_figure, save
from multimodal.taxonomy import Tree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Ints = npt.NDArray[np.integer[Any]]
_NAMED = 160  # more rows than this, and only the blocks are named
_FAINTEST = 0.22
_AXES = 0.78  # about how much of the figure's width the cells take


@dataclass(frozen=True, slots=True)
class TreeConfusion:
    """Counts between the nodes of one level, in the order of the tree.

    Attributes:
        depth: the level; leaves that end above it stand for themselves.
        nodes: indices in ``tree.nodes`` of those in truth or answers.
        counts: int [nodes, nodes], truth by answers.
    """

    depth: int
    nodes: tuple[int, ...]
    counts: Ints


def tree_confusion(pred: Ints, labels: Ints, tree: Tree, most: int) -> TreeConfusion:
    """Counts at the deepest level with at most ``most`` nodes in use; at the roots' where all have more.

    Args:
        pred, labels: int [N], leaf indices.
    """
    for depth in range(tree.levels, 0, -1):
        of_leaf = tree.level_matrix(depth)
        used = np.unique(np.concatenate([of_leaf[pred], of_leaf[labels]]))
        if len(used) <= most:
            break
    order = sorted((int(node) for node in used), key=lambda node: _place(tree, node))
    at = {node: i for i, node in enumerate(order)}
    counts = np.zeros((len(order), len(order)), dtype=np.int64)
    np.add.at(counts, ([at[int(n)] for n in of_leaf[labels]], [at[int(n)] for n in of_leaf[pred]]), 1)
    return TreeConfusion(depth, tuple(order), counts)


def plot_confusion(found: TreeConfusion, tree: Tree, file: Path, *, numbers: bool) -> Path:
    """A heat map: right answers blue on the diagonal, wrong ones red, darker where more of a row go there.

    Args:
        numbers: write the counts into the cells.
    """
    size = len(found.nodes)
    side = min(17.0, max(5.0, size * (0.42 if numbers else 0.125)))
    figure = new_figure(side, side)
    axes = figure.add_subplot()
    axes.imshow(_colours(found.counts), interpolation="nearest")
    names = [_short(tree.nodes[node].name) for node in found.nodes]
    small = 8.5 if numbers else 6.5
    if size <= _NAMED:
        axes.set_xticks(range(size), names, rotation=90, fontsize=small)
        axes.set_yticks(range(size), names, fontsize=small)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.tick_params(length=0, colors=INK)
    for spine in axes.spines.values():
        spine.set_color(LINE)
    _blocks(axes, found, tree, _AXES * side / size)
    if numbers:
        _write(axes, found.counts)
    axes.set_ylabel("in the data", color=MUTED, fontsize=10)
    axes.set_xlabel("answered", color=MUTED, fontsize=10)
    return save(figure, file)


def _place(tree: Tree, node: int) -> tuple[int, ...]:
    return tuple(tree.node_index[step.id] for step in tree.path(tree.nodes[node].id))


def _colours(counts: Ints) -> npt.NDArray[np.float64]:
    """RGB [n, n, 3]: white where nothing is; the shade grows with the root of the share of the row."""
    from matplotlib.colors import to_rgb

    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    strength = np.where(counts > 0, np.maximum(np.sqrt(share), _FAINTEST), 0.0)[..., None]
    own = np.eye(len(counts), dtype=bool)[..., None]
    colour = np.where(own, np.array(to_rgb(RIGHT)), np.array(to_rgb(WRONG)))
    rgb: npt.NDArray[np.float64] = 1 - strength * (1 - colour)
    return rgb


def _blocks(axes: Axes, found: TreeConfusion, tree: Tree, cell: float) -> None:
    """Lines around the top level's blocks, thin ones around the next level's; names of the top level above."""
    for level, colour, width in ((2, LINE, 0.7), (1, INK, 0.9)):
        if level >= found.depth:
            continue
        for _, start, end in _runs(found, tree, level):
            for edge in (start - 0.5, end - 0.5):
                axes.axhline(edge, color=colour, linewidth=width)
                axes.axvline(edge, color=colour, linewidth=width)
    if found.depth > 1:
        _name_blocks(axes, found, tree, cell)


def _name_blocks(axes: Axes, found: TreeConfusion, tree: Tree, cell: float) -> None:
    """Names above the blocks; those of narrow ones stand upright, so that neighbours do not run into each other.

    ``cell`` is the width of a cell in inches.
    """
    size = len(found.nodes)
    for name, start, end in _runs(found, tree, 1):
        fits = (end - start) * cell > 0.11 * len(name)
        axes.text(
            (start + end - 1) / 2, -0.5 - size * 0.01, name, fontsize=10, color=INK, fontweight="bold",
            ha="center", va="bottom", rotation=0 if fits else 90,
        )  # fmt: skip


def _runs(found: TreeConfusion, tree: Tree, level: int) -> list[tuple[str, int, int]]:
    """Name, first and last + 1 of each run of nodes below one node of a level."""
    above = [tree.path(tree.nodes[node].id)[:level][-1] for node in found.nodes]
    runs, start = [], 0
    for node, own in groupby(above, key=lambda step: step):
        end = start + len(list(own))
        runs.append((node.name, start, end))
        start = end
    return runs


def _write(axes: Axes, counts: Ints) -> None:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for row, column in np.argwhere(counts > 0):
        dark = share[row, column] > 0.35
        axes.text(
            column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=7.5,
            color="white" if dark else INK,
        )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"

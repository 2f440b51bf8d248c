"""A catalog's profile as pictures: each function draws one figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from multimodal.profile import Profile, SplitProfile
from multimodal.report.style import BRANCHES, INK, MUTED, RIGHT, new_figure, plain, titled, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BARS = 24
_GROUPS = 10
_LONGEST = 34


def branch_figure(profile: Profile) -> Figure:
    """Products by the top level of the tree, a bar a split; of many branches the largest."""
    counts = {name: _by_group(profile, split) for name, split in profile.splits.items()}
    total: Counter[str] = sum(counts.values(), Counter())
    order = [group for group, _ in total.most_common(_BARS)]
    figure = new_figure(9, 1.2 + 0.32 * len(order))
    axes = plain(figure.add_subplot(), grid=False)
    left = np.zeros(len(order))
    for (name, own), colour in zip(counts.items(), _colours(len(counts)), strict=True):
        width = np.array([own[group] for group in order], np.float64)
        axes.barh(range(len(order)), width, left=left, color=colour, height=0.7, label=name)
        left += width
    axes.set_yticks(range(len(order)), [words(group, _LONGEST) for group in order], fontsize=9, color=INK)
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    more = len(total) - len(order)
    titled(axes, "Along the tree" if profile.tree else "By category", f"products{f', {more:,} more' if more else ''}")
    return figure


def imbalance_figure(profile: Profile) -> Figure:
    """Products of each category, largest first, and the share of all that the largest hold together."""
    figure = new_figure(9, 3.6)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.26})
    plain(left)
    plain(right)
    for (name, split), colour in zip(profile.splits.items(), _colours(len(profile.splits)), strict=True):
        sizes = np.sort([count for label, count in split.labels.items() if label is not None])[::-1]
        if not len(sizes):
            continue
        left.plot(np.arange(1, len(sizes) + 1), sizes, color=colour, linewidth=1.5, label=name)
        share = np.concatenate([[0], np.cumsum(sizes) / sizes.sum()])
        right.plot(np.linspace(0, 1, len(share)), share, color=colour, linewidth=1.5)
    left.set_yscale("log")
    left.yaxis.set_major_formatter(lambda rows, _: f"{rows:,.0f}")
    if left.lines:
        left.legend(frameon=False, fontsize=9, labelcolor=INK)
    right.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    titled(left, "Large and small categories", "category, largest first", "products")
    titled(right, "How unequal", "share of the categories, largest first", "share of the products")
    return figure


def title_figure(profile: Profile) -> Figure:
    """Words and characters of titles, and what they are written in."""
    figure = new_figure(12, 3.2)
    left, middle, right = figure.subplots(1, 3, gridspec_kw={"wspace": 0.3})
    for axes, kind in ((plain(left), "words"), (plain(middle), "characters")):
        for (name, split), colour in zip(profile.splits.items(), _colours(len(profile.splits)), strict=True):
            _shares(axes, getattr(split.texts, kind), colour, name)
        titled(axes, f"{kind.capitalize()} of a title", kind, "share of titles")
    if left.lines or left.patches:
        left.legend(frameon=False, fontsize=9, labelcolor=INK)
    scripts: Counter[str] = sum((split.texts.scripts for split in profile.splits.values()), Counter())
    _bars(plain(right, grid=False), scripts.most_common(8), "Written in", "titles")
    return figure


def photo_figure(profile: Profile) -> Figure:
    """Sizes of the photos as dots, the more the larger, and their colour modes."""
    figure = new_figure(11, 3.8)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.3, "width_ratios": (1.3, 1)})
    plain(left)
    for (name, split), colour in zip(profile.splits.items(), _colours(len(profile.splits)), strict=True):
        sizes = split.photos.sizes.most_common(400)
        area = [20 + 300 * count / split.photos.sizes.total() for _, count in sizes]
        left.scatter([w for (w, _), _ in sizes], [h for (_, h), _ in sizes], s=area, color=colour, alpha=0.45,
                     linewidths=0, label=name)  # fmt: skip
    left.margins(0.12)
    left.set_xlim(left=0)
    left.set_ylim(bottom=0)
    left.legend(frameon=False, fontsize=9, labelcolor=INK)
    titled(left, "Sizes", "width, pixels", "height, pixels")
    modes: Counter[str] = sum((split.photos.modes for split in profile.splits.values()), Counter())
    _bars(plain(right, grid=False), modes.most_common(8), "Channels", "photos")
    return figure


def mean_figure(split: SplitProfile) -> Figure:
    """The mean and the median photo of each of the largest groups."""
    groups = sorted(split.photos.pixels, key=lambda group: -len(split.photos.pixels[group]))[:_GROUPS]
    figure = new_figure(1.35 * len(groups), 3.6)
    grid = np.asarray(figure.subplots(2, len(groups), squeeze=False, gridspec_kw={"hspace": 0.06, "wspace": 0.06}))
    for column, group in enumerate(groups):
        for row, pixels in enumerate((split.photos.mean(group), split.photos.median(group))):
            axes = grid[row, column]
            axes.imshow(pixels)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(words(group, 16), fontsize=8, color=INK)
    grid[0, 0].set_ylabel("mean", fontsize=9, color=MUTED)
    grid[1, 0].set_ylabel("median", fontsize=9, color=MUTED)
    return figure


def tag_figure(split: SplitProfile) -> Figure:
    """How many photos show both of two tags; on the diagonal those that show one."""
    names = sorted(split.told)
    counts = np.array([[split.tags[(min(a, b), max(a, b))] for b in names] for a in names])
    figure = new_figure(2.2 + 0.9 * len(names), 1.6 + 0.7 * len(names))
    axes = plain(figure.add_subplot(), grid=False)
    axes.imshow(counts, cmap="Blues", vmin=0)
    shown = [words(name, 18) for name in names]
    axes.set_xticks(range(len(names)), shown, fontsize=9, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), shown, fontsize=9)
    for row, column in np.ndindex(counts.shape):
        dark = counts[row, column] > counts.max() / 2
        axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=9,
                  color="white" if dark else INK)  # fmt: skip
    titled(axes, "Tags together")
    return figure


def _by_group(profile: Profile, split: SplitProfile) -> Counter[str]:
    found: Counter[str] = Counter()
    for label, count in split.labels.items():
        found[profile.group_of(label)] += count
    return found


def _shares(axes: Axes, counts: Mapping[int, int], colour: str, name: str) -> None:
    if not counts:
        return
    values = np.repeat(list(counts), list(counts.values()))
    top = max(2, int(np.quantile(values, 0.995)))
    bins = min(40, top)
    share, edges = np.histogram(np.minimum(values, top), bins=bins, range=(0, top + 1))
    axes.stairs(share / share.sum(), edges, color=colour, linewidth=1.5, label=name)


def _bars(axes: Axes, counts: Sequence[tuple[str, int]], title: str, unit: str) -> None:
    total = max(1, sum(count for _, count in counts))
    axes.barh(range(len(counts)), [count for _, count in counts], color=RIGHT, height=0.65)
    axes.set_yticks(range(len(counts)), [words(name, 20) for name, _ in counts], fontsize=9, color=INK)
    for place, (_, count) in enumerate(counts):
        axes.text(count, place, f" {100 * count / total:.1f} %", va="center", fontsize=8, color=MUTED)
    axes.margins(x=0.18)
    axes.set_ylim(max(len(counts), 4) - 0.5, -0.5)
    titled(axes, title, unit)


def _colours(count: int) -> list[str]:
    return [BRANCHES[i % len(BRANCHES)] for i in range(count)]



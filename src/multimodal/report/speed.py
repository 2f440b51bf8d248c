"""What ``multimodal bench`` measured as a picture: where the milliseconds go, and answers a second by connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.bench.sweep import setting_name
from multimodal.report.style import BRANCHES, INK, MUTED, new_figure, plain, save, titled, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 10.0
_LONGEST = 34


def plot_speed(figures: Mapping[str, Any], file: Path) -> Path:
    """Stages as stacked bars above; below, a panel for each kind of request with a line for each setting.

    Args:
        figures: as ``multimodal bench --json`` prints them.
    """
    asked, swept = figures["asked"], figures["sweep"]
    bars = 1.3 + 0.45 * len(asked)
    figure = new_figure(_WIDTH, bars + 3.4)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(bars, 3.4))[:, 0]
    above.subplots_adjust(left=0.22, right=0.88, bottom=0.3, top=0.84)
    _stages(plain(above.add_subplot()), asked)
    below.subplots_adjust(wspace=0.3, bottom=0.16, top=0.88)
    panels = below.subplots(1, len(asked), squeeze=False)[0]
    for axes, row in zip(panels, asked, strict=True):
        _throughput(plain(axes), row["sent"], swept)
    panels[0].set_ylabel("answers a second", fontsize=9, color=MUTED)
    if len(swept) > 1:
        panels[-1].legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return save(figure, file)


def _stages(axes: Axes, asked: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in asked for name in row["stages_p50_ms"]))
    left = [0.0] * len(asked)
    for number, name in enumerate(names):
        width = [row["stages_p50_ms"].get(name, 0.0) for row in asked]
        axes.barh(range(len(asked)), width, left=left, height=0.6, color=_colour(number), label=name)
        left = [before + more for before, more in zip(left, width, strict=True)]
    for place, (end, row) in enumerate(zip(left, asked, strict=True)):
        whole = f"  {row['server_p50_ms']:.1f}, p99 {row['server_p99_ms']:.1f}"
        axes.text(end, place, whole, va="center", fontsize=8, color=MUTED)
    axes.set_yticks(range(len(asked)), [words(row["sent"], _LONGEST) for row in asked], fontsize=9, color=INK)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, 1.25 * max(left, default=0.0) or 1.0)  # room for the totals beside the bars
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    titled(axes, "Inside the service, one request at a time", "median milliseconds of each stage")


def _throughput(axes: Axes, sent: str, swept: Sequence[Mapping[str, Any]]) -> None:
    most = 0.0
    for number, row in enumerate(swept):
        rate_at = {load["connections"]: load["answers_per_second"] for load in row["loads"] if load["sent"] == sent}
        at = sorted(rate_at)
        rates = [rate_at[one] for one in at]
        axes.plot(at, rates, color=_colour(number), linewidth=1.6, marker="o", markersize=4, label=setting_name(row))
        most = max(most, *rates)
    axes.set_xscale("log", base=2)  # which keeps 1 and 2 apart beside 64
    axes.set_xticks(at, [str(one) for one in at])
    axes.minorticks_off()
    axes.set_ylim(0, 1.1 * most or 1.0)
    titled(axes, words(sent, _LONGEST), "connections")


def _colour(number: int) -> str:
    return BRANCHES[number % len(BRANCHES)]

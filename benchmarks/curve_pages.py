"""A learning curve as figures averaged over seeds, as a Markdown table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curve_measure import OURS, unpack
from multimodal.evaluation import Comparison, paired_group_bootstrap

_HEADINGS = ("inputs", "training rows", "seeds", "model", "top-1", "hF1", "ours less the better peer, points")


@dataclass(frozen=True, slots=True)
class Point:
    """One system at one size, averaged over seeds.

    Attributes:
        spread: least and greatest top-1 of the seeds.
        against: ours less this peer, where it is the better one; of top-1, rows paired, groups resampled.
    """

    case: str
    rows: int
    seeds: int
    system: str
    top1: float
    hf1: float
    spread: tuple[float, float]
    against: Comparison | None = None


def points(records: Sequence[Mapping[str, Any]], groups: Mapping[str, npt.NDArray[np.str_]]) -> list[Point]:
    """Averages over the seeds of each size.

    With several seeds a validation row's score is the mean over them, so the interval is that of the
    validation rows; ``spread`` shows what the draw of the subset does.

    Args:
        records: of ``learning_curve.py``.
        groups: case -> group of each row measured.
    """
    found = []
    for name in dict.fromkeys(case["name"] for record in records for case in record["cases"]):
        for rows in sorted({record["rows"] for record in records}):
            same = [c for r in records if r["rows"] == rows for c in r["cases"] if c["name"] == name]
            found += _of_size(name, rows, same, groups[name])
    return found


def _of_size(
    name: str, rows: int, cases: Sequence[Mapping[str, Any]], groups: npt.NDArray[np.str_]
) -> list[Point]:
    systems = [n for n in cases[0]["systems"] if all(n in c["systems"] for c in cases)] if cases else []
    top1 = {n: np.array([c["systems"][n]["top1"] for c in cases]) for n in systems}
    rivals = [n for n in systems if n != OURS]
    better = max(rivals, key=lambda n: top1[n].mean()) if rivals else None
    found = []
    for system in systems:
        against = None
        if system == better:
            scores = {n: np.mean([unpack(c["systems"][n]["hits"], len(groups)) for c in cases], axis=0)
                      for n in (OURS, system)}  # fmt: skip
            against = paired_group_bootstrap(scores[OURS], scores[system], groups)
        hf1 = float(np.mean([c["systems"][system]["hf1"] for c in cases]))
        spread = (float(top1[system].min()), float(top1[system].max()))
        found.append(Point(name, rows, len(cases), system, float(top1[system].mean()), hf1, spread, against))
    return found


def markdown(found: Sequence[Point], settings: Mapping[str, Any]) -> str:
    """The table a person reads."""
    data = settings["data"]
    lines = [
        f"{data['name']}, validation rows; training rows are nested subsets. Several seeds: means, and in brackets "
        "the least and the greatest. Differences: 95 % paired bootstrap over groups.",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|---|---:|---:|---|---:|---:|---:|",
    ]
    for p in found:
        top1 = f"{p.top1:.4f}" + (f" [{p.spread[0]:.4f}, {p.spread[1]:.4f}]" if p.seeds > 1 else "")
        lines.append(
            f"| {p.case} | {p.rows:,} | {p.seeds} | {p.system} | {top1} | {p.hf1:.4f} | {_points(p.against)} |"
        )
    return "\n".join(lines)


def _points(comparison: Comparison | None) -> str:
    if comparison is None:
        return "–"
    d, low, high = (100 * x for x in (comparison.difference, comparison.low, comparison.high))
    return f"{d:+.2f} [{low:+.2f}, {high:+.2f}]"


def plot(found: Sequence[Point], title: str, file: Path) -> None:
    """Top-1 by the number of training rows, a panel for each mix of inputs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter

    cases = list(dict.fromkeys(p.case for p in found))
    figure, axes = plt.subplots(1, len(cases), figsize=(3.8 * len(cases), 3.8), sharey=True, squeeze=False)
    sizes = sorted({p.rows for p in found})
    colours = {system: f"C{i}" for i, system in enumerate(dict.fromkeys(p.system for p in found))}
    for axis, case in zip(axes[0], cases, strict=True):
        for system in dict.fromkeys(p.system for p in found if p.case == case):
            line = [p for p in found if p.case == case and p.system == system]
            rows = [p.rows for p in line]
            width, colour = 2.2 if system == OURS else 1.2, colours[system]
            axis.plot(rows, [p.top1 for p in line], marker="o", ms=4, lw=width, color=colour, label=system)
            low, high = ([p.spread[i] for p in line] for i in (0, 1))
            axis.fill_between(rows, low, high, alpha=0.15, color=colour)
        axis.set_xscale("log")
        axis.set_xticks(sizes)
        axis.set_xticks([], minor=True)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        axis.tick_params(axis="x", labelrotation=45)
        axis.set_title(case, fontsize=9)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=7, loc="best")
    axes[0][0].set_ylabel("top-1, validation rows")
    figure.supxlabel("training rows")
    figure.suptitle(title)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)

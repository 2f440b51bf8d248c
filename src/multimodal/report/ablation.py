"""An ablation as a table in Markdown and CSV, and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.evaluation.ablation import FIGURES, Estimate, Line, Outcome
from multimodal.report.style import INK, LINE, MUTED, RIGHT, new_figure, plain, save, titled, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADINGS = {"top1": "top-1", "top2": "top-2", "hf1": "hF1", "nll": "NLL", "ece": "ECE"}


def ablation_markdown(lines: Sequence[Line], labels: Mapping[str, str]) -> str:
    """The table; from several seeds each figure has its 95 % interval.

    Args:
        labels: what to call each variant.
    """
    head = ["", "sees", "seeds", *(_HEADINGS[key] for key in FIGURES), "top-1 against the whole, points", "seconds"]
    rows = [head, ["---"] * 2 + ["---:"] * (len(head) - 2)]
    for line in lines:
        cells = [_cell(line.figures[key]) for key in FIGURES]
        away = "" if line.difference is None else _points(line.difference)
        rows.append([labels.get(line.variant, line.variant), _sees(line.mix), f"{line.seeds}", *cells, away,
                     f"{line.seconds:,.0f}"])  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def write_ablation(folder: Path, outcomes: Sequence[Outcome], lines: Sequence[Line], labels: Mapping[str, str]) -> Path:
    """Writes ``ablation.md``, ``ablation.csv`` (each seed and mix of inputs) and ``ablation.png``; gives the first."""
    page = folder / "ablation.md"
    page.write_text(ablation_markdown(lines, labels), encoding="utf-8")
    with folder.joinpath("ablation.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["variant", "seed", "inputs", "rows", *FIGURES, "seconds"])
        for one in outcomes:
            for mix, found in one.mixes.items():
                figures = [found[key] for key in ("rows", *FIGURES)]
                writer.writerow([one.variant, one.seed, mix, *figures, one.seconds])
    save(ablation_figure(outcomes, lines, labels), folder / "ablation.png")
    return page


def ablation_figure(outcomes: Sequence[Outcome], lines: Sequence[Line], labels: Mapping[str, str]) -> Figure:
    """Top-1 of each variant: a dot a seed, a bar for the mean."""
    figure = new_figure(8.5, 1.2 + 0.42 * len(lines))
    axes = plain(figure.add_subplot(), grid=False)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    for place, line in enumerate(lines):
        own = [one.mixes[line.mix]["top1"] for one in outcomes if one.variant == line.variant]
        axes.scatter(own, [place] * len(own), s=26, color=RIGHT, alpha=0.7, linewidths=0, zorder=3)
        mean = line.figures["top1"].mean
        axes.plot([mean, mean], [place - 0.28, place + 0.28], color=INK, linewidth=1.4, zorder=4)
        axes.annotate(f"{100 * mean:.1f} %", (mean, place - 0.3), ha="center", va="bottom", fontsize=8, color=MUTED)
    shown = [f"{words(labels.get(line.variant, line.variant), 44)} ({_sees(line.mix)})" for line in lines]
    axes.set_yticks(range(len(lines)), shown, fontsize=9, color=INK)
    axes.set_ylim(len(lines) - 0.4, -0.8)
    axes.margins(x=0.08)
    titled(axes, "What each part brings", "top-1 on validation rows")
    return figure


def _sees(mix: str) -> str:
    return mix.replace("image", "photo").replace("+", " + ")


def _cell(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.mean:.4f}"
    return f"{found.mean:.4f} ± {found.high - found.mean:.4f}"


def _points(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{100 * found.mean:+.2f}"
    return f"{100 * found.mean:+.2f} ({100 * found.low:+.2f} to {100 * found.high:+.2f})"

"""The ranking of backbones as a Markdown table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from front import knee, pareto_front

_HEADINGS = ("backbone", "size", "starts from", "parameters, M", "MB", "p50, ms", "top-1", "top-2", "s an epoch", "")


def markdown(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The table a person reads, fastest first."""
    recipe, marks = settings["recipe"], _marks(rows)
    lines = [
        f"{settings['data']}: {rows[0]['train_rows']:,} training rows ({recipe['share']:.0%}), {recipe['epochs']} "
        f"epochs, {rows[0]['val_rows']:,} validation photos. MB in the bundle; p50 of its ONNX graph, one photo, one "
        "thread. Front: none is both faster and better. A random start costs points that weights would bring.",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for i in sorted(range(len(rows)), key=lambda i: rows[i]["latency_ms"]):
        row = rows[i]
        height, width = row["size"]
        lines.append(
            f"| {row['backbone']} | {height}×{width} | {row['start']} | {row['parameters'] / 1e6:.2f} | "
            f"{row['megabytes']:.2f} | {row['latency_ms']:.2f} | {row['top1']:.4f} | {row['top2']:.4f} | "
            f"{row['epoch_seconds']:.0f} | {marks.get(i, '')} |"
        )
    return "\n".join(lines)


def _marks(rows: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    costs, scores = [row["latency_ms"] for row in rows], [row["top1"] for row in rows]
    marks = dict.fromkeys(pareto_front(costs, scores), "front")
    bend = knee(costs, scores)
    return marks if bend is None else marks | {bend: "**knee**"}


def plot(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Top-1 against latency; filled where weights were given, the front as a line, the knee in a ring."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    costs, scores = [row["latency_ms"] for row in rows], [row["top1"] for row in rows]
    front, bend = pareto_front(costs, scores), knee(costs, scores)
    figure, axis = plt.subplots(figsize=(7, 4.5))
    axis.plot([costs[i] for i in front], [scores[i] for i in front], color="tab:gray", lw=1, zorder=1)
    if bend is not None:
        axis.scatter([costs[bend]], [scores[bend]], s=220, facecolors="none", edgecolors="tab:red", zorder=2)
    for row, cost, score in zip(rows, costs, scores, strict=True):
        filled = row["weights"] != "none"
        face = "tab:blue" if filled else "white"
        axis.scatter([cost], [score], s=40, facecolors=face, edgecolors="tab:blue", zorder=3)
        height, width = row["size"]
        axis.annotate(f"{row['backbone']} {height}×{width}", (cost, score), (5, -9), textcoords="offset points", size=7)
    axis.margins(x=0.25)  # room for the names
    axis.set_xlabel("p50 of one photo on one thread, ms")
    axis.set_ylabel("top-1, validation photos")
    axis.set_title("Filled: from given weights; open: from random ones; ring: knee", fontsize=9)
    axis.grid(alpha=0.3)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)

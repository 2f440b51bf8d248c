"""Markdown tables that the README and a model card share. Reads nothing, measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FIGURES = {
    "top1": "top-1",
    "top2": "top-2",
    "hf1": "hF1",
    "weighted_f1": "weighted F1",
    "macro_f1": "macro F1",
    "macro_f1_10": "macro F1, 10+ rows",
    "ece": "ECE",
    "nll": "NLL",
}
"""Key in the evaluation -> heading of a table."""


def accuracy(evaluation: Mapping[str, Any], figures: Mapping[str, str]) -> list[str]:
    """Rows are inputs; a cell holds the figure on val, and on test once that was measured."""
    shown = _shown(evaluation)
    rows = []
    for case in evaluation["splits"]["val"]["cases"]:
        found = [evaluation["splits"][split]["cases"][case] for split in shown]
        cells = [" / ".join(cell(one["heads"]["fused"][key]) for one in found) for key in figures]
        rows.append([case, " / ".join(f"{one['rows']:,}" for one in found), *cells])
    note = f"Cells: {' / '.join(shown)}." + ("" if "test" in shown else " The test split is not measured yet.")
    if "macro_f1_10" in figures:
        note += " *10+ rows*: over leaves with at least 10 rows of the split."
    return [*table(["sees", "rows", *figures.values()], rows), "", note]


def levels(evaluation: Mapping[str, Any]) -> list[str]:
    """ECE of the best node of each level of the tree, the first being the top; cells as in ``accuracy``."""
    shown, cases = _shown(evaluation), evaluation["splits"]["val"]["cases"]
    rows = []
    for case in cases:
        found = [evaluation["splits"][split]["cases"][case]["heads"]["fused"]["ece_levels"] for split in shown]
        rows.append([case, *(" / ".join(map(cell, level)) for level in zip(*found, strict=True))])
    return table(["ECE, sees", *(f"level {i}" for i in range(1, len(rows[0])))], rows)


def cell(figure: float | None) -> str:
    """A figure as the tables print it; a dash where there is none."""
    return "–" if figure is None else f"{figure:.4f}"


def _shown(evaluation: Mapping[str, Any]) -> list[str]:
    return [split for split in ("val", "test") if split in evaluation["splits"]]


def phone(evaluation: Mapping[str, Any]) -> list[str]:
    phone = evaluation.get("phone_photos")
    if phone is None:
        return []
    return [
        f"Photos taken at home with phones ({phone['data']}, {phone['split']}, {phone['rows']:,} rows, photo only): "
        f"{phone['right']:.4f} of the answers are at or below a category that the label stands for.",
        "",
    ]


def larger(evaluation: Mapping[str, Any]) -> list[str]:
    """Rows that have a larger photo beside the catalog's small one, apart."""
    told = []
    for split, found in evaluation.get("larger_photos", {}).items():
        small, large = (f"{found[size]['top1']:.4f} / {found[size]['top2']:.4f}" for size in ("small", "large"))
        told.append(f"{split}, {found['rows']:,} rows: {small} from the small photo, {large} from the large one")
    if not told:
        return []
    return [f"Products with a photo of 168×224 beside that of 60×80, photo only, top-1 / top-2: {'; '.join(told)}.", ""]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """A Markdown table; columns after the first ``left`` are aligned to the right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]

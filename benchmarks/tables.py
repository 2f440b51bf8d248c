"""Markdown tables that the README and a model card share. Reads nothing, measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FULL = "title + characteristics + photo"
FIGURES = {"top1": "top-1", "top2": "top-2", "hf1": "hF1", "macro_f1": "macro F1", "ece": "ECE"}
"""Key in the evaluation -> heading of the README's table."""


def accuracy(evaluation: Mapping[str, Any], figures: Mapping[str, str]) -> list[str]:
    """Rows are inputs; a cell holds the figure on val, and on test once that was measured."""
    splits = evaluation["splits"]
    shown = [split for split in ("val", "test") if split in splits]
    rows = []
    for case in splits["val"]["cases"]:
        found = [splits[split]["cases"][case] for split in shown]
        cells = [" / ".join(f"{one['heads']['fused'][key]:.4f}" for one in found) for key in figures]
        rows.append([case, " / ".join(f"{one['rows']:,}" for one in found), *cells])
    note = f"Cells: {' / '.join(shown)}." + ("" if "test" in shown else " The test split is not measured yet.")
    return [*table(["sees", "rows", *figures.values()], rows), "", note]


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

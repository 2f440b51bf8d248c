"""The tables that ``multimodal evaluate`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from multimodal.cli.console import FIGURES, stdout

if TYPE_CHECKING:
    from rich.table import Table

_FIGURES = {
    **FIGURES,
    "macro_f1_10": "macro F1, 10+ rows",
    "name_top1": "top-1 by name",
    "mistake_severity": "height of a mistake",
    "brier": "Brier",
}


def print_tables(document: Mapping[str, Any]) -> None:
    """Prints heads and levels, and the comparison and the slices where the document has them."""
    console = stdout()
    console.print(_heads(document))
    console.print(_levels(document["levels"]["fused"]))
    if "against" in document:
        console.print(_against(document["against"]))
        if document["against"]["unanswered"]:
            console.print(f"{document['against']['unanswered']:,} rows it did not answer count as wrong.")
    if "by" in document:
        console.print(_slices(document["by"]))


def _heads(document: Mapping[str, Any]) -> Table:
    from rich.table import Table

    heads = document["heads"]
    masked = ", titles masked" if document["mask_title_words"] else ""
    title = f"{document['rows']:,} rows, inputs: {', '.join(document['inputs'])}{masked}"
    table = Table("", title=title, min_width=40)
    for head in heads:
        table.add_column(head, justify="right")
    for key, heading in _FIGURES.items():
        if any(key in figures for figures in heads.values()):
            table.add_row(heading, *(_figure(figures.get(key)) for figures in heads.values()))
    return table


def _levels(levels: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("", "categories", "top-1", "hF1", "macro F1", "ECE", title="The answer, level by level")
    for level in levels:
        name = "leaves" if level is levels[-1] else f"level {level['depth']}"
        table.add_row(name, *(_figure(level[key]) for key in ("nodes", "top1", "hf1", "macro_f1", "ece")))
    return table


def _against(against: Mapping[str, Any]) -> Table:
    title = f"Against {against['name']}: {against['rows']:,} rows in {against['groups']:,} groups"
    table = _table("", "this", "other", "difference", "95 % interval", title=title)
    for key in ("top1", "hf1"):
        found = against[key]
        interval = f"{found['low']:+.4f} to {found['high']:+.4f}"
        table.add_row(
            FIGURES[key], _figure(found["mean_a"]), _figure(found["mean_b"]), f"{found['difference']:+.4f}", interval
        )
    return table


def _slices(by: Mapping[str, Any]) -> Table:
    from rich.text import Text

    table = _table("", "rows", "top-1", "95 % interval", "hF1", title=f"By {by['column']}")
    for part in by["values"]:
        name = "(empty)" if part["value"] is None else part["value"]
        interval = f"{part['low']:.4f} to {part['high']:.4f}"
        table.add_row(Text(name), f"{part['rows']:,}", _figure(part["top1"]), interval, _figure(part["hf1"]))
    return table


def _table(*columns: str, title: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(columns[0], title=Text(title))
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)

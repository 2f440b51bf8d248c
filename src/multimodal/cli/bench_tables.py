"""The tables of ``multimodal bench``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from multimodal.bench.sweep import setting_name
from multimodal.cli.console import stdout

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS = ("sent", "server p50, ms", "server p99, ms", "client p50, ms", "answers/s", "at 60 %: p50, ms", "p99, ms")
_CALLED = {"503": "refused with 503 while the service was behind"}
_SWEPT = ("sent", "at once", "threads", "connections", "answers/s", "p50, ms", "p99, ms")


def print_figures(figures: Mapping[str, Any]) -> None:
    """Latency, its stages, the sweep, and a line of memory and failures."""
    console, asked, swept = stdout(), figures["asked"], figures["sweep"]
    console.print(_latency(asked), _stages(asked), _sweep(asked, swept), sep="\n")
    machine = figures["machine"]
    failed = Counter[str]()
    for measured in [*asked, *(load for row in swept for load in row["loads"])]:
        failed.update(measured["failures"])
    kinds = ", ".join(f"{number:,} {_CALLED.get(status, status)}" for status, number in failed.items())
    resident = "" if figures["resident_mb"] is None else f"Resident {figures['resident_mb']:.0f} MB; "
    console.print(
        f"{resident}{failed.total():,} requests failed{f' ({kinds})' if kinds else ''}; {machine['processor']}, "
        f"{machine['cores']} cores. At 60 %: requests come by chance, at 60 % of the most.",
        markup=False,
        soft_wrap=True,
    )
    if len(swept) > 1:
        memory = "; ".join(
            f"{setting_name(row)}: {row['resident_mb']:.0f}" for row in swept if row["resident_mb"] is not None
        )
        console.print(f"Resident after the sweep, MB: {memory or 'unknown'}", markup=False, soft_wrap=True)


def _latency(asked: Sequence[Mapping[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(*_COLUMNS)
    for row in asked:
        come = row["coming"]
        cells = [row["server_p50_ms"], row["server_p99_ms"], row["client_p50_ms"]]
        times = [f"{value:.2f}" for value in cells]
        table.add_row(
            row["sent"], *times, f"{row['answers_per_second']:.0f}", f"{come['p50_ms']:.2f}", f"{come['p99_ms']:.2f}"
        )
    return table


def _stages(asked: Sequence[Mapping[str, Any]]) -> Table:
    from rich.table import Table

    table = Table("server p50 / p99, ms", *(row["sent"] for row in asked))
    for name in dict.fromkeys(name for row in asked for name in row["stages_p50_ms"]):
        both = [(row["stages_p50_ms"].get(name), row["stages_p99_ms"].get(name)) for row in asked]
        table.add_row(name, *("–" if p50 is None else f"{p50:.2f} / {p99:.2f}" for p50, p99 in both))
    table.add_section()
    table.add_row("total", *(f"{row['server_p50_ms']:.2f} / {row['server_p99_ms']:.2f}" for row in asked))
    return table


def _sweep(asked: Sequence[Mapping[str, Any]], swept: Sequence[Mapping[str, Any]]) -> Table:
    from rich.table import Column, Table

    sent, *others = _SWEPT
    columns = [Column(name, no_wrap=True) for name in others]  # narrow as they are: the kind of request may break
    table = Table(sent, *columns, title="As many as it takes, and what who asked waited")
    for kind in asked:
        for first, row in enumerate(swept):
            own = ("default" if row[key] is None else str(row[key]) for key in ("concurrency", "threads"))
            head = ["" if first else kind["sent"], *own]
            for load in row["loads"]:
                if load["sent"] == kind["sent"]:
                    table.add_row(*head, str(load["connections"]), *_load_cells(load))
                    head = [""] * len(head)  # said once, above
        table.add_section()
    return table


def _load_cells(load: Mapping[str, Any]) -> list[str]:
    times = [load["client_p50_ms"], load["client_p99_ms"]]
    return [f"{load['answers_per_second']:.0f}", *("–" if value is None else f"{value:.2f}" for value in times)]

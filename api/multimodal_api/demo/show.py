"""The demo's answers on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from multimodal.bench.connection import Reply
from multimodal_api.demo.items import Item, best_category


def answer_table(items: Sequence[Item], replies: Sequence[Reply], hits: Sequence[bool]) -> Table:
    """What one model was sent and answered: the path of categories, each with its probability."""
    table = Table(title=f"What was asked of {escape(items[0].model)}, and what came back")
    for name in ("sent", "answer", "by", "ms", ""):
        table.add_column(name, justify="right" if name == "ms" else "left")
    for item, reply, hit in zip(items, replies, hits, strict=True):
        said = [escape(item.fields["title"])] if "title" in item.fields else []
        table.add_row("\n".join((f"[bold]{item.kind}[/bold]", *said)), *_cells(reply), "✓" if hit else "✗")
    return table


def _cells(reply: Reply) -> tuple[str, str, str]:
    answer = best_category(reply)
    if answer is None:
        return escape(f"{reply.status} {reply.body.get('detail', '')}"), "–", f"{reply.ms:.1f}"
    path = "\n› ".join(f"{escape(step['name'])} [bold]{step['probability']:.2f}[/bold]" for step in answer["path"])
    shows = [tag["name"] for tag in reply.body["tags"] if tag["present"]]
    shows += [f"{one['name']} {one['value']}" for one in reply.body["attributes"]]
    path += f"\nshows: {escape(', '.join(shows))}" if shows else ""
    notes = "".join(f"\n({escape(warning)})" for warning in reply.body["warnings"])
    return path + notes, reply.body["modality"]["used"], f"{reply.ms:.1f}"


def print_timings(console: Console, replies: Sequence[Reply]) -> None:
    """One line: how long each stage took on the server."""
    names = list(dict.fromkeys(stage for reply in replies for stage in reply.stages))
    parts = (f"{n} {median(r.stages[n] for r in replies if n in r.stages):.2f}" for n in names)
    console.print(f"Median ms on the server by stage: {', '.join(parts)}")

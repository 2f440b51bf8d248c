"""What the commands share on the terminal: consoles, progress, JSON and the error line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from multimodal.errors import MultimodalError

if TYPE_CHECKING:
    from rich.console import Console

DONE = 0
ROWS_FAILED = 1
BAD_INPUT = 2
QUIET_SECONDS = 60.0
"""How long a command over many rows says nothing in a log file."""

FIGURES = {
    "rows": "rows",
    "top1": "top-1",
    "top2": "top-2",
    "top5": "top-5",
    "weighted_f1": "weighted F1",
    "macro_f1": "macro F1",
    "hf1": "hF1",
    "ece": "ECE",
    "nll": "NLL",
}
"""The figures that tables show, and how they are headed there."""


def stdout() -> Console:
    """A console for answers."""
    from rich.console import Console

    return Console(highlight=False)


def stderr() -> Console:
    """A console for progress and complaints, so that standard output stays clean for pipes."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_error(error: MultimodalError) -> None:
    """One clear line, red on a terminal; its text is printed as it is, brackets included."""
    from rich.text import Text

    stderr().print(Text.assemble(("error: ", "bold red"), (error.message, "red")), soft_wrap=True)


def print_json(document: Mapping[str, object]) -> None:
    """Writes a document to standard output; a figure that is no number is an error, not ``NaN``."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write(text.encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding))
    sys.stdout.write("\n")


def leave(errors: int, errors_file: Path | None, what: str) -> NoReturn:
    """Ends a command over many rows, by the exit code for whether all went well.

    Args:
        errors: rows that did not.
        errors_file: where they are; None where there were none.
        what: became of them.
    """
    if errors_file is None:
        raise typer.Exit(DONE)
    stderr().print(
        f"{errors:,} rows {what}; they are in {errors_file}", style="yellow", markup=False, soft_wrap=True
    )
    raise typer.Exit(ROWS_FAILED)


@contextmanager
def progress(
    label: str, total: int | None, unit: str = "rows", *, speed: bool = True
) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; where that is no terminal, a line now and then.

    Args:
        label: what is being done.
        total: how many there are, or None where that is not known.
        unit: what is counted.
        speed: whether to tell how many a second.

    Yields:
        A function that takes how many are done so far.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}" + (f" of {total:,}" if total is not None else "") + f" {unit}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    told = 0.0
    with Progress(*columns, console=stderr()) as bar:
        task = bar.add_task(label, total=total, rate="")

        def advance(done: int) -> None:
            nonlocal told
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / elapsed:,.0f} {unit}/s" if speed and elapsed > 0 else ""
            bar.update(task, completed=done, rate=rate)
            if not bar.console.is_terminal and elapsed - told >= QUIET_SECONDS:
                told = elapsed
                of = "" if total is None else f" of {total:,}"
                said = f"{label}: {done:,}{of} {unit}{', ' * bool(rate)}{rate}"
                bar.console.print(said, markup=False, soft_wrap=True)

        yield advance

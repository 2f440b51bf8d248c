"""``multimodal feedback``: what people said of the service's answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multimodal.cli.console import print_json, progress, stdout
from multimodal.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from multimodal.store import Database

app = typer.Typer(no_args_is_help=True, help="What people said of the service's answers.")

DatabaseOption = Annotated[
    str,
    typer.Option(envvar="MULTIMODAL_DATABASE", help="URL of the service's database."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
_USUAL = "sqlite:///multimodal.db"


@app.command()
def export(
    output: Annotated[Path, typer.Argument(help="File to write, to train on: .parquet, .csv or .jsonl.")],
    database: DatabaseOption = _USUAL,
    model: Annotated[str | None, typer.Option(help="Only answers of this model.")] = None,
) -> None:
    """Writes products with the categories and tags that people said are right, to train on.

    \b
    Example:
      multimodal feedback export said.parquet
    """
    from multimodal.serving.files import check_output

    check_output(output)
    opened = _opened(database)
    from multimodal.store.export import write_labelled  # after what says which extra it needs

    with progress("Exporting", None) as advance:
        rows = write_labelled(opened, output, model, advance)
    if not rows:
        raise DataError(f"{opened.shown}: got no feedback yet, expected some to export; POST /feedback takes it")
    stdout().print(f"{rows:,} products -> {output}", markup=False, soft_wrap=True)


@app.command()
def stats(database: DatabaseOption = _USUAL, as_json: JsonOption = False) -> None:
    """Shows how often answers were accepted and corrected, by model and branch.

    \b
    Example:
      multimodal feedback stats
    """
    from dataclasses import asdict

    from multimodal.store.feedback import count_by_branch

    counts = count_by_branch(_opened(database))
    if as_json:
        print_json({"branches": [asdict(one) for one in counts]})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("model", "branch", "accepted", "corrected", "right")
    for one in counts:
        share = one.accepted / (one.accepted + one.corrected)
        table.add_row(one.model, Text(one.branch_id), f"{one.accepted:,}", f"{one.corrected:,}", f"{100 * share:.1f} %")
    stdout().print(table if counts else "No feedback yet.")


@app.command()
def queue(
    database: DatabaseOption = _USUAL,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Lists answers worth a look: unsure ones, contradictory ones, those of products asked about often.

    \b
    Example:
      multimodal feedback queue --limit 50
    """
    from multimodal.store.feedback import review_queue

    found = review_queue(_opened(database), limit)
    if as_json:
        print_json({"items": [_item(one) for one in found]})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("request", "title", "answered", "confidence", "conflict", "times", "worth")
    for one in found:
        answer = one.answer
        conflict = "yes" if answer.conflict else ""
        cells = [answer.request_id, answer.title or "–", answer.category_id or "–"]
        numbers = [f"{answer.confidence:.2f}", conflict, f"{one.times:,}", f"{one.worth:.2f}"]
        table.add_row(*map(Text, [*cells, *numbers]))
    stdout().print(table if found else "Nothing waits for a look.")


def _item(one: Any) -> dict[str, Any]:
    names = ("request_id", "model", "title", "category_id", "confidence", "conflict")
    return {name: getattr(one.answer, name) for name in names} | {"times": one.times, "worth": one.worth}


def _opened(url: str) -> Database:
    try:
        from multimodal.store import open_database
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "multimodal":
            raise
        raise MissingExtraError("serve", feature="`multimodal feedback`") from error
    return open_database(url)

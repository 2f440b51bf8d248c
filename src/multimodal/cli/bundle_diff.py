"""``multimodal bundle diff``: what another bundle says of itself, and where it would answer differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multimodal.cli.bundle import BundleArgument, JsonOption
from multimodal.cli.console import print_json, progress, stdout
from multimodal.cli.sources import ColumnOption, ImagesRootOption, source_of

if TYPE_CHECKING:
    from rich.table import Table

    from multimodal.artifact.differences import TreeChange
    from multimodal.serving.diff import AnswerDiff
    from multimodal.types import Answer

_SHOWN = 10


def diff(
    bundle: BundleArgument,
    other: Annotated[Path, typer.Argument(help="Folder of the bundle that may take its place.")],
    data: Annotated[Path | None, typer.Argument(help="Products to ask both about, labelled or not.")] = None,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    examples: Annotated[int, typer.Option(min=0, help="Products that differ to show, the surest first.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Compares two bundles: what they say of themselves, their trees and figures, and their answers.

    \b
    Examples:
      multimodal bundle diff artifacts/fashion out/candidate
      multimodal bundle diff artifacts/fashion out/candidate last-week.parquet
    """
    from multimodal.artifact import open_bundle
    from multimodal.artifact.differences import figures_of_both, said_differently, tree_change

    first, second = open_bundle(bundle), open_bundle(other)
    said, trees = said_differently(first, second), tree_change(first.tree, second.tree)
    figures = figures_of_both(first, second)
    answers = None if data is None else _answers(bundle, other, data, column, images_root, examples)
    if as_json:
        print_json(_document(said, trees, figures, answers))
        return
    console = stdout()
    console.print(_said(said))
    _print_tree(trees)
    if figures:
        console.print(_figures(figures))
    if answers is not None:
        console.print(_kinds(answers))
        if answers.changed:
            console.print(_examples(answers))


def _answers(
    bundle: Path, other: Path, data: Path, column: list[str] | None, images_root: Path | None, examples: int
) -> AnswerDiff:
    from multimodal import load
    from multimodal.data import read_source, source_count
    from multimodal.serving.diff import diff_answers

    source = source_of(data, column, images_root)
    streams = [load(folder).stream(read_source(source, labelled=False)) for folder in (bundle, other)]
    with progress("Asking both", source_count(source)) as advance:
        return diff_answers(_counted(zip(*streams, strict=True), advance), examples)


def _counted(pairs: Iterable[tuple[Answer, Answer]], advance: Callable[[int], None]) -> Iterator[tuple[Answer, Answer]]:
    for number, pair in enumerate(pairs, 1):
        yield pair
        advance(number)


def _document(
    said: dict[str, tuple[Any, Any]],
    trees: TreeChange,
    figures: dict[str, dict[str, tuple[float, float]]],
    answers: AnswerDiff | None,
) -> dict[str, Any]:
    document: dict[str, Any] = {"said": said, "tree": asdict(trees), "figures": figures}
    if answers is not None:
        document["answers"] = {
            "rows": answers.rows,
            "errors": answers.errors,
            "kinds": dict(answers.kinds),
            "branches": {name: dict(kinds) for name, kinds in answers.branches.items()},
            "changed": [asdict(one) for one in answers.changed],
        }
    return document


def _said(said: dict[str, tuple[Any, Any]]) -> Table | str:
    from rich.table import Table
    from rich.text import Text

    if not said:
        return "Both say the same of themselves."
    table = Table("", "first", "second", title="What they say of themselves", title_justify="left")
    for name, values in said.items():
        table.add_row(name, *(Text("–" if value in (None, "") else str(value)) for value in values))
    return table


def _print_tree(trees: TreeChange) -> None:
    console = stdout()
    if not trees:
        console.print("Their trees are the same.")
        return
    for word, found in (("added", trees.added), ("removed", trees.removed)):
        if found:
            more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
            said = f"{len(found):,} categories {word}: {', '.join(found[:_SHOWN])}{more}"
            console.print(said, markup=False, soft_wrap=True)
    for word, pairs in (("renamed", trees.renamed), ("moved", trees.moved)):
        for key, (before, now) in list(pairs.items())[:_SHOWN]:
            console.print(f"{key} {word}: {before} -> {now}", markup=False, soft_wrap=True)
        if len(pairs) > _SHOWN:
            console.print(f"… and {len(pairs) - _SHOWN:,} more {word}")


def _figures(figures: dict[str, dict[str, tuple[float, float]]]) -> Table:
    from rich.table import Table

    from multimodal.artifact.differences import FIGURES

    table = Table("sees", *FIGURES, title="Figures, each on its own validation rows", title_justify="left")
    for mix, values in figures.items():
        cells = [f"{values[key][0]:.4f} -> {values[key][1]:.4f}" if key in values else "" for key in FIGURES]
        table.add_row(mix, *cells)
    return table


def _kinds(answers: AnswerDiff) -> Table:
    from rich.table import Table
    from rich.text import Text

    from multimodal.serving.diff import KINDS

    left_out = f"; {answers.errors:,} without an answer of the first" if answers.errors else ""
    table = Table(
        "branch", "rows", *KINDS, title=f"Answers to {answers.rows:,} products{left_out}", title_justify="left"
    )
    for name, kinds in [*sorted(answers.branches.items()), ("all", answers.kinds)]:
        rows = sum(kinds.values())
        table.add_row(
            Text(name), f"{rows:,}", *(f"{100 * kinds[kind] / rows:.1f} %" if rows else "–" for kind in KINDS)
        )
    return table


def _examples(answers: AnswerDiff) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("row", "", "first", "second", title="The surest that differ", title_justify="left")
    for one in answers.changed:
        name = str(one.row if one.id is None else one.id)
        first, second = (
            f"{told} ({sure:.2f})" for told, sure in zip((one.before, one.now), one.confidence, strict=True)
        )
        table.add_row(Text(name), one.kind, Text(first), Text(second))
    return table

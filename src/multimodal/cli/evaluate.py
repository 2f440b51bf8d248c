"""``multimodal evaluate``: the figures of a bundle on labelled data; needs no torch."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from multimodal.cli.console import DONE, FIGURES, ROWS_FAILED, print_json, progress, stderr, stdout
from multimodal.cli.sources import ColumnOption, ImagesRootOption, source_of
from multimodal.errors import InputError, nearest
from multimodal.types import INPUTS, InputName

if TYPE_CHECKING:
    from multimodal.serving.evaluate import Evaluation


class Half(StrEnum):
    """The halves of a validation split."""

    select = "select"
    calibrate = "calibrate"


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    data: Annotated[Path, typer.Argument(help="Labelled parquet, CSV or folder of photos.")],
    inputs: Annotated[
        str | None,
        typer.Option(help="What the heads may see, comma between: title, description, characteristics, image."),
    ] = None,
    mask_title_words: Annotated[
        bool,
        typer.Option(
            "--mask-title-words",
            help="Hide every word of a category name from titles; without description and characteristics.",
        ),
    ] = False,
    half: Annotated[Half | None, typer.Option("--split-half", help="Only this half of a validation split.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON there too.")] = None,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    category_map: Annotated[
        Path | None, typer.Option(help="CSV with columns label, category_id: labels to ids of the tree.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
) -> None:
    """Measures a bundle on labelled products: accuracy, F1, hierarchical F1 and calibration by head.

    \b
    Examples:
      multimodal evaluate artifacts/fashion data/fashion_products/val.parquet
      multimodal evaluate artifacts/fashion val.parquet --inputs title,image --mask-title-words
      multimodal evaluate artifacts/fashion val.parquet --json --out figures.json
    """
    from multimodal import load
    from multimodal.data import read_source, source_count, split_half
    from multimodal.serving.evaluate import evaluate as run

    seen = _inputs(inputs)
    source = source_of(data, column, images_root, category_map)
    predictor = load(bundle, threads=threads)
    with progress("Evaluating", source_count(source)) as advance:
        found = run(
            predictor,
            read_source(source, labelled=True),
            inputs=seen,
            mask_title_words=mask_title_words,
            keep=None if half is None else lambda product, row: split_half(product, row) == half.value,
            on_progress=advance,
        )
    model = {"name": predictor.name, "version": predictor.version, "tree_version": predictor.tree.version}
    document = {"model": model, **({"split_half": half.value} if half else {}), **found.to_dict()}
    _report(document, found, as_json, out)
    errors_file = _errors_file(data, out)
    _finish(found, errors_file)


def _inputs(names: str | None) -> frozenset[InputName] | None:
    if names is None:
        return None
    parts = [part.strip() for part in names.split(",") if part.strip()]
    known = ", ".join(INPUTS)
    for part in parts:
        if part not in INPUTS:
            raise InputError(f"--inputs {names!r}: unknown input {part!r}.{nearest(part, INPUTS)} Known: {known}.")
    if not parts:
        raise InputError(f"--inputs {names!r}: got no name, expected one or more of {known}")
    return frozenset(cast("list[InputName]", parts))


def _report(document: dict[str, Any], found: Evaluation, as_json: bool, out: Path | None) -> None:
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print_json(document)
        return
    from rich.table import Table

    heads = document["heads"]
    masked = ", titles masked" if document["mask_title_words"] else ""
    table = Table("", title=f"{found.rows:,} rows, inputs: {', '.join(found.inputs)}{masked}", min_width=40)
    for head in heads:
        table.add_column(head, justify="right")
    for key, heading in FIGURES.items():
        if any(key in figures for figures in heads.values()):
            table.add_row(heading, *(_figure(figures.get(key)) for figures in heads.values()))
    stdout().print(table)


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _errors_file(data: Path, out: Path | None) -> Path:
    return Path(f"{out}.errors.csv") if out is not None else Path(f"{data.stem}.errors.csv")


def _finish(found: Evaluation, errors_file: Path) -> None:
    if not found.errors:
        raise typer.Exit(DONE)
    from multimodal.serving.files import write_errors

    write_errors(errors_file, found.errors)
    stderr().print(
        f"{len(found.errors):,} rows could not be evaluated; they are in {errors_file}",
        style="yellow",
        markup=False,
        soft_wrap=True,
    )
    raise typer.Exit(ROWS_FAILED)

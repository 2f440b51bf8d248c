"""``multimodal sample``: writes the built-in sample catalog, so that a first run needs no data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.console import progress, stdout
from multimodal.errors import InputError

if TYPE_CHECKING:
    from multimodal.data.sample import SampleFiles


class Form(StrEnum):
    """The forms that the catalog is written in; all but the first are the sample writer's layouts."""

    parquet = "parquet"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"
    zip = "zip"
    parts = "parts"
    metadata = "metadata"
    classes = "classes"
    two_categories = "two-categories"


def sample(
    out: Annotated[Path, typer.Argument(help="Folder to write; created if missing.")],
    products: Annotated[int, typer.Option(min=20, help="How many products to draw.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed draws the same catalog.")] = 1,
    layout: Annotated[
        Form, typer.Option(help="Write it in another form too, in a folder of that name; docs/data.md shows each.")
    ] = Form.parquet,
) -> None:
    """Draws a sample catalog: photos, Russian and English titles, characteristics and a tree.

    \b
    Examples:
      multimodal sample out/ --products 500 --seed 1
      multimodal sample out/ --layout jsonl
    """
    from multimodal.data.sample import rewrite_sample, write_sample
    from multimodal.data.sample.job import SEVERAL

    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: got a file, expected a folder (or a name that is free); choose another OUT")
    with progress("Drawing", products, "products") as advance:
        several = SEVERAL if layout is Form.two_categories else 0.0
        files = write_sample(out, products, seed, on_progress=advance, several=several)
    if layout is not Form.parquet:
        files = rewrite_sample(files, layout.value)
    _say_what_next(files)


def _say_what_next(files: SampleFiles) -> None:
    rows = ", ".join(f"{count:,} in {split}" for split, count in files.rows.items())
    bundle = files.folder / "bundle"
    shown = f'"{files.test}"' if "*" in files.test.name else str(files.test)  # else the shell would expand it
    if files.images_root is not None:
        shown += f" --images-root {files.images_root}"
    then = f"evaluate {bundle} {shown}"
    if files.train == files.val:  # the job of photos alone: no row is left whose category is known, but was not learned
        then = f"tags {bundle} --input {shown} --output {files.folder / 'tags.csv'}"
    lines = (
        f"Wrote {files.folder}: {rows}; photos to look at in {files.contact_sheet}.",
        "Try next:",
        f"  multimodal classify artifacts/fashion --input {shown} --output {files.folder / 'answers.csv'}",
        f"  multimodal train {files.config}",
        f"  multimodal {then}",
        f"  multimodal serve {bundle}",
    )
    console = stdout()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)

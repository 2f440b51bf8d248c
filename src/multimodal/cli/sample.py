"""``multimodal sample``: writes the built-in sample catalog, so that a first run needs no data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.console import progress, stdout
from multimodal.errors import InputError

if TYPE_CHECKING:
    from multimodal.data.sample import SampleFiles


def sample(
    out: Annotated[Path, typer.Argument(help="Folder to write; created if missing.")],
    products: Annotated[int, typer.Option(min=20, help="How many products to draw.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed draws the same catalog.")] = 1,
) -> None:
    """Draws a sample catalog: photos, Russian and English titles, characteristics and a tree.

    \b
    Example:
      multimodal sample out/ --products 500 --seed 1
    """
    from multimodal.data.sample import write_sample

    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: got a file, expected a folder (or a name that is free); choose another OUT")
    with progress("Drawing", products, "products") as advance:
        files = write_sample(out, products, seed, on_progress=advance)
    _say_what_next(files)


def _say_what_next(files: SampleFiles) -> None:
    rows = ", ".join(f"{count:,} in {split}" for split, count in files.rows.items())
    bundle = files.folder / "bundle"
    lines = (
        f"Wrote {files.folder}: {rows}; photos to look at in {files.contact_sheet}.",
        "Try next:",
        f"  multimodal classify artifacts/fashion --input {files.test} --output {files.folder / 'answers.csv'}",
        f"  multimodal train {files.config}",
        f"  multimodal evaluate {bundle} {files.test}",
        f"  multimodal serve {bundle}",
    )
    console = stdout()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)

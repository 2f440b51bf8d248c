"""``multimodal sample``: writes the built-in sample catalog, so that a first run needs no data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from multimodal.cli.console import progress, stdout
from multimodal.errors import InputError


def sample(
    out: Annotated[Path, typer.Argument(help="Folder to write; created if missing.")],
    products: Annotated[int, typer.Option(min=1, help="How many products to draw.")] = 500,
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
        write_sample(out, products, seed, on_progress=advance)
    _say_what_next(out)


def _say_what_next(out: Path) -> None:
    console = stdout()
    for file in sorted(p for p in out.rglob("*") if p.is_file() and p.suffix in (".parquet", ".csv")):
        console.print(f"  {file}  {file.stat().st_size / 1e6:.2f} MB", markup=False, soft_wrap=True)
    console.print("Try next:")
    for command in (
        "multimodal train configs/sample.yaml",
        f"multimodal classify artifacts/fashion --input {out}/test.parquet --output {out}/answers.csv",
    ):
        console.print(f"  {command}", markup=False, soft_wrap=True)

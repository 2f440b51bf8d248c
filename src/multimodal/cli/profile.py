"""``multimodal data profile``: what a catalog looks like, as an HTML page with plots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from multimodal.cli.console import print_json, progress, stdout
from multimodal.cli.sources import CategoryMapOption, ColumnOption, ImagesRootOption, plain_name, source_of


def profile(
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="A file or folder of products a split, training first.")
    ],
    tree: Annotated[Path | None, typer.Option(help="The category tree; without one, labels are a plain list.")] = None,
    output: Annotated[Path, typer.Option(help="Folder to write: index.html, profile.md, profile.json, plots.")] = Path(
        "profile"
    ),
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    category_map: CategoryMapOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Explores a catalog before training: categories, titles, photos, tags, duplicates, leaks between splits.

    Every row is read once; headers of all photos and the pixels of a hundred photos a branch. The page holds counts,
    frequent words and mean pictures, and no single product.

    \b
    Examples:
      multimodal data profile train.parquet val.parquet --tree categories_tree.csv --output profile/
      multimodal data profile products.csv --column title=product_name
    """
    from multimodal.data import source_count
    from multimodal.profile import profile_sources
    from multimodal.report.profile_page import write_profile
    from multimodal.report.style import require_matplotlib
    from multimodal.taxonomy import read_tree

    require_matplotlib()
    named = _names(data)
    sources = {name: source_of(path, column, images_root, category_map) for name, path in named.items()}
    known = None if tree is None else read_tree(tree)
    counts = [source_count(source) for source in sources.values()]
    total = sum(count for count in counts if count is not None) if None not in counts else None
    with progress("Profiling", total) as advance:
        found = profile_sources({name: (one,) for name, one in sources.items()}, known, on_progress=advance)
    index = write_profile(output, found, " and ".join(named))
    if as_json:
        print_json(found.to_dict())
        return
    rows = ", ".join(f"{split.rows:,} in {name}" for name, split in found.splits.items())
    leaks = sum(leak.rows for leak in found.leaks if leak.kind == "title")
    said = f"{rows}; {leaks:,} titles of later splits are in earlier ones too" if len(named) > 1 else rows
    stdout().print(f"{said} -> {index}", markup=False, soft_wrap=True)


def _names(data: list[Path]) -> dict[str, Path]:
    """Short names of the splits; numbered where two are called alike."""
    found: dict[str, Path] = {}
    for path in data:
        name = plain_name(path)
        found[name if name not in found else f"{name} {len(found) + 1}"] = path
    return found

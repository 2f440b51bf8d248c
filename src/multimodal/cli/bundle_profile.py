"""``multimodal bundle profile``: what usual products look like, kept in the bundle for drift to be told against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.bundle import BundleArgument
from multimodal.cli.console import print_json, progress, stdout
from multimodal.cli.sources import ColumnOption, ImagesRootOption, source_of

if TYPE_CHECKING:
    from multimodal.types import Answer


def profile(
    bundle: BundleArgument,
    data: Annotated[Path, typer.Argument(help="Products as they usually come, labelled or not.")],
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a sentence.")] = False,
) -> None:
    """Answers usual products and keeps their shares in the manifest; the service tells drift against them.

    Training keeps those of the validation rows. Products of your own traffic tell sooner when it changes.

    \b
    Example:
      multimodal bundle profile artifacts/fashion last-week.parquet
    """
    from multimodal import load
    from multimodal.artifact import LAYOUT, read_manifest
    from multimodal.artifact.manifest import replace_manifest
    from multimodal.data import read_source, source_count
    from multimodal.serving.usual import profile_answers

    source = source_of(data, column, images_root)
    predictor = load(bundle)
    with progress("Answering", source_count(source)) as advance:
        answers = predictor.stream(read_source(source, labelled=False))
        found = profile_answers(_counted(answers, advance), predictor.inputs)
    replace_manifest(bundle / LAYOUT.manifest, read_manifest(bundle).model_copy(update={"profile": found}))
    if as_json:
        print_json(found.model_dump())
    else:
        said = f"{bundle}: keeps the profile of {found.rows:,} products."
        stdout().print(said, markup=False, soft_wrap=True)


def _counted(answers: Iterable[Answer], advance: Callable[[int], None]) -> Iterator[Answer]:
    for number, answer in enumerate(answers, 1):
        yield answer
        advance(number)

"""``multimodal tags``: what photos show: pattern tags, none, one or several, and attributes such as colour."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.answers import document, shown
from multimodal.cli.classify import finish
from multimodal.cli.console import print_json, progress, stdout
from multimodal.cli.sources import ColumnOption, ImagesRootOption, photo_of, source_of, tell_columns
from multimodal.errors import InputError
from multimodal.types import InputName, Product, RowError

if TYPE_CHECKING:
    from multimodal.serving import Predictor

_PHOTO: frozenset[InputName] = frozenset({"image"})


def tags(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    image: Annotated[Path | None, typer.Option(help="File of one photo.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--input", help="Parquet, CSV, JSON or JSON Lines with photos, or a folder of photos."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File to write: .parquet, .csv or .jsonl.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    batch_size: Annotated[int, typer.Option(min=1, max=4096, help="Photos at once.")] = 64,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
) -> None:
    """Reads tags and attributes from one photo, or from every photo of a file or a folder.

    \b
    Examples:
      multimodal tags artifacts/fashion --image photo.jpg
      multimodal tags artifacts/fashion --input photos/ --output tags.csv
      multimodal tags artifacts/fashion --input products.parquet --output tags.parquet
    """
    from multimodal import load

    if (image is None) == (source is None) or (source is None) != (output is None):
        raise InputError("expected either --image, or --input and --output together; see multimodal tags --help")
    if image is not None:
        _one(load(bundle, threads=threads), image, as_json)
        return
    from multimodal.data import source_count
    from multimodal.serving.files import check_output, classify_file
    from multimodal.serving.forms import form_of

    assert source is not None
    assert output is not None
    described = source_of(source, column, images_root)
    check_output(output, source)
    tell_columns(described)
    predictor = load(bundle, threads=threads)
    _check(predictor)
    manifest = predictor.manifest
    form = form_of("tags", [spec.name for spec in manifest.tags], [spec.name for spec in manifest.attributes])
    with progress("Reading photos", source_count(described)) as advance:
        report = classify_file(
            predictor,
            described,
            output,
            form=form,
            inputs=_PHOTO,
            repeated_ids=True,
            batch_size=batch_size,
            on_progress=advance,
        )
    finish(report, as_json)


def _one(predictor: Predictor, image: Path, as_json: bool) -> None:
    _check(predictor)
    (answer,) = predictor.classify([Product(image=photo_of(image))])
    if isinstance(answer, RowError):
        raise InputError(answer.message, code=answer.code)
    if as_json:
        told = document(predictor, answer)
        print_json({key: told[key] for key in ("model", "tags", "attributes", "warnings")})
        return
    stdout().print(shown(answer), markup=False, soft_wrap=True)


def _check(predictor: Predictor) -> None:
    if not predictor.manifest.tags and not predictor.manifest.attributes:
        raise InputError(
            f"the bundle {predictor.name!r} tells no tags and no attributes; expected one that was trained with the "
            "sections tags or attributes"
        )

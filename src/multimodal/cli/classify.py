"""``multimodal classify``: one product as a readable table, or a file in and a file out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.answers import document, print_answer
from multimodal.cli.console import leave, print_json, progress, stderr, stdout
from multimodal.cli.heat import draw_heat
from multimodal.cli.sources import ColumnOption, ImagesRootOption, photo_of, source_of, tell_columns
from multimodal.errors import InputError
from multimodal.options import DEFAULT_TOP_K, MAX_TOP_K, AnswerOptions, Decoding
from multimodal.types import Product, RowError, RuntimeName

if TYPE_CHECKING:
    from multimodal.serving.files import FileReport

_ONE = "One product"
_FILE = "A file of products"


def classify(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    title: Annotated[str | None, typer.Option(help="Title.", rich_help_panel=_ONE)] = None,
    description: Annotated[str | None, typer.Option(help="Description.", rich_help_panel=_ONE)] = None,
    characteristics: Annotated[
        str | None,
        typer.Option(help="As 'name: value | value / name: value'.", rich_help_panel=_ONE),
    ] = None,
    image: Annotated[Path | None, typer.Option(help="File of the photo.", rich_help_panel=_ONE)] = None,
    top_k: Annotated[int, typer.Option(min=1, max=MAX_TOP_K, help="How many suggestions.")] = DEFAULT_TOP_K,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="Go up the tree until a category is so probable; by default, until 95 % are right."
        ),
    ] = None,
    accuracy: Annotated[
        float | None,
        typer.Option(metavar="0.9|0.95|0.99", help="Go up the tree to where this share of the answers is promised."),
    ] = None,
    decoding: Annotated[
        Decoding, typer.Option(help="The leaf to start from: the likeliest, or the least far off on average.")
    ] = "argmax",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which words and characteristics (and parts of the photo) moved it.")
    ] = False,
    heat_map: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Draw where in the photo the answer comes from.", rich_help_panel=_ONE),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="Parquet, CSV, JSON or JSON Lines, a quoted pattern of parts, or a folder of photos.",
            rich_help_panel=_FILE,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="File to write: .parquet, .csv or .jsonl.", rich_help_panel=_FILE),
    ] = None,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    repeated_ids: Annotated[
        bool,
        typer.Option(
            "--repeated-ids",
            help="Answer rows whose id stood before, too; else they are errors.",
            rich_help_panel=_FILE,
        ),
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, max=4096, help="Products at once.", rich_help_panel=_FILE)] = 64,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
    runtime: Annotated[
        RuntimeName,
        typer.Option(help="What runs the photo graph of a file's products; openvino needs the extra of that name."),
    ] = "onnxruntime",
) -> None:
    """Finds the category of one product, or of every product of a file.

    \b
    Examples:
      multimodal classify artifacts/fashion --title "Women floral maxi dress" --image photo.jpg
      multimodal classify artifacts/fashion --image photo.jpg --top-k 5 --json
      multimodal classify artifacts/fashion --input products.parquet --output answers.csv
    """
    product = _product(title, description, characteristics, image)
    options = AnswerOptions(top_k, min_confidence, accuracy, decoding)
    if source is None and output is None:
        _one(bundle, product, options, explain, heat_map, as_json, threads)
        return
    if source is None or output is None or product is not None or heat_map is not None:
        raise InputError(
            "expected either one product (--title, --description, --characteristics, --image) "
            "with --heat-map or not, or a file (--input and --output together); see multimodal classify --help"
        )
    from multimodal import load
    from multimodal.data import source_count
    from multimodal.serving.files import check_output, classify_file

    described = source_of(source, column, images_root)
    check_output(output, source)
    tell_columns(described)
    predictor = load(bundle, threads=threads, runtime=runtime)
    with progress("Classifying", source_count(described)) as advance:
        report = classify_file(
            predictor,
            described,
            output,
            options=options,
            explain=explain,
            repeated_ids=repeated_ids,
            batch_size=batch_size,
            on_progress=advance,
        )
    finish(report, as_json)


def _product(
    title: str | None, description: str | None, characteristics: str | None, image: Path | None
) -> Product | None:
    if title is None and description is None and characteristics is None and image is None:
        return None
    photo = None if image is None else photo_of(image)
    return Product(title=title, description=description, characteristics=characteristics, image=photo)


def _one(
    bundle: Path,
    product: Product | None,
    options: AnswerOptions,
    explain: bool,
    heat_map: Path | None,
    as_json: bool,
    threads: int | None,
) -> None:
    if product is None:
        raise InputError(
            "got no product; expected one or more of --title, --description, --characteristics, --image, "
            "or --input and --output for a file"
        )
    from multimodal import load

    asked = explain or heat_map is not None
    predictor = load(bundle, threads=threads)
    (answer,) = predictor.stream([product], options, explain=asked, heat_maps=asked)
    if isinstance(answer, RowError):
        raise InputError(answer.message, code=answer.code)
    if heat_map is not None:
        from multimodal.image import ImageKitchen

        image = predictor.manifest.image
        if image is None:
            raise InputError(f"--heat-map {heat_map}: the bundle {predictor.name!r} looks at no photos; leave it out")
        draw_heat(heat_map, product, answer, ImageKitchen.from_manifest(image.kitchen))
    if not explain:
        answer = replace(answer, explanation=None)
    if as_json:
        print_json(document(predictor, answer))
    else:
        print_answer(stdout(), answer)


def finish(report: FileReport, as_json: bool) -> None:
    """Says what became of a file, and leaves with the exit code for it."""
    if as_json:
        print_json(report.to_dict())
    else:
        rate = report.rows / report.seconds if report.seconds > 0 else 0.0
        stdout().print(
            f"{report.rows:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s) -> {report.output}",
            markup=False,
            soft_wrap=True,
        )
    if report.repeated:
        told = "row has an id that stood" if report.repeated == 1 else "rows have ids that stood"
        stderr().print(f"{report.repeated:,} {told} before; --repeated-ids answers such rows too", style="yellow")
    leave(report.errors, report.errors_file, "failed")

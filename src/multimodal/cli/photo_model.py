"""``multimodal photo-model``: what a ready ONNX model with declared inputs and outputs says of photos."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multimodal.cli.console import leave, print_json, progress, stderr, stdout
from multimodal.cli.sources import ColumnOption, ImagesRootOption, source_of
from multimodal.errors import ImageError, InputError
from multimodal.types import ImageRef, Product, RowError

if TYPE_CHECKING:
    from multimodal.artifact.photo_model import PhotoModel

_BATCH = 64
_TOP = 5


def photo_model(
    model: Annotated[Path, typer.Argument(help="Folder with photo_model.json and the graph it names.")],
    image: Annotated[Path | None, typer.Option(help="File of one photo.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--input", help="Parquet, CSV, JSON or JSON Lines with photos, or a folder of photos."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON Lines to write: every output of every photo.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
) -> None:
    """Runs any ONNX model over photos; docs/photos.md shows how to declare one.

    \b
    Examples:
      python -m multimodal.export.fashionnet out/fashionnet --width 0.25
      multimodal photo-model out/fashionnet --image docs/dress.jpg
      multimodal photo-model out/fashionnet --input photos/ --output scores.jsonl
    """
    from multimodal.artifact.photo_model import PhotoModel

    if (image is None) == (source is None) or (source is None) != (output is None):
        raise InputError("expected either --image, or --input and --output together; see multimodal photo-model --help")
    opened = PhotoModel(model, threads=threads)
    stderr().print(f"{opened.spec.name}, weights: {opened.spec.weights}", markup=False, soft_wrap=True)
    if image is not None:
        (found,) = opened.read([ImageRef(path=str(image), name=image.name)])
        if isinstance(found, ImageError):
            raise InputError(found.message, code=found.code)
        told = {name: _told(opened, name, values) for name, values in found.items()}
        if as_json:
            print_json(told)
        else:
            _print(told)
        return
    assert source is not None
    assert output is not None
    _file(opened, source, output, column, images_root)


def _file(
    model: PhotoModel, source: Path, output: Path, column: list[str] | None, images_root: Path | None
) -> None:
    from multimodal.data import read_source, source_count
    from multimodal.data.errors_file import ErrorsFile
    from multimodal.serving.files import check_output
    from multimodal.serving.writers import errors_path, whole

    if output.suffix.lower() != ".jsonl":
        raise InputError(f"{output}: got the suffix {output.suffix!r}, expected .jsonl; outputs are lists")
    check_output(output, source)
    described = source_of(source, column, images_root)
    items = enumerate(read_source(described, labelled=False, unique=False))
    done = 0
    with (
        progress("Reading photos", source_count(described)) as advance,
        whole(output) as part,
        ErrorsFile(errors_path(output)) as errors,
        part.open("w", encoding="utf-8") as stream,
    ):
        while batch := list(islice(items, _BATCH)):
            for row, answer in _answers(model, batch):
                if isinstance(answer, RowError):
                    errors.write([answer])
                    line: dict[str, Any] = {"id": answer.id, "row": row, "error": f"{answer.code}: {answer.message}"}
                else:
                    line = answer
                stream.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
            advance(done := done + len(batch))
    stdout().print(f"{done:,} rows -> {output}", markup=False, soft_wrap=True)
    leave(errors.count, errors.path if errors.count else None, "failed")


def _answers(
    model: PhotoModel, batch: Sequence[tuple[int, Product | RowError]]
) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    """One answer, or error, for each row of a batch, in order."""
    photos = [item.image for _, item in batch if isinstance(item, Product) and item.image is not None]
    found = model.read(photos)
    for row, item in batch:
        if isinstance(item, RowError):
            yield row, item
        elif item.image is None:
            yield row, RowError(item.id, row, "image", "no_photo", "got no photo, expected one; leave the row out")
        else:
            outputs = next(found)
            if isinstance(outputs, ImageError):
                yield row, RowError(item.id, row, "image", outputs.code, outputs.message)
            else:
                values = {name: [round(float(v), 5) for v in one] for name, one in outputs.items()}
                yield row, {"id": item.id, "row": row, **values}


def _told(model: PhotoModel, name: str, values: Any) -> list[Any]:
    """The best places of scores with their probabilities; other values as they are."""
    output = model.spec.outputs[name]
    if output.kind == "values":
        return [round(float(value), 4) for value in values]
    best = values.argsort()[::-1][:_TOP]
    return [{"name": output.place(int(i)), "probability": round(float(values[i]), 4)} for i in best]


def _print(told: dict[str, list[Any]]) -> None:
    for name, values in told.items():
        shown = (f"{v['name']} {v['probability']:.1%}" if isinstance(v, dict) else f"{v}" for v in values)
        stdout().print(f"{name}: {', '.join(shown)}", markup=False, soft_wrap=True)

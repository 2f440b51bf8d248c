"""``multimodal evaluate``: the figures of a bundle on labelled data; needs no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from multimodal.cli.console import DONE, ROWS_FAILED, print_json, progress, stderr
from multimodal.cli.evaluate_labels import label_figures, print_labels
from multimodal.cli.evaluate_plan import check_out, check_plan
from multimodal.cli.evaluate_report import write_pages
from multimodal.cli.evaluate_tables import print_tables
from multimodal.cli.sources import (
    CategoryMapOption,
    ColumnOption,
    ImagesRootOption,
    plain_name,
    source_of,
    tell_columns,
)
from multimodal.errors import DataError, InputError, nearest
from multimodal.types import INPUTS, InputName, Product, RowError

if TYPE_CHECKING:
    from multimodal.config.models import SourceConfig
    from multimodal.serving import Predictor
    from multimodal.serving.evaluate import Evaluation
    from multimodal.serving.saved import SavedAnswers


class Half(StrEnum):
    """The halves of a validation split."""

    select = "select"
    calibrate = "calibrate"


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    data: Annotated[Path, typer.Argument(help="Labelled parquet, CSV, JSON or JSON Lines, or a folder of photos.")],
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
    against: Annotated[
        Path | None,
        typer.Option(help="Another bundle, or saved predictions (id, category_id), to compare with row by row."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Figures for each value of this column.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report with tables and plots into this folder.")] = None,
    history: Annotated[
        Path | None, typer.Option(help="Work folder of the training run, for its curves in the report.")
    ] = None,
    errors: Annotated[
        Path | None, typer.Option(help="Write the mistakes there, most confident first: .csv, .parquet or .jsonl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON there too.")] = None,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    category_map: CategoryMapOption = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
) -> None:
    """Measures a bundle on labelled products: accuracy, F1, hierarchical F1 and calibration by head.

    \b
    Examples:
      multimodal evaluate artifacts/fashion data/fashion_products/val.parquet
      multimodal evaluate artifacts/fashion val.parquet --inputs title,image --mask-title-words
      multimodal evaluate artifacts/fashion val.parquet --report report/ --errors mistakes.csv
      multimodal evaluate artifacts/fashion val.parquet --against artifacts/older --by brand
      multimodal evaluate artifacts/fashion val.parquet --json --out figures.json
    """
    from multimodal import load
    from multimodal.data import read_source, source_count
    from multimodal.data.reasons import TEXT_ALONE, by_code
    from multimodal.serving.against import check_categories, check_tree
    from multimodal.serving.evaluate import evaluate as run
    from multimodal.serving.slices import column_values

    seen = _inputs(inputs)
    source = source_of(data, column, images_root, category_map)
    unmeasured = Path(f"{plain_name(data) if out is None else out}.errors.csv")
    check_out(out)
    check_plan(source, report=report, history=history, errors=errors, unmeasured=unmeasured)
    values = None if by is None else column_values(source, by)
    saved, peer = _saved(against), _peer(against, threads)
    predictor = load(bundle, threads=threads)
    if saved is not None:
        check_categories(saved.path.name, saved.category_ids, predictor.tree)
    if peer is not None:
        check_tree(str(against), peer.tree, predictor.tree)
    keep = None if half is None else _in_half(half)
    found = None
    photos_alone = _labels_alone(source, predictor)
    tell_columns(source, labelled=not photos_alone)
    if photos_alone:
        _refuse_more(by=by, against=against, errors=errors, inputs=inputs, mask_title_words=mask_title_words or None)
    else:
        with progress("Evaluating", source_count(source)) as advance:
            found = run(
                predictor,
                read_source(source, labelled=True),
                inputs=seen,
                mask_title_words=mask_title_words,
                keep=keep,
                against=peer,
                against_name="" if peer is None else f"{peer.name} {peer.version}",
                on_progress=advance,
            )
    told = label_figures(predictor, source, keep)
    lost = () if told is None else told.errors
    if told is not None and not len(told.rows):
        if found is None:
            raise DataError(f"none of {len(lost):,} photos could be read, expected one; the first: {lost[0].message}")
        told = None
    document: dict[str, Any] = {"model": _model(predictor), **({"split_half": half.value} if half else {})}
    document |= found.to_dict() if found else {"rows": 0 if told is None else len(told.rows), "inputs": ["image"]}
    document |= {} if told is None else {"tags": told.tag_document(), "attributes": told.attribute_document()}
    if found is None and told is None:
        raise DataError(
            "got neither categories nor a photo of which a tag or an attribute is known, expected one of them; name "
            "their columns, with --column category_id=… for instance"
        )
    if found is not None:
        document |= _more(found, predictor, saved)
    if found is not None and by is not None and values is not None:
        document["by"] = {"column": by, "values": _slices(found, values, predictor)}
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print_json(document)
    else:
        if found is not None:
            print_tables(document)
        print_labels(document)
    if found is not None and errors is not None:
        _write_mistakes(found, predictor, errors)
    if report is not None:
        index = write_pages(report, document, found, told, predictor, source, data=data.name, history=history)
        _say(f"the report is {index}")
    if found is not None:
        for line in by_code(found.photos_left_out, TEXT_ALONE):
            _say(line, style="yellow")
    _finish(unmeasured, () if found is None else found.errors, lost)


def _in_half(half: Half) -> Callable[[Product, int], bool]:
    from multimodal.data import split_half

    return lambda product, row: split_half(product, row) == half.value


def _labels_alone(source: SourceConfig, predictor: Predictor) -> bool:
    """Whether the data tells tags or attributes that the bundle knows, and no categories."""
    from multimodal.serving.label_figures import has_categories, with_labels

    manifest = predictor.manifest
    if not manifest.tags and not manifest.attributes:
        return False
    return not has_categories(source) and with_labels(source, manifest) is not None


def _refuse_more(**asked: object) -> None:
    """Without categories there are figures of tags and attributes alone."""
    given = [f"--{name.replace('_', '-')}" for name, value in asked.items() if value is not None]
    if given:
        raise InputError(
            f"{', '.join(given)}: got data without categories, expected them for this; name their column with "
            "--column category_id=…, or leave the option out"
        )


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


def _saved(against: Path | None) -> SavedAnswers | None:
    """The saved predictions to compare with, read and checked before any work; None for a bundle."""
    if against is None or against.is_dir():
        return None
    if not against.is_file():
        raise InputError(f"--against {against}: no such file or folder; expected a bundle or saved predictions")
    from multimodal.serving.saved import read_answers

    return read_answers(against)


def _peer(against: Path | None, threads: int | None) -> Predictor | None:
    """The bundle to compare with; None for saved predictions."""
    if against is None or not against.is_dir():
        return None
    from multimodal import load

    return load(against, threads=threads)


def _model(predictor: Predictor) -> dict[str, str]:
    """Which bundle was measured, down to its bytes."""
    from multimodal.artifact import bundle_sha256

    return {
        "name": predictor.name,
        "version": predictor.version,
        "tree_version": predictor.tree.version,
        "created": predictor.manifest.created,
        "sha256": bundle_sha256(predictor.manifest),
    }


def _more(found: Evaluation, predictor: Predictor, saved: SavedAnswers | None) -> dict[str, Any]:
    """What the document holds beyond the heads' figures."""
    from multimodal.evaluation import level_metrics
    from multimodal.serving.against import compare

    measured, tree = found.measured, predictor.tree
    levels = {
        head: [level.to_dict() for level in level_metrics(probs, labels, tree)]
        for head, probs, labels in measured.by_head()
    }
    peer = measured.peer if saved is None else saved.of(measured)
    return {"levels": levels, **({} if peer is None else {"against": compare(measured, peer, tree).to_dict()})}


def _slices(found: Evaluation, values: Sequence[str | None], predictor: Predictor) -> list[dict[str, Any]]:
    from multimodal.serving.slices import slices

    return [part.to_dict() for part in slices(found.measured, values, predictor.tree)]


def _write_mistakes(found: Evaluation, predictor: Predictor, errors: Path) -> None:
    from multimodal.serving.mistakes import find_mistakes, write_mistakes

    mistakes = find_mistakes(found.measured, predictor.tree)
    write_mistakes(errors, mistakes)
    _say(f"{len(mistakes):,} mistakes are in {errors}")


def _finish(unmeasured: Path, *found: Sequence[RowError]) -> None:
    """Lists every row that some figure lacks, once; exits 1 where there are any."""
    by_row = {error.row: error for errors in reversed(found) for error in errors}
    if not by_row:
        raise typer.Exit(DONE)
    from multimodal.data.errors_file import write_errors

    write_errors([by_row[row] for row in sorted(by_row)], unmeasured)
    _say(f"{len(by_row):,} rows could not be evaluated; they are in {unmeasured}", style="yellow")
    raise typer.Exit(ROWS_FAILED)


def _say(text: str, style: str | None = None) -> None:
    stderr().print(text, style=style, markup=False, soft_wrap=True)

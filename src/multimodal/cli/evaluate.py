"""``multimodal evaluate``: the figures of a bundle on labelled data; needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from multimodal.cli.console import DONE, ROWS_FAILED, print_json, progress, stderr
from multimodal.cli.evaluate_tables import print_tables
from multimodal.cli.sources import ColumnOption, ImagesRootOption, plain_name, source_of
from multimodal.errors import InputError, nearest
from multimodal.types import INPUTS, InputName

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
      multimodal evaluate artifacts/fashion val.parquet --report report/ --errors mistakes.csv
      multimodal evaluate artifacts/fashion val.parquet --against artifacts/older --by brand
      multimodal evaluate artifacts/fashion val.parquet --json --out figures.json
    """
    from multimodal import load
    from multimodal.data import read_source, source_count, split_half
    from multimodal.serving.against import check_categories
    from multimodal.serving.evaluate import evaluate as run
    from multimodal.serving.slices import column_values

    seen = _inputs(inputs)
    source = source_of(data, column, images_root, category_map)
    unmeasured = Path(f"{plain_name(data) if out is None else out}.errors.csv")
    _check_out(out)
    _check_plan(source, report=report, history=history, errors=errors, unmeasured=unmeasured)
    values = None if by is None else column_values(source, by)
    saved, peer = _saved(against), _peer(against, threads)
    predictor = load(bundle, threads=threads)
    if saved is not None:
        check_categories(saved.path.name, saved.category_ids, predictor.tree)
    with progress("Evaluating", source_count(source)) as advance:
        found = run(
            predictor,
            read_source(source, labelled=True),
            inputs=seen,
            mask_title_words=mask_title_words,
            keep=None if half is None else lambda product, row: split_half(product, row) == half.value,
            against=peer,
            against_name="" if peer is None else f"{peer.name} {peer.version}",
            on_progress=advance,
        )
    document = {"model": _model(predictor), **({"split_half": half.value} if half else {}), **found.to_dict()}
    document |= _more(found, predictor, saved)
    if by is not None and values is not None:
        document["by"] = {"column": by, "values": _slices(found, values, predictor)}
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print_json(document)
    else:
        print_tables(document)
    _write(found, predictor, document, data, report, history, errors)
    _finish(found, unmeasured)


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


def _check_out(out: Path | None) -> None:
    """Refuses a place for the figures that cannot be written, before minutes of work."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"--out {out}: got a folder, expected a file for the figures, as {out / 'figures.json'}")
    blocking = next((folder for folder in out.parents if folder.exists() and not folder.is_dir()), None)
    if blocking is not None:
        raise InputError(f"--out {out}: {blocking} is a file, expected a folder; name another place")


def _check_plan(
    source: SourceConfig,
    *,
    report: Path | None,
    history: Path | None,
    errors: Path | None,
    unmeasured: Path,
) -> None:
    """What would fail after minutes of work fails now."""
    if errors is not None:
        from multimodal.serving.files import check_output

        check_output(errors, source.path)
        if errors.absolute() == unmeasured.absolute():
            raise InputError(f"--errors {errors}: rows that cannot be measured are listed there; choose another name")
    if history is not None and report is None:
        raise InputError(f"--history {history}: got no --report, whose plots it is for; add --report FOLDER")
    if report is not None:
        from multimodal.report import check_report

        check_report(report, history)


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


def _write(
    found: Evaluation,
    predictor: Predictor,
    document: dict[str, Any],
    data: Path,
    report: Path | None,
    history: Path | None,
    errors: Path | None,
) -> None:
    """The mistakes and the report, where they were asked for."""
    if errors is not None:
        from multimodal.serving.mistakes import find_mistakes, write_mistakes

        mistakes = find_mistakes(found.measured, predictor.tree)
        write_mistakes(errors, mistakes)
        _say(f"{len(mistakes):,} mistakes are in {errors}")
    if report is not None:
        from multimodal.report import write_report

        index = write_report(report, found.measured, predictor.tree, document, data=data.name, history=history)
        _say(f"the report is {index}")


def _finish(found: Evaluation, unmeasured: Path) -> None:
    if not found.errors:
        raise typer.Exit(DONE)
    from multimodal.serving.writers import write_errors

    write_errors(unmeasured, found.errors)
    _say(f"{len(found.errors):,} rows could not be evaluated; they are in {unmeasured}", style="yellow")
    raise typer.Exit(ROWS_FAILED)


def _say(text: str, style: str | None = None) -> None:
    stderr().print(text, style=style, markup=False, soft_wrap=True)

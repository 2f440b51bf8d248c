"""``multimodal train``: a configuration in, a bundle out. The only command that needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.console import ROWS_FAILED, progress, stdout
from multimodal.cli.training import needs_train_extra, tell_rejected

if TYPE_CHECKING:
    from multimodal.config.models import PredictConfig, RunConfig


def train(
    config: Annotated[Path, typer.Argument(help="YAML configuration; see the folder configs.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace one value; may be repeated."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Go on from a run that was stopped, or start over."),
    ] = True,
) -> None:
    """Trains a model and writes its bundle.

    Rows that cannot be used are left out and listed in the run's folder; the exit code is 1 then.

    \b
    Examples:
      multimodal train configs/fashion.yaml
      multimodal train out/config.yaml --set image.epochs=3 --set training.seed=2
      multimodal train configs/fashion.yaml --fresh
    """
    from multimodal.config import load_config

    run = load_config(config, overrides or ())
    with needs_train_extra("train"):
        from multimodal.export.run import train as train_bundle
    for wanted in run.predict:
        check_plan(wanted, run)
    bundle = train_bundle(run, resume=resume)
    console = stdout()
    failed = sum(_predict(bundle, wanted) for wanted in run.predict) + _rejected(bundle, run)
    console.print(f"Wrote the bundle {bundle}. Next:", markup=False, soft_wrap=True)
    for command in (f"bundle inspect {bundle}", f"evaluate {bundle} DATA", f"serve {bundle}"):
        console.print(f"  multimodal {command}", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(ROWS_FAILED)


def _rejected(bundle: Path, run: RunConfig) -> int:
    """Says where the rows are that could not be trained on; how many there are."""
    from multimodal.artifact import read_manifest

    work, rejected = Path(run.work_dir) / run.name, read_manifest(bundle).provenance["rejected"]
    return tell_rejected({str(work / f"{name}.rejected.csv"): rows for name, rows in rejected.items()})


def check_plan(wanted: PredictConfig, run: RunConfig) -> None:
    """What would fail after the training fails before it.

    Raises:
        InputError: an output that cannot be written, or tags and attributes that do not fit its form.
        DataError: a source that cannot be read as described.
    """
    from multimodal.data import open_reader
    from multimodal.serving.files import check_output
    from multimodal.serving.forms import form_of

    check_output(Path(wanted.output), wanted.input.path)
    tags = run.tags.names if run.tags else ()
    form_of(wanted.form, tags, [name for name, how in run.attributes.items() if how.answered])
    open_reader(wanted.input, labelled=False)


def _predict(bundle: Path, wanted: PredictConfig) -> int:
    """Answers the products of one source; how many rows have no answer."""
    from multimodal import load
    from multimodal.data import source_count
    from multimodal.serving.files import answer_asked

    predictor = load(bundle)
    with progress("Classifying", source_count(wanted.input)) as advance:
        report = answer_asked(predictor, wanted, advance)
    listed = f", {report.errors:,} without an answer, see {report.errors_file}" if report.errors else ""
    stdout().print(f"{report.rows:,} rows -> {report.output}{listed}", markup=False, soft_wrap=True)
    return report.errors

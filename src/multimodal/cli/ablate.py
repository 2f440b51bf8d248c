"""``multimodal ablate``: what each part of a configuration brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.console import ROWS_FAILED, print_json, stdout
from multimodal.cli.numbers import whole_numbers
from multimodal.cli.training import needs_train_extra, tell_rejected

if TYPE_CHECKING:
    from multimodal.evaluation.ablation import Line


def ablate(
    config: Annotated[Path, typer.Argument(help="YAML configuration, as for multimodal train.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace one value; may be repeated."),
    ] = None,
    variants: Annotated[
        str | None, typer.Option(help="Which to measure, by name and comma; all that say something by default.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, by comma; intervals take two or more.")] = "1,2,3",
    output: Annotated[
        Path, typer.Option(help="Folder for ablation.md, .csv and .png, and for the checkpoints to go on from.")
    ] = Path("ablation"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Trains a configuration with parts left out and tables what that costs, on its validation rows.

    Text only, photo only and both; the fusion MLP and the log-score mix alone; without modality dropout, auxiliary
    losses, out-of-fold text and characteristics; with lemmas the other way. Towers are trained once a seed and again
    only where a variant changes them. A run that was stopped goes on where it was. The exit code is 1 where rows
    could not be used; they are left out and listed.

    \b
    Examples:
      multimodal ablate configs/fashion.yaml --set image.epochs=2 --set data.train.0.share=0.33
      multimodal ablate out/config.yaml --variants text,image,log-mix --seeds 1
    """
    from dataclasses import asdict

    from multimodal.config import load_config
    from multimodal.evaluation.ablation import summarise_outcomes
    from multimodal.report.ablation import write_ablation
    from multimodal.report.style import require_matplotlib

    require_matplotlib()
    run = load_config(config, overrides or ())
    chosen = whole_numbers("--seeds", seeds)
    with needs_train_extra("ablate"):
        from multimodal.export.ablate import ablate as measure
        from multimodal.export.variants import WHOLE, variants_of
    asked = variants_of(run, () if variants is None else tuple(name.strip() for name in variants.split(",")))
    outcomes = measure(run, asked, chosen, output)
    lines = summarise_outcomes(outcomes, WHOLE)
    labels = {variant.name: variant.label for variant in asked}
    page = write_ablation(output, outcomes, lines, labels)
    if as_json:
        print_json({"rows": [asdict(one) for one in outcomes], "lines": [asdict(line) for line in lines]})
    else:
        console = stdout()
        console.print(_table(lines, labels))
        beside = " and ".join(page.with_suffix(kind).name for kind in (".csv", ".png"))
        console.print(f"Wrote {page}, {beside}", markup=False)
    if tell_rejected({file: rows for one in outcomes for file, rows in one.rejected.items()}):
        raise typer.Exit(ROWS_FAILED)


def _table(lines: tuple[Line, ...], labels: dict[str, str]) -> object:
    from rich.table import Table

    table = Table(title="What each part brings, on validation rows")
    table.add_column("")
    table.add_column("sees")
    for name in ("top-1", "hF1", "NLL", "ECE", "against the whole"):
        table.add_column(name, justify="right")
    for line in lines:
        cells = [f"{line.figures[key].mean:.4f}" for key in ("top1", "hf1", "nll", "ece")]
        away = "" if line.difference is None else f"{100 * line.difference.mean:+.2f}"
        table.add_row(labels[line.variant], line.mix.replace("image", "photo"), *cells, away)
    return table

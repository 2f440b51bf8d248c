"""``multimodal train``: a configuration in, a bundle out. The only command that needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from multimodal.cli.console import stdout
from multimodal.errors import MissingExtraError


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

    \b
    Examples:
      multimodal train configs/fashion.yaml
      multimodal train out/config.yaml --set image.epochs=3 --set training.seed=2
      multimodal train configs/fashion.yaml --fresh
    """
    from multimodal.config import load_config

    run = load_config(config, overrides or ())
    try:
        from multimodal.export.run import train as train_bundle
    except MissingExtraError:
        raise
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "multimodal":
            raise  # a fault of ours, not a missing dependency
        raise MissingExtraError("train", feature="`multimodal train`") from error
    bundle = train_bundle(run, resume=resume)
    console = stdout()
    console.print(f"Wrote the bundle {bundle}. Next:", markup=False, soft_wrap=True)
    for command in (f"bundle inspect {bundle}", f"evaluate {bundle} DATA", f"serve {bundle}"):
        console.print(f"  multimodal {command}", markup=False, soft_wrap=True)

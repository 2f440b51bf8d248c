"""The command line's entrance: ``multimodal``. Each command lives in a module of its own."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from multimodal.cli import (
    ablate,
    bench,
    bundle,
    bundle_calibrate,
    bundle_diff,
    bundle_profile,
    classify,
    data,
    evaluate,
    feedback,
    photo_model,
    sample,
    serve,
    tags,
    train,
)
from multimodal.cli.console import BAD_INPUT, print_error
from multimodal.errors import MultimodalError

app = typer.Typer(
    name="multimodal",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 some rows failed (see the errors file), 2 bad usage or input.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"multimodal {version('multimodal')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Finds the category of a product from its title, characteristics and photo.

    \b
    A first look, with no data of your own:
      multimodal classify artifacts/fashion --title "Women floral maxi dress"
      multimodal serve artifacts/fashion
    """


app.command("train")(train.train)
app.command("ablate")(ablate.ablate)
app.command("evaluate")(evaluate.evaluate)
app.command("classify")(classify.classify)
app.command("tags")(tags.tags)
app.command("photo-model")(photo_model.photo_model)
bundle.app.command("calibrate")(bundle_calibrate.calibrate)
bundle.app.command("diff")(bundle_diff.diff)
bundle.app.command("profile")(bundle_profile.profile)
app.add_typer(bundle.app, name="bundle")
app.add_typer(data.app, name="data")
app.add_typer(feedback.app, name="feedback")
app.command("sample")(sample.sample)
app.command("serve")(serve.serve)
app.command("bench")(bench.bench)


def main() -> None:
    """Runs the command line; an error raised on purpose is one red line and exit code 2."""
    try:
        app()
    except MultimodalError as error:
        print_error(error)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()

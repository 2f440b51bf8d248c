"""``multimodal bundle calibrate``: probabilities and promises fitted to other rows, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from multimodal.cli.bundle import BundleArgument
from multimodal.cli.console import leave, stderr, stdout
from multimodal.cli.sources import CategoryMapOption, ColumnOption, ImagesRootOption, plain_name, source_of
from multimodal.cli.training import needs_train_extra


def calibrate(
    bundle: BundleArgument,
    data: Annotated[Path, typer.Argument(help="Labelled products that the bundle was not trained on.")],
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
    category_map: CategoryMapOption = None,
    learn: Annotated[
        Path | None,
        typer.Option(
            help="Labelled products, such as those of the training, to learn from what titles say that name no "
            "category; columns and map as for DATA."
        ),
    ] = None,
    second_look: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Look again, mirrored and smaller, at photos that come without text and whose likeliest category has "
            "less than this probability before calibration (0.7 say); 0 never does. As it was by default.",
        ),
    ] = None,
) -> None:
    """Fits what a bundle says of its own answers to other products: probabilities, promises, candidates, routes.

    Probabilities are honest for products like those they were fitted to. Give a few thousand labelled products of your
    own; half of them choose, the others calibrate. The graphs stay as they are; the manifest is replaced at once, and
    its figures and its profile (what drift is told against) are those of these products from then on. Rows that could
    not be used are listed in DATA.errors.csv, and the exit code is 1.

    \b
    Examples:
      multimodal bundle calibrate out/ours labelled-last-month.parquet
      multimodal bundle calibrate out/ours labelled-last-month.parquet --learn train.parquet
      multimodal bundle calibrate out/ours labelled-last-month.parquet --second-look 0.7
    """
    from multimodal.config.load import refuse_test_source

    with needs_train_extra("bundle calibrate"):
        from multimodal.export.recalibrate import recalibrate
        from multimodal.training.rejected import report_rejected, tell_left_out, tell_rejected
    source = source_of(data, column, images_root, category_map)
    texts = [] if learn is None else [source_of(learn, column, images_root, category_map)]
    for one in (source, *texts):
        refuse_test_source(one, "")
    with stderr().status("Reading and calibrating"):
        fitted = recalibrate(bundle, [source], texts, second_look)
    fitted.write(bundle)
    rows = fitted.rows
    tell_left_out(rows.photos_left_out)
    if fitted.learned is not None:
        gain = "" if fitted.head is not None else "; titles that name no category are answered no better for it"
        told = f"{bundle}: learned from {len(fitted.learned):,} titles{gain}."
        stdout().print(told, markup=False, soft_wrap=True)
        tell_rejected(fitted.learned.rejected)
    stdout().print(f"{bundle}: calibrated on {len(rows):,} products.", markup=False, soft_wrap=True)
    twice = fitted.manifest.metrics["val"].get("image", {}).get("looked_at_twice")
    if twice is not None:
        told = f"{bundle}: {twice:.1%} of the photos, by themselves, leave doubt and are looked at twice."
        stdout().print(told, markup=False, soft_wrap=True)
    unused = Path(f"{plain_name(data)}.errors.csv") if rows.rejected else None
    if unused is not None:
        report_rejected(rows.rejected, unused)
    leave(len(rows.rejected), unused, "could not be used")

"""What each part of the photo recipe brings: short trainings that differ in one thing.

    python benchmarks/photo_ablation.py --weights ../shared/weights/mobilenetv2_100_imagenet.safetensors --json out.json
    python benchmarks/photo_ablation.py --variants recipe "no augmentation" --share 0.1 --epochs 1      # quick

Each variant is trained by the photo stage of ``multimodal train`` on a share of the training rows and exported;
accuracy is the bundle's on all validation photos. Where ``clothes_phone`` is beside the data, the photos taken
with phones are answered too. Results are kept in the file named by --json after every variant, so a killed run
goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from command import printed
from multimodal.artifact import open_bundle
from multimodal.config import load_config
from multimodal.config.models import ColumnMap, ImageConfig, RunConfig, SourceConfig
from multimodal.errors import ConfigError
from photo_rows import PHONE, phone_photos
from records import Records, portable
from short_training import train_photos

PHONE_ROWS = "with phone photos"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "recipe": {},
    "no augmentation": {"augment": {"strength": 0.0}},
    "augmentation twice as strong": {"augment": {"strength": 0.9}},
    PHONE_ROWS: {},
    "no words of titles": {"caption_words": 0},
    "no average of weights (EMA)": {"ema": 0.0},
    "random start": {"weights": "none"},
    "80x60": {"size": (80, 60)},
    "144x108": {"size": (144, 108)},
}
"""Name -> what differs from the recipe's photo section."""
_HEADINGS = ("variant", "top-1", "top-2", "NLL", "phones")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet and prints the table; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Trains and measures every variant that the results lack.

    Returns:
        The table.
    """
    base = load_config(options.config, options.set)
    if base.image is None:
        raise ConfigError(f"{options.config}: image: got null, expected the section of a photo tower")
    recipe = base.image.model_copy(update={"epochs": options.epochs, "patience": options.epochs, "rounded_epochs": 0})
    if options.weights is not None:
        recipe = recipe.model_copy(update={"weights": options.weights})
    told = recipe.model_dump(mode="json") | {"weights": portable(recipe.weights)}
    asked = {"share": options.share, "seed": options.seed}
    records = Records(options.json, {"data": options.data.name, "recipe": told | asked}, ("variant",))
    rows = records.measured(
        options.variants, lambda variant: measure(base, variant_of(recipe, variant), variant, options)
    )
    return markdown(rows, records.settings)


def variant_of(recipe: ImageConfig, variant: str) -> ImageConfig:
    """The recipe with what a variant changes."""
    changes = dict(VARIANTS[variant])
    if "augment" in changes:
        changes["augment"] = recipe.augment.model_dump() | changes["augment"]
    return ImageConfig.model_validate(recipe.model_dump() | changes)


def measure(base: RunConfig, image: ImageConfig, variant: str, options: argparse.Namespace) -> dict[str, Any]:
    """Trains one variant to a bundle and measures that."""
    from multimodal import load

    phone = options.data.parent / PHONE
    more = [_phone_source(phone)] if variant == PHONE_ROWS else []
    folder = options.work / options.data.name / variant.replace(" ", "-")
    bundle, seconds = train_photos(base, image, options, folder, more)
    manifest = open_bundle(bundle).manifest
    answer = manifest.metrics["val"]["image"]["answer"]
    return {
        "train_rows": manifest.provenance["rows"]["train"],
        "val_rows": answer["rows"],
        **{key: answer[key] for key in ("top1", "top2", "nll")},
        "phones": phone_photos(load(bundle), phone)["right"] if phone.is_dir() else None,
        "epoch_seconds": seconds,
    }


def markdown(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The table a person reads, in the order asked for."""
    recipe = settings["recipe"]
    lines = [
        f"{settings['data']}: {recipe['share']:.0%} of the training rows, {recipe['epochs']} epochs of "
        f"{recipe['backbone']} at {recipe['size'][0]}×{recipe['size'][1]} from {recipe['weights']}, "
        f"{rows[0]['val_rows']:,} validation photos. Phones: share of {PHONE}'s validation photos whose answer is at "
        "or below a category that the label stands for.",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        phones = "–" if row["phones"] is None else f"{row['phones']:.4f}"
        lines.append(f"| {row['variant']} | {row['top1']:.4f} | {row['top2']:.4f} | {row['nll']:.4f} | {phones} |")
    return "\n".join(lines)


def _phone_source(folder: Path) -> SourceConfig:
    """Phone photos whose label stands for one leaf; the others are left out and reported as rejected."""
    return SourceConfig(
        path=str(folder / "train.parquet"),
        columns=ColumnMap(category_id="label"),
        category_map=str(folder / "label_to_nodes.csv"),
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "fashion_products", help="folder of one data set")
    parser.add_argument("--config", type=Path, default=Path("configs/fashion.yaml"), help="whose photo recipe to use")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change its recipe")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME",
                        help="; ".join(VARIANTS))  # fmt: skip
    parser.add_argument("--weights", help="what the photo tower starts from, in the place of the recipe's")
    parser.add_argument("--share", type=float, default=1 / 3, help="of the training rows, by group")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/photo_ablation"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every variant; a later run goes on")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

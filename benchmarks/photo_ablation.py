"""What each part of the photo recipe brings: short trainings that differ in one thing.

    python benchmarks/photo_ablation.py --weights ../shared/weights/mobilenetv2_100_imagenet.safetensors --json out.json
    python benchmarks/photo_ablation.py --variants recipe "no augmentation" --share 0.1 --epochs 1      # quick

Each variant is trained by the photo stage of ``multimodal train`` on a share of the training rows and exported;
accuracy is the bundle's on all validation photos. Beside it stand how many parameters learn, the bundle's size and
the seconds of an epoch, which depend on the machine and on what else it does.

Where ``clothes_phone`` is beside the data, the photos taken
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
from multimodal.config.models import ColumnMap, ImageConfig, PhotoSources, RunConfig, SourceConfig
from multimodal.errors import ConfigError
from photo_rows import PHONE, phone_photos
from records import Records, portable
from short_training import train_photos, unseen

PHONE_ROWS = "with phone photos"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "recipe": {},
    "no augmentation": {"augment": {"strength": 0.0}},
    "augmentation twice as strong": {"augment": {"strength": 0.9}},
    PHONE_ROWS: {},
    "no words of titles": {"caption_words": 0},
    "no average of weights (EMA)": {"ema": 0.0},
    "half the backbone frozen": {"frozen": 0.5},
    "backbone frozen": {"frozen": 1.0},
    "rates by layer": {"layer_decay": 0.8},
    "random start": {"weights": "none"},
    "80x60": {"size": (80, 60)},
    "160x120": {"size": (160, 120)},
}
"""Name -> what differs from the recipe's photo section."""
_HEADINGS = ("variant", "top-1", "top-2", "NLL", "phones", "learns, M", "MB", "s an epoch")


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
    short = {"epochs": options.epochs, "patience": options.epochs, "rounded_epochs": 0, "early_epochs": 0}
    recipe = unseen(base.image, options.weights)
    recipe = recipe.model_copy(update={**short, "mirror": False, "size": tuple(options.size)})
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
    beside = PhotoSources(train=(_phone_source(phone),)) if variant == PHONE_ROWS else PhotoSources()
    folder = options.work / options.data.name / variant.replace(" ", "-")
    bundle, seconds = train_photos(base, image, options, folder, beside)
    manifest = open_bundle(bundle).manifest
    answer = manifest.metrics["val"]["image"]["answer"]
    return {
        "train_rows": manifest.provenance["rows"]["train"],
        "val_rows": answer["rows"],
        **{key: answer[key] for key in ("top1", "top2", "nll")},
        "phones": phone_photos(load(bundle), phone)["right"] if phone.is_dir() else None,
        "epoch_seconds": seconds,
        "learned": learned_parameters(image, manifest.leaves),
        "megabytes": sum(entry.bytes for entry in manifest.files.values()) / 1e6,
    }


def learned_parameters(image: ImageConfig, leaves: int) -> int:
    """How many numbers of the photo tower the training moves."""
    from multimodal.models.image import ImageTower
    from multimodal.models.layers import freeze

    tower = ImageTower(image, leaves)
    if image.frozen > 0:
        freeze(tower.backbone, image.frozen)
    return sum(parameter.numel() for parameter in tower.parameters() if parameter.requires_grad)


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
        "|---|" + "---:|" * (len(_HEADINGS) - 1),
    ]
    for row in rows:
        phones = "–" if row["phones"] is None else f"{row['phones']:.4f}"
        # Records of before sizes were kept have none.
        sizes = (f"{row[key] / unit:.2f}" if key in row else "–" for key, unit in (("learned", 1e6), ("megabytes", 1)))
        size = f"{' | '.join(sizes)} | {row['epoch_seconds']:.0f}"
        figures = f"{row['top1']:.4f} | {row['top2']:.4f} | {row['nll']:.4f} | {phones} | {size}"
        lines.append(f"| {row['variant']} | {figures} |")
    return "\n".join(lines)


def _phone_source(folder: Path) -> SourceConfig:
    """Phone photos; a label may stand for several categories."""
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
    parser.add_argument("--size", type=int, nargs=2, default=(112, 84), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/photo_ablation"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every variant; a later run goes on")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

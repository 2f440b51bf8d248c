"""Ranks photo backbones: accuracy after a few epochs on a share of the training rows, against latency and size.

    python benchmarks/backbones.py --json backbones.json --plot backbones.png
    python benchmarks/backbones.py --candidates mobilenetv2_100@112x84 lcnet_100@112x84 --share 0.1 --epochs 1

Each candidate, NAME@HEIGHTxWIDTH, is trained by the photo stage of ``multimodal train`` with the configuration's
recipe and exported as a bundle; accuracy is the bundle's on all validation photos, latency that of its ONNX graph
on one photo and one thread. The recipe's own backbone starts from the recipe's weights and the others from none,
unless --weights says otherwise: compare those that start alike. Results are kept in the file named by --json after
every candidate, so a killed run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone_pages import markdown, plot
from multimodal.artifact import open_bundle
from multimodal.config import load_config
from multimodal.config.models import ImageConfig, RunConfig
from multimodal.errors import ConfigError, MultimodalError
from multimodal.taxonomy import read_tree
from records import Records, portable
from short_training import train_photos, unseen

BACKBONES = (
    "mobilenetv2_100",
    "tf_efficientnet_lite0",
    "mobilenetv4_conv_small",
    "mobilenetv3_small_100",
    "lcnet_100",
)
SIZES = ("112x84", "144x108")
WARM_UP = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet and prints the table; 0 done, 1 some candidates failed, 2 bad usage."""
    options = _options(arguments)
    try:
        return run(options)
    except MultimodalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run(options: argparse.Namespace) -> int:
    """Trains and measures every candidate that the results lack; one that fails costs itself alone."""
    base = load_config(options.config, options.set)
    weights = _weights(options.weights)
    records = Records(options.json, _settings(options, base), ("backbone", "size", "weights"))
    failed, asked = 0, []
    for number, candidate in enumerate(options.candidates, 1):
        image = candidate_image(base, candidate, weights, options.epochs)
        key = {"backbone": image.backbone, "size": list(image.size), "weights": portable(image.weights)}
        told = f"[{number}/{len(options.candidates)}] {candidate}"
        found = records.find(**key)
        print(told if found is None else f"{told}: measured before", file=sys.stderr, flush=True)
        if found is None:
            try:
                found = key | measure(base, image, options)
            except MultimodalError as error:
                print(f"{candidate}: {error}", file=sys.stderr, flush=True)
                failed += 1
                continue
            records.add(found)
        asked.append(found)
    if asked:
        print(markdown(asked, records.settings))
        if options.plot is not None:
            plot(asked, options.plot)
    return 1 if failed else 0


def candidate_image(
    base: RunConfig, candidate: str, weights: Mapping[str, str], epochs: int
) -> ImageConfig:
    """The recipe's photo section with a candidate's backbone, size and start.

    Raises:
        ConfigError: it is not NAME@HEIGHTxWIDTH, or the configuration has no photo section.
    """
    if base.image is None:
        raise ConfigError("image: got null, expected the section of a photo tower; name another --config")
    name, _, size = candidate.partition("@")
    sides = size.split("x")
    if not name or len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise ConfigError(f"--candidates: got {candidate!r}, expected NAME@HEIGHTxWIDTH, as mobilenetv2_100@112x84")
    own = name == base.image.backbone
    image = unseen(base.image, weights.get(name, None if own else "none"))
    changed = {
        "backbone": name,
        "backbone_args": base.image.backbone_args if own else {},
        "size": [int(side) for side in sides],
        "epochs": epochs,
        "patience": epochs,
        "early_epochs": 0,
    }
    return ImageConfig.model_validate(image.model_dump() | changed)


def measure(base: RunConfig, image: ImageConfig, options: argparse.Namespace) -> dict[str, Any]:
    """Trains one candidate to a bundle and measures that."""
    # Before any row is read: a name that timm does not know is told at once.
    numbers = parameters(image, len(read_tree(options.data / "categories_tree.csv").leaves))
    height, width = image.size
    start = "" if image.weights == "none" else "-started"
    folder = options.work / options.data.name / f"{image.backbone}-{height}x{width}{start}"
    bundle, seconds = train_photos(base, image, options, folder)
    manifest = open_bundle(bundle).manifest
    answer = manifest.metrics["val"]["image"]["answer"]
    return {
        "start": manifest.provenance["image_weights"] if image.weights != "none" else "random",
        "train_rows": manifest.provenance["rows"]["train"],
        "val_rows": answer["rows"],
        "parameters": numbers,
        "megabytes": manifest.files["image.onnx"].bytes / 1e6,
        "latency_ms": latency(bundle, image.size, options.latency_runs),
        "top1": answer["top1"],
        "top2": answer["top2"],
        "epoch_seconds": seconds,
        "device": manifest.provenance["device"],
    }


def parameters(image: ImageConfig, leaves: int) -> int:
    """Trained numbers of the tower, its head included."""
    from multimodal.models.image import ImageTower

    return sum(p.numel() for p in ImageTower(image, leaves).parameters())


def latency(bundle: Path, size: tuple[int, int], runs: int) -> float:
    """Median milliseconds of the photo graph on one photo, on one thread, decoding left out."""
    from multimodal.artifact.engine import Engine

    engine = Engine(open_bundle(bundle), threads=1)
    pixels = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    times = []
    for _ in range(WARM_UP + runs):
        began = time.perf_counter()
        engine.image(pixels)
        times.append(time.perf_counter() - began)
    return float(1000 * np.median(times[WARM_UP:]))


def _weights(items: Sequence[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in items]
    wrong = [item for item, (name, _, source) in zip(items, pairs, strict=True) if not (name and source)]
    if wrong:
        raise ConfigError(f"--weights: got {wrong[0]!r}, expected NAME=FILE, NAME=bundle:FOLDER or NAME=none")
    return {name: source for name, _, source in pairs}


def _settings(options: argparse.Namespace, base: RunConfig) -> dict[str, Any]:
    own = {"backbone", "backbone_args", "weights", "size", "epochs", "patience", "early_epochs"}
    recipe = {} if base.image is None else base.image.model_dump(mode="json", exclude=own)
    asked = {"share": options.share, "epochs": options.epochs, "seed": options.seed}
    return {"data": options.data.name, "recipe": recipe | asked}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    default = [f"{name}@{size}" for name in BACKBONES for size in SIZES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "fashion_products", help="folder of one data set")
    parser.add_argument("--config", type=Path, default=Path("configs/fashion.yaml"), help="whose photo recipe to use")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change its recipe")
    parser.add_argument("--candidates", nargs="+", default=default, metavar="NAME@HxW", help=" ".join(default))
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=SOURCE", help="what NAME starts from")
    parser.add_argument("--share", type=float, default=1 / 3, help="of the training rows, by group")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-runs", type=int, default=300)
    parser.add_argument("--work", type=Path, default=Path("runs/backbones"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every candidate; a later run goes on")
    parser.add_argument("--plot", type=Path, help="draw accuracy against latency here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

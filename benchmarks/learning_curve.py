"""How accuracy grows with the number of training rows: ours beside TF-IDF + LinearSVC and fastText.

    python benchmarks/learning_curve.py --sizes 50,200,1000,5000,all --json curve.json --plot curve.png
    python benchmarks/learning_curve.py --sizes 50,200 --text-only

Every size is a subset of the next one, drawn by whole groups with each category by its share. For each a whole
bundle is trained with the configuration's recipe, as ``multimodal train`` does, and measured as it is on the
validation rows (both halves; our run also chooses its epoch and calibrates on them, the peers need neither).
Results are kept in the file named by --json after every size: a killed run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from command import printed
from curve_data import DataSet, open_data, subset_order, write_subset
from curve_measure import Case, cases_of, few_rows, measure, rows_of
from curve_pages import markdown, plot, points
from multimodal.config import load_config
from multimodal.config.models import DataConfig, RunConfig, SourceConfig, TreeConfig
from multimodal.errors import ConfigError, DataError
from peers import FASTTEXT_RATE
from records import Records, portable
from short_training import unseen
from subsets import parse_sizes

PEERS = ("linear_svc", "fasttext")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is not measured yet and prints the table; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Measures every size and seed that the results lack.

    Returns:
        The table of all results.

    Raises:
        ConfigError, DataError, TreeError, ExportError: as in training; or results of other settings are there.
    """
    recipe = _recipe(options)
    data = open_data(options.data, photos=recipe.image is not None)
    if recipe.image is not None and not any(p.image for p in data.val):
        raise DataError(f"{options.data}: got no photos, expected some; measure it with --text-only")
    cases = cases_of(data, photos=recipe.image is not None)
    records = Records(options.json, _settings(options, data, recipe), ("rows", "seed"))
    wanted = list(_wanted(options, len(data.train)))
    for number, (rows, seed) in enumerate(wanted, 1):
        told = f"[{number}/{len(wanted)}] {rows:,} rows, seed {seed}"
        if records.find(rows=rows, seed=seed) is not None:
            print(f"{told}: measured before", file=sys.stderr, flush=True)
            continue
        print(told, file=sys.stderr, flush=True)
        records.add({"rows": rows, "seed": seed, "cases": _point(data, recipe, cases, rows, seed, options)})
    asked = [row for row in records.rows if (row["rows"], row["seed"]) in wanted]
    found = points(asked, {case.name: data.groups[rows_of(data, case)] for case in cases})
    if options.plot is not None:
        plot(found, data.folder.name, options.plot)
    return markdown(found, records.settings)


def _point(
    data: DataSet, recipe: RunConfig, cases: Sequence[Case], rows: int, seed: int, options: argparse.Namespace
) -> list[dict[str, Any]]:
    folder = options.work / data.folder.name / f"rows{rows}-seed{seed}"
    file = folder / "train.parquet"
    subset = write_subset(data, subset_order(data, seed)[:rows], file)
    config = few_rows(recipe, rows, options.image_epochs, options.image_steps)
    config = config.model_copy(
        update={
            "name": "curve",
            "output": str(folder / "bundle"),
            "work_dir": str(folder / "runs"),
            "tree": TreeConfig(path=str(data.folder / "categories_tree.csv")),
            "data": DataConfig(
                train=(SourceConfig(path=str(file)),), val=(SourceConfig(path=str(data.folder / "val.parquet")),)
            ),
            "tags": None,
            "attributes": {},
            "training": config.training.model_copy(update={"seed": seed, "init_from": None}),
        }
    )
    return measure(data, subset, config, cases, options.peers, options.fasttext_rate)


def _wanted(options: argparse.Namespace, rows: int) -> Iterator[tuple[int, int]]:
    """Sizes and seeds; beyond ``--seeds-up-to`` rows the first seed alone."""
    try:
        seeds = [int(part) for part in options.seeds.split(",")]
    except ValueError:
        raise DataError(f"--seeds: got {options.seeds!r}, expected whole numbers, commas between") from None
    for size in parse_sizes(options.sizes, rows):
        for seed in dict.fromkeys(seeds if size <= options.seeds_up_to else seeds[:1]):
            yield size, seed


def _recipe(options: argparse.Namespace) -> RunConfig:
    """The configuration's stages, less those that were not asked for."""
    config = load_config(options.config, options.set)
    if config.text is None:
        raise ConfigError(f"{options.config}: text: got null, expected a text tower; the peers read text")
    image = None if options.text_only else config.image
    if image is not None:
        image = unseen(image, options.weights)
    return config.model_copy(update={"image": image})


def _settings(options: argparse.Namespace, data: DataSet, recipe: RunConfig) -> dict[str, Any]:
    parts = ("text", "image", "fusion", "export") if recipe.image is not None else ("text", "export")
    told = recipe.model_dump(mode="json")
    if recipe.image is not None:
        told["image"]["weights"] = portable(recipe.image.weights)
    photos = {"image_epochs": options.image_epochs, "image_steps": options.image_steps} if recipe.image else {}
    return {
        "data": {"name": data.folder.name, "train": len(data.train), "val": len(data.val), "digest": data.digest()},
        "recipe": {part: told[part] for part in parts} | photos,
        "peers": {"names": options.peers, "fasttext_rates": options.fasttext_rate},
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "fashion_products", help="folder of one data set")
    parser.add_argument("--config", type=Path, default=Path("configs/fashion.yaml"), help="whose recipe to train by")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change its recipe")
    parser.add_argument("--sizes", default="50,200,1000,5000,all", help="training rows; those beyond all are left out")
    parser.add_argument("--seeds", default="1", help="of the draw and of training, commas between")
    parser.add_argument("--seeds-up-to", type=int, default=1000, help="larger sizes take the first seed alone")
    parser.add_argument("--text-only", action="store_true", help="no photo tower and no fusion: minutes, not hours")
    parser.add_argument("--image-epochs", type=int, help="of the photo tower, in the place of the recipe's")
    parser.add_argument("--image-steps", type=int, default=60, help="steps it takes at least: more epochs of few rows")
    parser.add_argument("--weights", help="what the photo tower starts from, in the place of the recipe's")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument(
        "--fasttext-rate", type=float, nargs="+", default=[FASTTEXT_RATE], help="its learning rates, each a peer"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/learning_curve"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every size; a later run goes on from them")
    parser.add_argument("--plot", type=Path, help="draw the curves here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

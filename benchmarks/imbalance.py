"""What helps rare categories: trainings that differ in how the loss, or the head, sees them.

    python benchmarks/imbalance.py --json benchmarks/results/imbalance-perekrestok_ru.json
    python benchmarks/imbalance.py --variants nothing "class weights 0.5" --share 0.1      # quick

Each variant is a text-only bundle, trained as ``multimodal train`` does. Choose by the half ``select``: hF1 and macro
F1 together; the other half, which only fits temperatures, shows what the choice is worth. Results are kept in the
file named by --json after every variant, so a killed run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from command import printed
from multimodal.config.models import DataConfig, RunConfig, SourceConfig, TrainingConfig, TreeConfig
from multimodal.types import InputName
from records import Records

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {"logit_adjustment": 0.0},
    "class weights 0.25": {"logit_adjustment": 0.0, "class_balance": 0.25},
    "class weights 0.5": {"logit_adjustment": 0.0, "class_balance": 0.5},
    "tree smoothing 0.2": {"logit_adjustment": 0.0, "tree_smoothing": 0.2},
    "tree smoothing 0.5": {"logit_adjustment": 0.0, "tree_smoothing": 0.5},
    "logit adjustment, chosen on select": {},
}
"""Name -> what of the training section asks for it."""
_HALVES = ("select", "calibrate")
_SEEN: tuple[InputName, ...] = ("title",)
_SHOWN = {"top1": "top-1", "hf1": "hF1", "macro_f1": "macro F1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet and prints the table; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Trains and measures every variant that the results lack.

    Returns:
        The table.
    """
    settings = {"data": options.data.name, "share": options.share, "seed": options.seed}
    records = Records(options.json, settings, ("variant",))
    rows = records.measured(
        options.variants,
        lambda variant: measure(VARIANTS[variant], options.work / variant.replace(" ", "-"), options),
    )
    return markdown(rows, records.settings)


def measure(training: Mapping[str, Any], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Trains one variant to a bundle and measures both halves of the validation rows by their title."""
    from multimodal import load
    from multimodal.data import read_source
    from multimodal.data.splits import split_half
    from multimodal.export.run import train
    from multimodal.serving.evaluate import evaluate
    from multimodal.types import Product

    train_rows = SourceConfig(path=str(options.data / "train.parquet"), share=options.share, seed=options.seed)
    val_rows = SourceConfig(path=str(options.data / "val.parquet"))
    config = RunConfig(
        name="imbalance",
        output=str(folder / "bundle"),
        work_dir=str(folder),
        tree=TreeConfig(path=str(options.data / "categories_tree.csv")),
        data=DataConfig(train=(train_rows,), val=(val_rows,)),
        image=None,
        training=TrainingConfig(seed=options.seed, **training),
    )
    predictor = load(train(config))
    rows = [p for p in read_source(val_rows, labelled=True) if isinstance(p, Product)]
    halves = [split_half(product, number) for number, product in enumerate(rows)]
    found = {}
    for half in _HALVES:
        some = [product for product, own in zip(rows, halves, strict=True) if own == half]
        found[half] = evaluate(predictor, some, inputs=_SEEN).to_dict()["heads"]["text"]
    return {
        "strength": predictor.manifest.provenance["text_logit_adjustment"],
        **{half: {key: found[half][key] for key in _SHOWN} for half in _HALVES},
    }


def markdown(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The table a person reads, in the order asked for; the best by hF1 and macro F1 on select is marked."""
    best = max(rows, key=lambda row: row["select"]["hf1"] + row["select"]["macro_f1"])
    headings = [f"{half}: {name}" for half in _HALVES for name in _SHOWN.values()]
    lines = [
        f"{settings['data']}, {settings['share']:.0%} of the training rows, titles alone.",
        "",
        "| variant | " + " | ".join(headings) + " |  |",
        "|---|" + "---:|" * len(headings) + "---|",
    ]
    for row in rows:
        name = f"{row['variant']} ({row['strength']})" if row["strength"] else row["variant"]
        cells = [f"{row[half][key]:.4f}" for half in _HALVES for key in _SHOWN]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {'**best on select**' if row is best else ''} |")
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "perekrestok_ru", help="folder of one data set")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME",
                        help="; ".join(VARIANTS))  # fmt: skip
    parser.add_argument("--share", type=float, default=1.0, help="of the training rows, by group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/imbalance"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every variant; a later run goes on")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

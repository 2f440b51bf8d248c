"""What each step of the text kitchen, and each lemmatizer, is worth on a data set.

    python benchmarks/kitchen_steps.py --json benchmarks/results/kitchen-steps-perekrestok_ru.json
    python benchmarks/kitchen_steps.py --ours --seeds 1,2,3 --json kitchen-ours.json

Every variant of the kitchen trains a model of its own on the training rows and answers the validation rows: a
LinearSVC over TF-IDF of the kitchen's features, each field by itself and those beside the title at weight 0.5; with
--ours a text-only bundle, as ``multimodal train`` makes it. Differences are to the kitchen without steps, rows paired
and groups resampled. "Spoiled" titles are those of the validation rows, written as careless sellers do; the models
have not seen such titles. Results are kept after every variant: a killed run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from command import printed
from curve_data import DataSet, open_data
from curve_measure import pack, unpack
from kitchen_models import Ints, KitchenSVC, Model, Ours, Variant, read, shown_of, text_config
from kitchen_noise import spoiled
from multimodal.config import load_config
from multimodal.config.text import LemmasName, StepName
from multimodal.errors import DataError
from multimodal.evaluation import paired_group_bootstrap
from multimodal.types import InputName, Product
from peers import visible_text
from records import Records
from tables import table

NOTHING = "nothing"
STEPS: tuple[StepName, ...] = get_args(StepName)
LEMMAS: tuple[LemmasName, ...] = tuple(name for name in get_args(LemmasName) if name != "none")


VARIANTS: dict[str, Variant] = {
    NOTHING: Variant(),
    **{step: Variant(steps=(step,)) for step in STEPS},
    **{f"lemmas: {name}": Variant(lemmas=name) for name in LEMMAS},
    "all steps": Variant(steps=STEPS),
    **{f"all steps, lemmas: {name}": Variant(lemmas=name, steps=STEPS) for name in LEMMAS},
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a model is trained on and sees, and whether the titles it is asked are spoiled."""

    inputs: tuple[InputName, ...]
    noise: bool = False

    @property
    def name(self) -> str:
        return " + ".join(self.inputs) + (", spoiled" if self.noise else "")

    def asked(self, products: Sequence[Product]) -> list[Product]:
        shown = [shown_of(product, self.inputs) for product in products]
        return spoiled(shown, seed=0) if self.noise else shown


def cases_of(data: DataSet) -> list[Case]:
    """The title, and all text there is; each as it is and spoiled."""
    texts = data.text_inputs
    inputs = [("title",), texts] if len(texts) > 1 else [texts]
    return [Case(of, noise) for of in inputs for noise in (False, True)]


def run(options: argparse.Namespace) -> str:
    """Measures what the results lack; the table of all results.

    Raises:
        ConfigError, DataError, TreeError, ExportError, MissingExtraError: as in training.
    """
    data = open_data(options.data, photos=False)
    if not data.text_inputs:
        raise DataError(f"{options.data}: got no text in any training row, expected titles; name another data set")
    cases = cases_of(data)
    settings = {
        "data": {"name": data.folder.name, "train": len(data.train), "val": len(data.val), "digest": data.digest()},
        "model": _model_settings(options),
    }
    records = Records(options.json, settings, ("variant", "seed"))
    seeds = [int(part) for part in options.seeds.split(",")] if options.ours else [0]
    wanted = [(name, seed) for name in options.variants or VARIANTS for seed in seeds]
    for number, (name, seed) in enumerate(wanted, 1):
        print(f"[{number}/{len(wanted)}] {name}, seed {seed}", file=sys.stderr, flush=True)
        if records.find(variant=name, seed=seed) is None:
            variant = VARIANTS[name]
            model = _model(options, data, name, seed)
            found = [_measured(model, data, case) for case in cases]
            records.add({"variant": name, "seed": seed, "rate": rate_of(data.train, variant), "cases": found})
    return markdown(records, data, cases)


def _model(options: argparse.Namespace, data: DataSet, name: str, seed: int) -> Model:
    if not options.ours:
        return KitchenSVC(data, VARIANTS[name])
    folder = options.work / data.folder.name / f"{'-'.join(re.findall('[a-z]+', name))}-seed{seed}"
    config = text_config(load_config(options.config, options.set), data, folder, options.share, seed)
    return Ours(VARIANTS[name], config)


def _measured(model: Model, data: DataSet, case: Case) -> dict[str, Any]:
    rows = rows_of(data, case)
    hits = model.answer(case.asked([data.val[i] for i in rows]), case.inputs) == data.labels[rows]
    return {"name": case.name, "rows": len(rows), "top1": float(hits.mean()), "hits": pack(hits)}


def rows_of(data: DataSet, case: Case) -> Ints:
    """Validation rows that have some of a case's text."""
    return np.array([i for i, p in enumerate(data.val) if visible_text(p, case.inputs).strip()], np.int64)


def rate_of(products: Sequence[Product], variant: Variant) -> int:
    """Titles a second of processor time through the kitchen.

    A kitchen's own caches are cold; those of the tagger, which all kitchens of the process share, are warm.
    """
    kitchen = variant.kitchen()
    titles = [Product(title=product.title) for product in products if product.title]
    began = time.process_time()
    for start in range(0, len(titles), 256):
        kitchen.features(read(kitchen, titles[start : start + 256]))
    return round(len(titles) / (time.process_time() - began))


def _model_settings(options: argparse.Namespace) -> dict[str, Any]:
    if not options.ours:
        return {"name": "TF-IDF by field + LinearSVC"}
    recipe = load_config(options.config, options.set).model_dump(mode="json")
    return {"name": "multimodal", "share": options.share, "text": recipe["text"], "export": recipe["export"]}


# --- the table


def markdown(records: Records, data: DataSet, cases: Sequence[Case]) -> str:
    """Top-1 of each variant, and its difference to no step at all in points with its 95 % interval."""
    scores = {name: _scores(records.rows, name, data, cases) for name in VARIANTS}
    plain = scores[NOTHING]
    head = ["kitchen", *(case.name for case in cases), "titles/s"]
    lines = []
    for name, found in scores.items():
        if not found:
            continue
        cells = []
        for case in cases:
            told = f"{found[case.name].mean():.4f}"
            if name != NOTHING and plain:
                groups = data.groups[rows_of(data, case)]
                d = paired_group_bootstrap(found[case.name], plain[case.name], groups)
                told += f" {100 * d.difference:+.2f} [{100 * d.low:+.2f}, {100 * d.high:+.2f}]"
            cells.append(told)
        rates = [row["rate"] for row in records.rows if row["variant"] == name]
        lines.append([name, *cells, f"{round(float(np.median(rates)), -2):,.0f}"])
    model = records.settings["model"]["name"]
    note = f"{data.folder.name}, {model}: top-1 of validation rows; differences in points, 95 % paired bootstrap."
    return "\n".join([note, "", *table(head, lines)])


def _scores(
    rows: Sequence[Mapping[str, Any]], name: str, data: DataSet, cases: Sequence[Case]
) -> dict[str, npt.NDArray[np.float64]]:
    """Share of the seeds that answer each row rightly, by case."""
    mine = [row for row in rows if row["variant"] == name]
    if not mine:
        return {}
    found = {case.name: [c for row in mine for c in row["cases"] if c["name"] == case.name] for case in cases}
    return {
        case.name: np.mean([unpack(c["hits"], c["rows"]) for c in found[case.name]], axis=0, dtype=np.float64)
        for case in cases
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is not measured yet and prints the table; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "perekrestok_ru", help="folder of one data set")
    parser.add_argument("--variants", nargs="*", choices=list(VARIANTS), help="kitchens to measure; default: all")
    parser.add_argument("--ours", action="store_true", help="train text-only bundles in the place of LinearSVC")
    parser.add_argument("--config", type=Path, default=Path("configs/fashion.yaml"), help="with --ours: whose recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change its recipe")
    parser.add_argument("--share", type=float, default=1.0, help="with --ours: of the training rows")
    parser.add_argument("--seeds", default="1", help="with --ours: commas between")
    parser.add_argument("--work", type=Path, default=Path("runs/kitchen_steps"), help="checkpoints and bundles")
    parser.add_argument("--json", type=Path, help="results, added to after every variant; go on from them")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

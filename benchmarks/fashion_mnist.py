"""Fashion-MNIST by a bundle of ``configs/fashion-mnist.yaml``: ten classes, five groups beside a published table.

    python benchmarks/fashion_mnist.py out/fashion-mnist --json benchmarks/results/fashion-mnist.json
    python benchmarks/fashion_mnist.py out/fashion-mnist --test --json benchmarks/results/fashion-mnist-test.json

The published table is MobileNetV2's with frozen layers: 2,230,277 parameters, 8.8 MB, 37.6 s for the 10,000 test
photos. A group's probability is the sum of its classes', and its answer the most probable group.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import multimodal
from command import printed
from multimodal.config import load_config
from multimodal.data import read_source
from multimodal.evaluation import summarise
from multimodal.evaluation.levels import level_answers
from multimodal.evaluation.one_versus_rest import one_versus_rest
from multimodal.types import Product

PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "Upper part": (0.91, 0.96, 0.94),
    "Bottom part": (0.96, 0.97, 1.00),
    "One piece": (0.88, 0.73, 0.99),
    "Footwear": (0.99, 0.99, 1.00),
    "Bags": (0.96, 0.92, 1.00),
}
"""Recall, precision and negative predictive value of each group."""
_FIGURES = ("recall", "precision", "npv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the bundle and prints the tables; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Answers every photo of the split once; returns the tables."""
    predictor = multimodal.load(options.bundle, threads=options.threads)
    source = load_config(options.config).data.val[0]
    if options.test:
        file = Path(str(source.path).replace("train-images", "t10k-images"))
        source = source.model_copy(update={"path": str(file), "held_out": None, "take": "rest"})
    products = [p for p in read_source(source, labelled=True) if isinstance(p, Product)]
    predictor.warm_up()
    began = time.perf_counter()
    probs = predictor.leaf_probabilities(products)
    seconds = time.perf_counter() - began
    tree = predictor.tree
    labels = np.array([tree.leaf_index[p.category_id or ""] for p in products])
    groups = next(iter(level_answers(probs, labels, tree)))
    figures = one_versus_rest(groups.pred, groups.labels, len(tree.nodes))
    found = {
        "split": "test" if options.test else "val",
        "rows": len(products),
        "seconds": round(seconds, 2),
        "megabytes": round(sum(f.stat().st_size for f in options.bundle.iterdir()) / 1e6, 2),
        "classes": summarise(probs, labels, tree).to_dict(),
        "groups": {
            node.name: {key: getattr(figures[i], key) for key in (*_FIGURES, "support")}
            for i, node in enumerate(tree.nodes)
            if node.parent_id is None
        },
    }
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return markdown(found)


def markdown(found: Mapping[str, Any]) -> str:
    """The table of groups beside the published one, and a line of the rest."""
    lines = [
        "| group | recall | published | precision | published | negative predictive value | published |",
        "|---|" + "---:|" * 6,
    ]
    for name, figures in found["groups"].items():
        cells = [f"{_rounded(figures[key])} | {PUBLISHED[name][i]:.2f}" for i, key in enumerate(_FIGURES)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    top1, rate = found["classes"]["top1"], found["rows"] / found["seconds"]
    said = f"{found['rows']:,} photos of {found['split']}: ten classes top-1 {top1:.4f}, "
    said += f"ECE {found['classes']['ece']:.3f}; "
    said += f"{found['megabytes']:.1f} MB; {found['seconds']:.1f} s in all ({rate:,.0f} a second)."
    return "\n".join([*lines, "", said])


def _rounded(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/fashion-mnist.yaml"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--test", action="store_true", help="the test file instead of the held-out photos")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())

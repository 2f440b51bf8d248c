"""Accuracy against coverage: our answers up the tree, a flat softmax, and the margins of LinearSVC on the same rows.

    python benchmarks/coverage.py --json benchmarks/results/coverage-fashion.json --plot docs/coverage.png

Rows of val in all; no threshold is chosen: each curve answers the rows it is surest of first. LinearSVC is trained on
the bundle's training rows, on the same text; it is as sure as its best leaf is above the second.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import multimodal
from command import printed, split_parser
from measuring import Measuring
from multimodal.evaluation.coverage import Coverage, flat_coverage, tree_coverage
from multimodal.report.coverage import FLAT, TREE, plot_coverage
from multimodal.types import TEXT_INPUTS, InputName, Product
from peers import LinearSVCPeer
from tables import table

ACCURACIES = (0.9, 0.95, 0.98, 0.99)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the bundle and the peer and prints the table; 0 when done, 2 for bad usage or input."""
    parser = split_parser(__doc__)
    parser.add_argument("--plot", type=Path, help="write the picture of the fullest mix of inputs there")
    options = parser.parse_args(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Answers the split from its text, its photos and both; returns the table."""
    on = Measuring.asked(options)
    products, known, shipped = on.products(), on.products("train"), on.shipped
    curves = {}
    for case in shipped.cases:
        text = frozenset(name for name in TEXT_INPUTS if name in case.inputs)
        if not case.masked and (case.inputs == shipped.full.inputs or len(case.inputs) == 1):
            peer = None if not text else _peer(on.predictor, known, products, text)
            curves[case.name] = _curves(on.predictor, products, case.inputs, peer)
    if options.plot is not None:
        plot_coverage(curves[shipped.full.name], options.plot)
    mixes = {name: {line: curve.to_dict() for line, curve in own.items()} for name, own in curves.items()}
    return markdown(on.told({"rows": len(products), "mixes": mixes}, options.json))


def _peer(
    predictor: multimodal.Predictor, known: Sequence[Product], products: Sequence[Product], text: frozenset[InputName]
) -> tuple[str, Coverage]:
    peer = LinearSVCPeer(predictor.tree.leaves, text)
    peer.fit(known)
    answers = peer.predict(products)
    best = -np.sort(-answers.scores, axis=1)[:, :2]
    right = np.array([answer == p.category_id for answer, p in zip(answers.ids, products, strict=True)])
    return f"{peer.name}, its margin", flat_coverage(best[:, 0] - best[:, 1], right)


def _curves(
    predictor: multimodal.Predictor,
    products: Sequence[Product],
    inputs: frozenset[InputName],
    peer: tuple[str, Coverage] | None,
) -> dict[str, Coverage]:
    probs = predictor.leaf_probabilities(products, inputs)
    there = np.isfinite(probs).all(axis=1)
    probs = probs[there]
    labels = np.array([predictor.tree.leaf_index[p.category_id or ""] for p in products])[there]
    found = {
        TREE: tree_coverage(probs, labels, predictor.tree),
        FLAT: flat_coverage(probs.max(axis=1), probs.argmax(axis=1) == labels),
    }
    return found if peer is None else {**found, peer[0]: peer[1]}


def markdown(found: Mapping[str, Any]) -> str:
    """Shares of rows answered at each accuracy."""
    rows = []
    for name, lines in found["mixes"].items():
        for line, curve in lines.items():
            own = Coverage(np.array(curve["answered"]), np.array(curve["accuracy"]))
            rows.append([name, line, *(f"{100 * own.at(accuracy):.1f} %" for accuracy in ACCURACIES)])
    return "\n".join(
        [
            f"Rows that can be answered where so many of the answers are right. {found['data']}, {found['split']}, "
            f"{found['rows']:,} rows. Up the tree an answer is right at or below its category; else only as a leaf.",
            "",
            *table(["sees", "answers", *(f"{accuracy:.0%}" for accuracy in ACCURACIES)], rows, left=2),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())

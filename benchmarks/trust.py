"""What a bundle's answers can be trusted with: promises of accuracy, candidates, conflicts.

    python benchmarks/trust.py --bundle artifacts/fashion --json benchmarks/results/trust-fashion.json
    python benchmarks/trust.py --bundle artifacts/fashion --test --json benchmarks/results/trust-fashion-test.json

Thresholds stand in the bundle; they were tested on the calibrate half of val. Here the select half is measured, which
chose no threshold but decided how the inputs are mixed, and with --test the test split, which decided nothing.
Conflict: pairs of title and photo as they are, and with the photo of a product from another top-level branch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import multimodal
from command import printed, split_parser
from measuring import Measuring
from multimodal.artifact import Manifest, mix_name
from multimodal.data.splits import split_half
from multimodal.evaluation import mistake_severity
from multimodal.evaluation.backoff import backoff_figures, climb
from multimodal.evaluation.candidates import candidate_sets, one_vote
from multimodal.evaluation.conflict import branches
from multimodal.evaluation.decoding import least_severe
from multimodal.taxonomy import Tree
from multimodal.text.masking import category_words, names_category
from multimodal.types import INPUTS, FloatArray, InputName, Prediction, Product
from shipped import Shipped
from tables import table

_SEED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the bundle and prints the tables; 0 when done, 2 for bad usage or input."""
    options = split_parser(__doc__).parse_args(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Answers every product of the split for every mix of inputs; returns the tables."""
    on = Measuring.asked(options)
    products, split = on.products(), on.split
    if not options.test:
        split = "val, select half"
        products = [p for row, p in enumerate(products) if split_half(p, row) == "select"]
    mixes = _mixes(on.shipped, on.predictor.manifest)
    measured = {mix_name(mix): _measured(on.predictor, products, mix) for mix in mixes}
    found = on.told({"split": split, "mixes": measured}, options.json)
    return markdown(found)


def _mixes(shipped: Shipped, manifest: Manifest) -> Iterator[frozenset[InputName]]:
    for case in shipped.cases:
        if not case.masked and mix_name(case.inputs) in manifest.calibration.mixes:
            yield case.inputs


def _by_this_mix(
    products: Sequence[Product], mix: frozenset[InputName], predictor: multimodal.Predictor
) -> list[Product]:
    """Products with every input of the mix: another mix has other thresholds, and so may titles without names."""
    words = category_words(predictor.tree) if mix_name(mix) in predictor.manifest.calibration.unnamed else None
    complete = [product for product in products if all(getattr(product, name) for name in mix)]
    return [p for p in complete if words is None or names_category([p.title or ""], words)]


def _measured(
    predictor: multimodal.Predictor, products: Sequence[Product], mix: frozenset[InputName]
) -> dict[str, Any]:
    mixed = predictor.manifest.calibration.mixes[mix_name(mix)]
    products = _by_this_mix(products, mix, predictor)
    heads = predictor.head_probabilities(products, mix)
    read = [np.isfinite(heads[head]).all(axis=1) for head in ("fused", *(("text", "image") if mixed.conflict else ()))]
    rows = np.flatnonzero(np.all(read, axis=0))
    tree = predictor.tree
    labels = np.array([tree.leaf_index[products[row].category_id or ""] for row in rows])
    groups = np.unique([products[row].group or f"row {row}" for row in rows], return_inverse=True)[1]
    probs, votes = heads["fused"][rows], one_vote(groups)
    top2 = np.argsort(-probs, axis=1)[:, :2]
    kept = []
    for promise in mixed.promises:
        (answers,) = climb(probs, tree, np.array([promise.threshold]))
        by_row, by_group = (backoff_figures(answers[at], labels[at], tree) for at in (slice(None), votes))
        kept.append({"asked": promise.accuracy, "by_group": by_group.accuracy, **by_row.to_dict()})
    sets = []
    for rule in mixed.candidates:
        chosen = candidate_sets(probs, rule.threshold)
        inside = chosen[np.arange(len(labels)), labels]
        sets.append({"asked": rule.coverage, "coverage": float(inside.mean()), "by_group": float(inside[votes].mean()),
                     "mean_size": float(chosen.sum(axis=1).mean())})  # fmt: skip
    return {
        "rows": len(rows),
        "groups": len(votes),
        "top1": float((top2[:, 0] == labels).mean()),
        "top2": float((top2 == labels[:, None]).any(axis=1).mean()),
        "decoding": _decoding(probs, labels, tree, mixed.distance_power),
        "promises": kept,
        "candidates": sets,
        "conflict": _conflicts(predictor, [products[row] for row in rows], mix, labels)
        if mixed.conflict is not None
        else None,
    }


def _decoding(probs: FloatArray, labels: np.ndarray, tree: Tree, power: float | None) -> dict[str, dict[str, float]]:
    """Top-1 and mistake severity of the likeliest leaf, and of the one with the least expected distance."""
    likeliest = probs.argmax(axis=1)
    nearest = likeliest if power is None else least_severe(probs, tree, power)
    found = {"argmax": likeliest, "expected_distance": nearest}
    return {
        name: {"top1": float((leaves == labels).mean()), "severity": mistake_severity(leaves, labels, tree)}
        for name, leaves in found.items()
    }


def _conflicts(
    predictor: multimodal.Predictor, products: Sequence[Product], mix: frozenset[InputName], labels: np.ndarray
) -> dict[str, Any]:
    """Alarms on pairs as they are, and on titles beside the photo of a product from another branch."""
    tree = predictor.tree
    branch = np.asarray(tree.leaf_matrix[branches(tree)]).argmax(axis=0)[labels]
    other = np.random.default_rng(_SEED).permutation(len(labels))
    apart = np.flatnonzero(branch != branch[other])
    pairs = [replace(product, **{name: None for name in INPUTS if name not in mix}) for product in products]
    swapped = [replace(pairs[row], image=pairs[other[row]].image) for row in apart]
    return {
        "pairs": len(pairs),
        "false_alarms": _alarms(predictor, pairs),
        "swapped": len(swapped),
        "recall": _alarms(predictor, swapped),
    }


def _alarms(predictor: multimodal.Predictor, pairs: Sequence[Product]) -> float:
    """The share of answers that name a conflict."""
    answers = [one for one in predictor.classify(pairs) if isinstance(one, Prediction)]
    return sum(one.conflict is not None for one in answers) / max(1, len(answers))


def markdown(found: Mapping[str, Any]) -> str:
    """The tables of promises, candidates and conflicts."""
    kept, sets, conflicts, decoded = [], [], [], []
    for name, one in found["mixes"].items():
        sees = name.replace("image", "photo").replace("+", " + ")
        for promise in one["promises"]:
            figures = (promise["accuracy"], promise["by_group"], promise["answered"], promise["leaf_coverage"])
            kept.append([sees, f"{promise['asked']:.0%}", *map(_share, figures), f"{promise['mean_depth']:.2f}"])
        for rule in one["candidates"]:
            figures = (rule["coverage"], rule["by_group"], one["top1"], one["top2"])
            sets.append([sees, f"{rule['asked']:.0%}", *map(_share, figures[:2]), f"{rule['mean_size']:.2f}",
                         *map(_share, figures[2:])])  # fmt: skip
        ways = [one["decoding"][name] for name in ("argmax", "expected_distance")]
        figures = [f"{way[key]:.4f}" for key in ("top1", "severity") for way in ways]
        decoded.append([sees, f"{one['rows']:,}", *figures])
        if one["conflict"]:
            told = one["conflict"]
            conflicts.append([sees, f"{told['pairs']:,}", _share(told["false_alarms"]), f"{told['swapped']:,}",
                              _share(told["recall"])])  # fmt: skip
    lines = [
        f"Answers that go up the tree when unsure. {found['data']}, {found['split']}. *Right*: of the answers, at or "
        "below the category; *by group*: one row a group, as the promise was tested.",
        "",
        *table(["sees", "promised", "right", "by group", "answered", "with a leaf", "mean depth"], kept),
        "",
        "Candidates: the leaves that hold the right one at the rate asked for, beside the best one and the best two.",
        "",
        *table(["sees", "asked", "held", "by group", "mean size", "best one", "best two"], sets),
    ]
    lines += [
        "",
        "The likeliest leaf beside the one with the least expected distance. *Severity*: mean height of the lowest "
        "common ancestor of a wrong answer and the truth.",
        "",
        *table(["sees", "rows", "top-1", "of the least distance", "severity", "of the least distance"], decoded),
    ]
    if conflicts:
        head = ["sees", "true pairs", "false alarms", "swapped pairs", "noticed"]
        lines += ["", "Title and photo that contradict each other:", "", *table(head, conflicts)]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"


if __name__ == "__main__":
    raise SystemExit(main())

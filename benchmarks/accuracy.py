"""Our text head beside TF-IDF + LinearSVC and fastText: one run, the same rows, paired differences.

    python benchmarks/accuracy.py --bundle artifacts/fashion --json benchmarks/results/accuracy-fashion.json
    python benchmarks/accuracy.py --bundle artifacts/grocery-ru --json benchmarks/results/accuracy-grocery.json

Peers train on the folder's ``train.parquet``; all systems see the same inputs of the rows of
one split. Of the data set of a shipped bundle the cases are those of its tables, less the photos.
Rows without any text among those inputs are left out for all. A row our head knows nothing of counts as
an answer that knows nothing (all leaves alike), and their number is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bundle_figures import identity
from multimodal.artifact import read_manifest
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import check_labels, read_source
from multimodal.errors import DataError, MultimodalError
from multimodal.evaluation import (
    group_interval,
    hierarchical_prf,
    label_ranks,
    macro_f1,
    macro_f1_min_support,
    paired_group_bootstrap,
    weighted_f1,
)
from multimodal.taxonomy import Tree, read_tree
from multimodal.text.masking import category_words, mask_title
from multimodal.types import TEXT_INPUTS, InputName, Product
from peers import FASTTEXT_RATE, FastTextPeer, LinearSVCPeer, Peer, machine_threads, visible_text
from shipped import SHIPPED, Case, default_data, shipped_in
from tables import cell

if TYPE_CHECKING:
    from multimodal.serving import Predictor

OURS = "multimodal, text head"
PEERS = ("linear_svc", "fasttext")
_TITLE: frozenset[InputName] = frozenset({"title"})
Scores = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Scores [N, leaves] of one system and how long they took."""

    system: str
    scores: Scores
    fit_seconds: float | None
    predict_seconds: float
    unanswered: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    try:
        result = run(options)
    except MultimodalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(markdown(result))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measures all systems in all cases; plain JSON values."""
    options = _completed(options)
    predictor = None if options.peers_only else _load(options.bundle)
    tree = read_tree(options.data / "categories_tree.csv") if predictor is None else predictor.tree
    train, left_out = _products(options.data / "train.parquet", tree, unique=True)
    rows, failed = _products(options.data / f"{options.split}.parquet", tree, unique=False)
    known = cases_of(train, options.data.name)
    cases = [c for c in known if not options.case or c.name in options.case]
    if not cases:
        names = ", ".join(repr(c.name) for c in known)
        raise DataError(f"--case: got {options.case}, expected some of {names}")
    return {
        "data": options.data.name,
        "split": options.split,
        "rows": {"train": len(train), "train_left_out": left_out, "measured": len(rows), "failed": failed},
        "bundle": None if predictor is None else identity(read_manifest(options.bundle)),
        "fasttext_rates": options.fasttext_rate,
        "machine": _machine(),
        "cases": [_measure(case, train, rows, tree, predictor, options) for case in cases],
    }


def markdown(result: dict[str, Any]) -> str:
    """The table a person reads: one line a system, its difference to ours beside it."""
    lines = [
        f"{result['data']}, {result['split']}, {result['rows']['measured']} rows; brackets are 95 % "
        "intervals (bootstrap over groups, paired for differences)",
        "",
        "| inputs | model | top-1 | top-2 | weighted F1 | macro F1 | macro F1, 10+ rows | hF1 | ours less this, points "
        "| fit, s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in result["cases"]:
        for name, s in case["systems"].items():
            low, high = s["top1_interval"]
            fit = "–" if s["fit_seconds"] is None else f"{s['fit_seconds']:.0f}"
            lines.append(
                f"| {case['name']} | {name} | {s['top1']:.4f} [{low:.4f}, {high:.4f}] | {s['top2']:.4f} | "
                f"{s['weighted_f1']:.4f} | {s['macro_f1']:.4f} | {cell(s['macro_f1_10'])} | {s['hf1']:.4f} | "
                f"{_points(case['ours_less'].get(name))} | {fit} |"
            )
        unanswered = sum(s["unanswered"] for s in case["systems"].values())
        if unanswered or case["rows"] != result["rows"]["measured"]:
            note = f"{case['rows']} rows with text, {unanswered} unanswered by us"
            lines.append(f"| {case['name']} | {note} | | | | | | | | |")
    return "\n".join(lines)


def _measure(
    case: Case,
    train: Sequence[Product],
    rows: Sequence[Product],
    tree: Tree,
    predictor: Predictor | None,
    options: argparse.Namespace,
) -> dict[str, Any]:
    train, rows = _seen(train, case, tree), _seen(rows, case, tree)
    if not rows:
        raise DataError(f"case {case.name!r}: no row has text to show, expected some; leave the case out")
    labels = np.array([tree.leaf_index[p.category_id or ""] for p in rows])
    groups = np.array([f"row {i}" if p.group is None else f"group {p.group}" for i, p in enumerate(rows)])
    outcomes = [] if predictor is None else [_ours(predictor, rows, case)]
    for peer in _peers(case, options, tree):
        _progress(f"{case.name}: {peer.name}")
        outcomes.append(_kept(peer, train, rows, case, options))
    hits = {o.system: label_ranks(_finite(o.scores), labels) == 0 for o in outcomes}
    others = [name for name in hits if name != OURS] if OURS in hits else []
    return {
        "name": case.name,
        "inputs": [name for name in TEXT_INPUTS if name in case.inputs],
        "masked": case.masked,
        "rows": len(rows),
        "systems": {o.system: _figures(o, labels, groups, tree) for o in outcomes},
        "ours_less": {name: asdict(paired_group_bootstrap(hits[OURS], hits[name], groups)) for name in others},
    }


def _figures(outcome: Outcome, labels: npt.NDArray[np.int64], groups: npt.NDArray[Any], tree: Tree) -> dict[str, Any]:
    ranks = label_ranks(_finite(outcome.scores), labels)
    pred = outcome.scores.argmax(axis=1)
    interval = group_interval(ranks == 0, groups)
    return {
        "top1": interval.mean,
        "top1_interval": [interval.low, interval.high],
        "top2": float(np.mean(ranks < 2)),
        "weighted_f1": weighted_f1(pred, labels, len(tree.leaves)),
        "macro_f1": macro_f1(pred, labels),
        "macro_f1_10": macro_f1_min_support(pred, labels),
        "hf1": hierarchical_prf(pred, labels, tree)[2],
        "unanswered": outcome.unanswered,
        "fit_seconds": outcome.fit_seconds,
        "predict_seconds": outcome.predict_seconds,
    }


def _ours(predictor: Predictor, rows: Sequence[Product], case: Case) -> Outcome:
    started = time.perf_counter()
    probs = predictor.leaf_probabilities(rows, case.inputs, head="text")
    seconds = time.perf_counter() - started
    unanswered: npt.NDArray[np.bool_] = np.asarray(np.isnan(probs).any(axis=1))
    probs = np.where(unanswered[:, None], 1 / probs.shape[1], probs)
    return Outcome(OURS, probs, None, seconds, int(unanswered.sum()))


def _peer(peer: Peer, train: Sequence[Product], rows: Sequence[Product]) -> Outcome:
    started = time.perf_counter()
    peer.fit(train)
    fitted = time.perf_counter()
    scores = peer.predict(rows).scores
    return Outcome(peer.name, scores, fitted - started, time.perf_counter() - fitted)


def _kept(
    peer: Peer, train: Sequence[Product], rows: Sequence[Product], case: Case, options: argparse.Namespace
) -> Outcome:
    """A peer's outcome, read back where the very same peer was measured on the very same rows before."""
    if options.keep is None:
        return _peer(peer, train, rows)
    told = [peer.name, case.name, str(options.fasttext_rate)]
    told += [repr((p.category_id, visible_text(p, sorted(case.inputs)))) for p in (*train, *rows)]
    file = options.keep / f"{hashlib.sha256(chr(10).join(told).encode()).hexdigest()[:24]}.npz"
    if file.exists():
        with np.load(file, allow_pickle=False) as kept:
            return Outcome(peer.name, kept["scores"], float(kept["fit"]), float(kept["predict"]))
    outcome = _peer(peer, train, rows)
    options.keep.mkdir(parents=True, exist_ok=True)
    np.savez(file, scores=outcome.scores, fit=outcome.fit_seconds or 0.0, predict=outcome.predict_seconds)
    return outcome


def _peers(case: Case, options: argparse.Namespace, tree: Tree) -> Iterator[Peer]:
    """One at a time, so that no two trained peers are held in memory."""
    if "linear_svc" in options.peers:
        yield LinearSVCPeer(tree.leaves, case.inputs)
        if len(case.inputs) > 1:
            yield LinearSVCPeer(tree.leaves, case.inputs, by_field=True)
    if "fasttext" in options.peers:
        for rate in options.fasttext_rate:
            peer = FastTextPeer(tree.leaves, case.inputs, learning_rate=rate)
            if len(options.fasttext_rate) > 1:
                peer.name = f"{FastTextPeer.name}, rate {rate:g}"
            yield peer


def cases_of(train: Sequence[Product], data: str) -> list[Case]:
    """Those of the shipped bundle of this data set; of others title, all the text there is, masked title."""
    for entry in SHIPPED:
        if entry.data == data:
            return [case for case in entry.cases if "image" not in case.inputs]
    present = [n for n in TEXT_INPUTS if any(getattr(p, n) is not None for p in train)]
    cases = [Case(_TITLE)] if "title" in present else []
    if len(present) > 1:
        cases.append(Case(frozenset(present)))
    return [*cases, Case(_TITLE, masked=True)] if "title" in present else cases


def _completed(options: argparse.Namespace) -> argparse.Namespace:
    """The options with what was left open: data set and fastText's rates, by the table of shipped bundles."""
    told = argparse.Namespace(**vars(options))
    if told.data is None:
        told.data = default_data(SHIPPED[0] if told.peers_only else shipped_in(told.bundle))
    if told.fasttext_rate is None:
        rates = {entry.data: entry.fasttext_rates for entry in SHIPPED}
        told.fasttext_rate = list(rates.get(told.data.name, (FASTTEXT_RATE,)))
    return told


def _seen(products: Iterable[Product], case: Case, tree: Tree) -> list[Product]:
    """What a case shows of the products; those without any text left are left out, for all systems."""
    words = category_words(tree)
    kept = []
    for product in products:
        if case.masked and product.title is not None:
            product = replace(product, title=mask_title(product.title, words) or None)
        if visible_text(product, sorted(case.inputs)).strip():
            kept.append(product)
    return kept


def _products(path: Path, tree: Tree, *, unique: bool) -> tuple[list[Product], int]:
    """Products labelled with a leaf, photos left in the file; and how many rows could not be used."""
    source = SourceConfig(path=str(path), columns=ColumnMap(image=""))
    names = {node.id: node.name for node in tree.nodes}
    items = check_labels(read_source(source, labelled=True, unique=unique), tree.leaf_index, tree.inner, names)
    products, failed = [], 0
    for item in items:
        if isinstance(item, Product):
            products.append(item)
        else:
            failed += 1
    if not products:
        raise DataError(f"{path}: none of {failed} rows can be used, expected rows labelled with a leaf")
    return products, failed


def _finite(scores: Scores) -> Scores:
    """Scores with a floor in the place of -inf, which stands for leaves never seen in training."""
    floor = scores[np.isfinite(scores)].min() - 1
    return np.where(np.isneginf(scores), floor, scores)


def _load(bundle: Path) -> Predictor:
    from multimodal import load

    return load(bundle, threads=machine_threads())


def _machine() -> dict[str, Any]:
    packages = {}
    for name in ("multimodal", "numpy", "onnxruntime", "scikit-learn", "fasttext-numpy2"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    facts = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    return {**facts, "threads": machine_threads(), "packages": packages}


def _points(comparison: dict[str, float] | None) -> str:
    if comparison is None:
        return "–"
    d, low, high = (100 * comparison[key] for key in ("difference", "low", "high"))
    return f"{d:+.2f} [{low:+.2f}, {high:+.2f}]"


def _progress(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="folder of one data set; the shipped bundle's own unless said")
    parser.add_argument("--bundle", type=Path, default=Path("artifacts/fashion"))
    parser.add_argument("--split", choices=("val", "test"), default="val", help="test is for closing figures")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument(
        "--fasttext-rate", type=float, nargs="+", help="its rates, each a peer; those that suit the set unless said"
    )
    parser.add_argument("--peers-only", action="store_true", help="leave our bundle out")
    parser.add_argument("--case", action="append", help="only this case ('title', 'masked title', …)")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--keep", type=Path, help="keep the peers' answers in this folder and use those kept before")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""One point of a learning curve: trains our bundle and the peers on a subset, measures all on the validation rows."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curve_data import DataSet
from multimodal.config.models import RunConfig
from multimodal.evaluation import hierarchical_prf
from multimodal.types import TEXT_INPUTS, HeadName, InputName, Product
from peers import FastTextPeer, LinearSVCPeer, Peer, machine_threads, visible_text

OURS = "multimodal"
BATCHES = 8
"""Batches an epoch that few photos are cut into, at least."""
Hits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Case:
    """What the systems see; with a photo among it there are no peers."""

    inputs: tuple[InputName, ...]

    @property
    def name(self) -> str:
        return " + ".join("photo" if name == "image" else name for name in self.inputs)

    @property
    def head(self) -> HeadName:
        texts, photo = set(self.inputs) & set(TEXT_INPUTS), "image" in self.inputs
        return "fused" if texts and photo else "image" if photo else "text"


def cases_of(data: DataSet, *, photos: bool) -> list[Case]:
    """Title, all text there is, and with photos: all of it with the photo, the photo alone."""
    texts = data.text_inputs
    found = [Case((texts[0],))] if texts else []
    found += [Case(texts)] if len(texts) > 1 else []
    if photos:
        found += [Case((*texts, "image"))] if texts else []
        found += [Case(("image",))]
    return found


def few_rows(config: RunConfig, rows: int, epochs: int | None, steps: int) -> RunConfig:
    """The recipe for a number of rows: fewer photos make smaller batches, and more epochs of them.

    Args:
        epochs: of the photo tower, in the place of the recipe's.
        steps: optimiser steps the photo tower takes at least; a handful teaches nothing.
    """
    image = config.image
    if image is None:
        return config
    batch = min(image.batch_size, max(4, rows // BATCHES))
    chosen = image.epochs if epochs is None else epochs
    longer = max(chosen, -(-steps // -(-rows // batch)))
    early = round(longer * image.early_epochs / image.epochs)
    changed = {"batch_size": batch, "epochs": longer, "patience": longer, "early_epochs": early}
    return config.model_copy(update={"image": image.model_copy(update=changed)})


def train_bundle(config: RunConfig) -> Path:
    """Trains what a user would get, with the package's own run; goes on where a killed one stopped."""
    from multimodal.export.run import train

    return train(config)


def measure(
    data: DataSet,
    subset: Sequence[Product],
    config: RunConfig,
    cases: Sequence[Case],
    peers: Sequence[str],
    rates: Sequence[float],
) -> list[dict[str, Any]]:
    """Figures of every case: ours from one bundle, and the peers fitted on the same products.

    Args:
        subset: the products that ``config`` trains on.
        peers: "linear_svc", "fasttext".
        rates: fastText's learning rates, each a system of its own.
    """
    from multimodal import load

    began = time.perf_counter()
    predictor = load(train_bundle(config), threads=machine_threads())
    fitted = time.perf_counter() - began
    found = []
    for case in cases:
        rows = rows_of(data, case)
        products = [data.val[i] for i in rows]
        probs = predictor.leaf_probabilities(products, frozenset(case.inputs), head=_single(case.head))
        unanswered: Hits = np.asarray(np.isnan(probs).any(axis=1))
        # All leaves alike: a row of which nothing is known is wrong unless the first leaf is right.
        answers = {OURS: np.where(unanswered[:, None], 0.0, probs).argmax(axis=1)}
        seconds = {OURS: fitted}
        for name, peer in _peers(case, data, peers, rates):
            began = time.perf_counter()
            try:
                answers[name] = _fit(peer, subset, case).predict(products).scores.argmax(axis=1)
            except RuntimeError as error:  # fastText diverges at a high rate
                print(f"{case.name}, {name}: left out: {error}", file=sys.stderr, flush=True)
                continue
            seconds[name] = time.perf_counter() - began
        found.append(
            {
                "name": case.name,
                "rows": len(rows),
                "unanswered": int(unanswered.sum()),
                "systems": {n: _figures(a, data, rows, seconds[n]) for n, a in answers.items()},
            }
        )
    return found


def rows_of(data: DataSet, case: Case) -> npt.NDArray[np.int64]:
    """Validation rows that show something of a case; the others are left out for all systems."""

    def shows(product: Product) -> bool:
        photo = "image" in case.inputs and product.image is not None
        return photo or bool(visible_text(product, case.inputs).strip())

    return np.array([i for i, p in enumerate(data.val) if shows(p)], np.int64)


def pack(hits: Hits) -> str:
    """Flags as text that a JSON file can hold, for paired comparisons later."""
    return base64.b64encode(np.packbits(hits).tobytes()).decode("ascii")


def unpack(text: str, rows: int) -> Hits:
    """The flags [rows] that ``pack`` has packed."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=rows)
    return bits.astype(np.bool_)


def _figures(
    answers: npt.NDArray[np.int64], data: DataSet, rows: npt.NDArray[np.int64], seconds: float
) -> Mapping[str, Any]:
    labels = data.labels[rows]
    hits = np.asarray(answers == labels)
    return {
        "top1": float(hits.mean()),
        "hf1": hierarchical_prf(answers, labels, data.tree)[2],
        "seconds": round(seconds, 2),
        "hits": pack(hits),
    }


def _single(head: HeadName) -> HeadName | None:
    """Which head to ask for by name: the fused answer is the one that nobody has to ask for."""
    return None if head == "fused" else head


def _fit(peer: Peer, subset: Sequence[Product], case: Case) -> Peer:
    peer.fit([p for p in subset if visible_text(p, case.inputs).strip()])
    return peer


def _peers(
    case: Case, data: DataSet, names: Sequence[str], rates: Sequence[float]
) -> Iterator[tuple[str, Peer]]:
    """Peers and what the table calls them, one at a time: a fastText holds 800 MB."""
    if case.head != "text":
        return
    inputs, leaves = frozenset(case.inputs), data.tree.leaves
    if "linear_svc" in names:
        for by_field in (False, True)[: min(2, len(inputs))]:
            peer = LinearSVCPeer(leaves, inputs, by_field=by_field)
            yield peer.name, peer
    if "fasttext" in names:
        for rate in rates:
            name = FastTextPeer.name if len(rates) == 1 else f"{FastTextPeer.name}, rate {rate:g}"
            yield name, FastTextPeer(leaves, inputs, learning_rate=rate)

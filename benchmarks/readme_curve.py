"""The README's table of few labels, from the JSON files of ``learning_curve.py``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tables import cell, table

OURS = "multimodal"
_PEERS = {"LinearSVC": "TF-IDF + LinearSVC", "fastText": "fastText"}
"""Part of a system's name -> what the table calls all systems of that kind; the best of them at each size counts."""


def curve_block(results: Sequence[Mapping[str, Any]]) -> str:
    """Top-1 by the number of training rows: one row a model, one column a size.

    Args:
        results: documents as ``learning_curve.py --json`` writes them; means over the seeds they hold.
    """
    means = curve_means(results)
    sizes = sorted({size for by_size in means.values() for size in by_size}, key=lambda size: size or 10**9)
    heads = ["data", "sees", "model", *(f"{size:,}" if size else "all" for size in sizes)]
    rows = [[*names, *(cell(by_size.get(size)) for size in sizes)] for names, by_size in means.items()]
    note = (
        "Top-1 on val; columns are training rows. Peers: the better of one string and fields apart, and of two "
        "learning rates, at each size. Means of the seeds in the files; `learning_curve.py` prints intervals."
    )
    return "\n".join([*table(heads, rows, left=3), "", note])


def curve_means(results: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], dict[int, float]]:
    """Data, what is seen and model -> number of training rows, 0 for all -> mean top-1 of the seeds."""
    found: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for document in results:
        data, all_rows = document["settings"]["data"]["name"], document["settings"]["data"]["train"]
        photos = "image" in document["settings"]["recipe"]
        for point in document["rows"]:
            size = 0 if point["rows"] == all_rows else point["rows"]
            # A run with photos measures its text head too; that of a bundle of text alone is in a file of its own.
            for case in (case for case in point["cases"] if not photos or "photo" in case["name"]):
                for kind, top1 in _kinds(case["systems"]):
                    found[data, case["name"], kind][size].append(top1)
    return {names: {size: sum(of) / len(of) for size, of in by_size.items()} for names, by_size in found.items()}


def _kinds(systems: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, float]]:
    """Ours, and the best system of each kind of peer."""
    yield OURS, systems[OURS]["top1"]
    for part, told in _PEERS.items():
        scores = [figures["top1"] for name, figures in systems.items() if part in name]
        if scores:
            yield told, max(scores)

"""The README's figures in short, from what the other benchmarks have saved. Reads nothing, measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from readme_curve import OURS, curve_means
from tables import cell, table

Document = Mapping[str, Any]
_PEERS = ("TF-IDF + LinearSVC", "fastText")
_FEW = 200
"""Training rows of a new seller."""
_PROMISED = 0.95


@dataclass(frozen=True, slots=True)
class Saved:
    """What the benchmarks have saved of the shipped bundles, as JSON.

    Attributes:
        english, russian: of ``accuracy.py``, on titles of either language.
        curves: of ``learning_curve.py``.
        evaluation: of ``publish.py``, of the bundle that reads photos.
        trust, latency, serving: of the scripts of these names.
        megabytes: size of each shipped bundle.
    """

    english: Document
    russian: Document
    curves: Sequence[Document]
    evaluation: Document
    trust: Document
    latency: Document
    serving: Document
    megabytes: Sequence[float]


def summary_block(saved: Saved) -> str:
    """A table of top-1 beside the peers, and a few sentences on doubt, speed and size."""
    means = curve_means(saved.curves)
    rows = [
        ["English title", *_systems(saved.english, "title")],
        [f"English title, {_FEW} training rows", *_few(means, saved.english["data"])],
        ["Russian title", *_systems(saved.russian, "title")],
        [f"Russian title, {_FEW} training rows", *_few(means, saved.russian["data"])],
        ["English title without the words of category names", *_systems(saved.english, "masked title")],
        *([said, _ours(saved, case), "–", "–"] for case, said in _WITH_PHOTOS.items()),
    ]
    return "\n".join([*table(["top-1 on val", OURS, *_PEERS], rows), "", *(f"- {line}" for line in _sentences(saved))])


_WITH_PHOTOS = {
    "masked title + photo": "the same titles, and the photo",
    "photo": "photo of 60×80 alone",
    "title + characteristics + photo": "title, characteristics and photo",
}
"""Case of the evaluation -> what the table says."""


def _systems(result: Document, case: str) -> list[str]:
    (systems,) = (found["systems"] for found in result["cases"] if found["name"] == case)
    return [cell(systems[name]["top1"]) for name in (f"{OURS}, text head", *_PEERS)]


def _few(means: Mapping[tuple[str, str, str], Mapping[int, float]], data: str) -> list[str]:
    return [cell(means[data, "title", model][_FEW]) for model in (OURS, *_PEERS)]


def _ours(saved: Saved, case: str) -> str:
    return cell(saved.evaluation["splits"]["val"]["cases"][case]["heads"]["fused"]["top1"])


def _sentences(saved: Saved) -> list[str]:
    cases = saved.evaluation["splits"]["val"]["cases"]
    worst = max(found["heads"]["fused"]["ece"] for name, found in cases.items() if "masked" not in name)
    (kept,) = (row for row in saved.trust["mixes"]["image"]["promises"] if row["asked"] == _PROMISED)
    asked = {row["sent"]: row["server_p50_ms"] for row in saved.latency["latency"]}
    photo, title = saved.latency["latency"][0]["sent"], "title"
    (kind,) = (kind for kind in saved.serving["kinds"] if kind["sent"] == photo)
    return [
        f"A probability means what it says: expected calibration error {worst:.3f} at most, whichever of title, "
        "characteristics and photo are there in the rows above.",
        f"Asked for {_PROMISED:.0%} right, photos alone get {kept['accuracy']:.1%}: {kept['leaf_coverage']:.0%} of "
        "them with a leaf, most others with a category further up.",
        f"{photo}: {asked[photo]:.1f} ms in the service on one thread (median); a title: {asked[title]:.1f} ms. Under "
        f"load {kind['throughput_ratio']:.1f} times the answers of FastAPI with the same model in torch.",
        f"Bundles of {' and '.join(f'{size:.1f}' for size in saved.megabytes)} MB; the service takes "
        f"{saved.latency['resident_mb']:.0f} MB of memory and {saved.latency['install_mb']:.0f} MB of disk, without "
        "torch, a GPU or a network.",
    ]

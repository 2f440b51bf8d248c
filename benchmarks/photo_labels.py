"""Tags and colour read from photos, beside peers on the same rows.

    python benchmarks/photo_labels.py --json benchmarks/results/photo-labels.json
    python benchmarks/photo_labels.py --test --json benchmarks/results/photo-labels-test.json

Tags: the bundle, and a plain timm fine-tuning on dress_patterns (same photos, same size, ImageNet weights for both),
whose thresholds are chosen on the select half of val, as the bundle's were; with --separate also bundles whose
backbone reads tags alone. Colour: the bundle, the commonest colour, and a colour histogram with nearest neighbours.
Figures of val are over both halves; the plain one is chosen by one.
Results are kept in the file named by --json, so a killed run goes on from there, and for another bundle its own
figures alone are measured again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import multimodal
from command import printed, split_parser
from multimodal.artifact import bundle_sha256
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.data.splits import split_half
from multimodal.evaluation import macro_f1, tag_metrics, threshold_for
from multimodal.serving.label_figures import LabelFigures, measure_labels, with_labels
from multimodal.text.characteristics import attribute_value
from multimodal.types import Product
from photo_peers import HistogramNeighbours, PlainTimm, kitchen
from records import Records

_TAG_KEYS = ("precision", "recall", "f1", "average_precision")
_PEER = "tags, plain timm"
_OURS = ("tags", "colour")
_HEADINGS = ("precision", "recall", "F1", "average precision")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet and prints the tables; 0 when done, 2 for bad usage or input."""
    options = _options(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Measures bundle and peers; returns the tables."""
    predictor = multimodal.load(options.bundle, threads=options.threads)
    settings = {
        "split": "test" if options.test else "val", "epochs": options.epochs, "size": list(options.size),
        "seed": options.seed, "share": options.share,
    }  # fmt: skip
    records = Records(options.json, settings, ("what",))
    # Peers stay as they were measured, whatever the bundle is.
    records.rows = [row for row in records.rows if row["what"] not in _OURS or row["bundle"] == _told(predictor)]
    measures = {
        "tags": lambda: {"bundle": _told(predictor), **_bundle_tags(predictor, options.bundle, options)},
        _PEER: lambda: _plain_tags([spec.name for spec in predictor.manifest.tags], options),
        "colour": lambda: {"bundle": _told(predictor), **_bundle_colour(predictor, options)},
        "colour, peers": lambda: _plain_colour(predictor, options),
    }
    for folder in options.separate:
        measures[f"tags, {folder.name}"] = partial(_own_tags, folder, options)
    return markdown(records.measured(list(measures), lambda what: measures[what]()), records.settings)


def _told(predictor: multimodal.Predictor) -> str:
    return f"{predictor.manifest.name} {bundle_sha256(predictor.manifest)[:12]}"


def _bundle_tags(predictor: multimodal.Predictor, folder: Path, options: argparse.Namespace) -> Mapping[str, Any]:
    found = _measured(predictor, options.data / "dress_patterns" / f"{_split(options)}.parquet")
    return {"name": f"bundle {folder.name}", **found.tag_document()}


def _own_tags(folder: Path, options: argparse.Namespace) -> Mapping[str, Any]:
    return _bundle_tags(multimodal.load(folder, threads=options.threads), folder, options)


def _bundle_colour(predictor: multimodal.Predictor, options: argparse.Namespace) -> Mapping[str, Any]:
    found = _measured(predictor, options.data / "fashion_products" / f"{_split(options)}.parquet")
    name = next(iter(found.attributes))
    return {"name": f"bundle {options.bundle.name}", "attribute": name, **found.attribute_document()[name]}


def _measured(predictor: multimodal.Predictor, file: Path) -> LabelFigures:
    source = with_labels(SourceConfig(path=str(file)), predictor.manifest)
    assert source is not None
    found = measure_labels(predictor, read_source(source, labelled=False))
    assert found is not None
    return found


def _plain_tags(tags: Sequence[str], options: argparse.Namespace) -> Mapping[str, Any]:
    columns = ColumnMap(tags={name: name for name in tags})
    data = {
        split: _photos(options.data / "dress_patterns" / f"{split}.parquet", columns, options, share)
        for split, share in (("train", options.share), ("val", 1.0), *([("test", 1.0)] if options.test else []))
    }
    truth = {
        split: np.array([[int((p.tags or {})[name]) for name in tags] for p in products])
        for split, (products, _) in data.items()
    }
    peer = PlainTimm("mobilenetv2_100", options.weights, options.size, options.epochs, options.seed)
    began = time.perf_counter()
    peer.fit(data["train"][1], truth["train"].astype(np.float32))
    seconds = time.perf_counter() - began
    on_val = peer.predict(data["val"][1])
    select = np.array([split_half(p, i) == "select" for i, p in enumerate(data["val"][0])])
    thresholds = {n: threshold_for(on_val[select, i], truth["val"][select, i] == 1) for i, n in enumerate(tags)}
    probs = on_val if not options.test else peer.predict(data["test"][1])
    figures = tag_metrics(
        {n: probs[:, i] for i, n in enumerate(tags)},
        {n: truth[_split(options)][:, i] for i, n in enumerate(tags)},
        thresholds,
    )
    return {"name": peer.name, "seconds": round(seconds, 1), **figures}


def _plain_colour(predictor: multimodal.Predictor, options: argparse.Namespace) -> Mapping[str, Any]:
    spec = predictor.manifest.attributes[0]
    known = set(spec.values)
    folder = options.data / "fashion_products"

    def read(split: str, share: float) -> tuple[list[str], np.ndarray]:
        products, pixels = _photos(folder / f"{split}.parquet", ColumnMap(), options, share, size=(80, 60))
        values = [attribute_value(p, spec.name, spec.characteristic) or "" for p in products]
        rows = [i for i, value in enumerate(values) if value in known]
        return [values[i] for i in rows], pixels[rows]

    values, pixels = read("train", options.share)
    truth, photos = read(_split(options), 1.0)
    peer = HistogramNeighbours()
    peer.fit(pixels, values)
    index = {value: i for i, value in enumerate(spec.values)}
    answers = np.array([index[value] for value in peer.predict(photos)])
    codes = np.array([index[value] for value in truth])
    commonest = max(known, key=values.count)
    return {
        "name": peer.name,
        "rows": len(codes),
        "top1": float((answers == codes).mean()),
        "macro_f1": macro_f1(answers, codes),
        "majority": float((codes == index[commonest]).mean()),
        "commonest": commonest,
    }


def _photos(
    file: Path, columns: ColumnMap, options: argparse.Namespace, share: float, size: tuple[int, int] | None = None
) -> tuple[list[Product], np.ndarray]:
    source = SourceConfig(path=str(file), columns=columns, share=share, seed=options.seed)
    items = [p for p in read_source(source, labelled=False) if isinstance(p, Product) and p.image is not None]
    prepared = kitchen(size or options.size)
    return items, np.stack([prepared.prepare(p.image) for p in items if p.image is not None])


def _split(options: argparse.Namespace) -> str:
    return "test" if options.test else "val"


def markdown(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The tables of tags and of colour."""
    found = {row["what"]: row for row in rows}
    split = settings["split"]
    lines = [f"Tags, dress_patterns {split}:", "", f"| | tag | {' | '.join(_HEADINGS)} |", "|---|---|" + "---:|" * 4]
    own = [what for what in found if what.startswith("tags, ") and what != _PEER]
    for row in (found[what] for what in ("tags", *own, _PEER) if what in found):
        for tag, figures in row["by_tag"].items():
            lines.append(f"| {row['name']} | {tag} | {' | '.join(_figure(figures[key]) for key in _TAG_KEYS)} |")
        lines.append(f"| {row['name']} | **macro** | | | **{_figure(row['macro_f1'])}** | |")
    ours, peers = found["colour"], found["colour, peers"]
    title = f"{ours['attribute'].capitalize()} from the photo, fashion_products {split}"
    lines += ["", f"{title}, {ours['rows']:,} rows, {ours['values']} values:"]
    lines += ["", "| | top-1 | macro F1 |", "|---|---:|---:|"]
    lines.append(f"| {ours['name']} | {_figure(ours['top1'])} | {_figure(ours['macro_f1'])} |")
    lines.append(f"| {peers['name']} | {_figure(peers['top1'])} | {_figure(peers['macro_f1'])} |")
    lines.append(f"| always {peers['commonest']} | {_figure(peers['majority'])} | |")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = split_parser(__doc__)
    parser.add_argument(
        "--separate", type=Path, nargs="*", default=(), help="bundles of configs/dress-patterns.yaml, to compare with"
    )
    weights = Path("../shared/weights/mobilenetv2_100_imagenet.safetensors")
    parser.add_argument("--weights", type=Path, default=weights, help="ImageNet weights of the plain fine-tuning")
    parser.add_argument("--size", type=int, nargs=2, default=(160, 120), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--epochs", type=int, default=5, help="of the plain fine-tuning")
    parser.add_argument("--share", type=float, default=1.0, help="of the peers' training rows; for a quick try")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())

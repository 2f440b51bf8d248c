"""Measures a shipped bundle and writes its figures where people read them.

    python benchmarks/publish.py --bundle artifacts/fashion            # validation rows
    python benchmarks/publish.py --bundle artifacts/fashion --test     # and the test rows: once, at the end
    python benchmarks/publish.py --render                              # only write the pages again

Writes ``evaluation.json`` and ``MODEL_CARD.md`` into the bundle and the tables of the README, between
their markers. What the other benchmarks left in ``benchmarks/results/`` goes there too.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from card import model_card
from multimodal.artifact import LAYOUT, Manifest, bundle_sha256, read_manifest
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.errors import DataError, MultimodalError
from multimodal.types import InputName
from pages import fashion_block, latency_block, memory_block, peers_block, replace_block
from photo_rows import LARGER, PHONE, larger_photos, phone_photos
from readme_curve import curve_block

if TYPE_CHECKING:
    from multimodal.serving import Predictor

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PEERS, LATENCY = RESULTS / "accuracy-fashion.json", RESULTS / "latency.json"
MEMORY = RESULTS / "memory.json"
CURVES = tuple(RESULTS / f"curve-{name}.json" for name in ("fashion_products", "perekrestok_ru", "fused"))


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table: what may be seen of each product."""

    name: str
    inputs: tuple[InputName, ...]
    masked: bool = False


CASES = (
    Case("title", ("title",)),
    Case("title + characteristics", ("title", "characteristics")),
    Case("photo", ("image",)),
    Case("title + photo", ("title", "image")),
    Case("title + characteristics + photo", ("title", "characteristics", "image")),
    Case("masked title", ("title",), masked=True),
    Case("masked title + photo", ("title", "image"), masked=True),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and writes; 0 when done, 2 for bad usage or input."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _options(given)
    try:
        if not options.render:
            splits = ("val", "test") if options.test else ("val",)
            measure(options.bundle, options.data, splits, options.threads, command(given, options.data))
        write_pages(options.bundle, options.readme)
    except MultimodalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def measure(bundle: Path, data: Path, splits: Sequence[str], threads: int | None, told: str) -> dict[str, Any]:
    """Measures ``splits`` and writes ``evaluation.json``.

    A test split measured before is kept while the bundle is the same one; with another bundle it goes.

    Raises:
        DataError: a split's file is not there, or holds nothing that can be measured.
    """
    from multimodal import load

    missing = [file for file in (data / f"{split}.parquet" for split in splits) if not file.is_file()]
    if missing:
        raise DataError(
            f"{missing[0]}: no such file; expected the splits of {data.name} there, give their folder as --data"
        )
    manifest = read_manifest(bundle)
    predictor = load(bundle, threads=threads)
    document: dict[str, Any] = {
        "bundle": _identity(manifest),
        "data": data.name,
        "sources": _sources(manifest),
        "splits": _kept(bundle, manifest),
    }
    for split in splits:
        document["splits"][split] = {"command": told, **_split(predictor, data, split)}
    if (data.parent / PHONE).is_dir():
        document["phone_photos"] = phone_photos(predictor, data.parent / PHONE)
    if (data / LARGER).is_file():
        document["larger_photos"] = {split: larger_photos(predictor, data, split) for split in splits}
    file = bundle / LAYOUT.evaluation
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return document


def write_pages(bundle: Path, readme: Path) -> None:
    """Writes the bundle's card and the README's tables from the figures on disk.

    Raises:
        DataError: nothing was measured yet, figures of another bundle, or a README without the markers.
    """
    manifest, evaluation = read_manifest(bundle), read_evaluation(bundle)
    if evaluation["bundle"]["sha256"] != bundle_sha256(manifest):
        raise DataError(
            f"{bundle / LAYOUT.evaluation}: got figures of the bundle {evaluation['bundle']['sha256'][:12]}…, expected "
            f"{bundle_sha256(manifest)[:12]}…; measure this bundle: leave --render out"
        )
    (bundle / LAYOUT.card).write_text(model_card(manifest, evaluation, size(bundle)), encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    for name, body in readme_blocks(bundle).items():
        text = replace_block(text, name, body)
    readme.write_text(text, encoding="utf-8")


def readme_blocks(bundle: Path) -> dict[str, str]:
    """Name of a block -> its Markdown; peers and latency only where they were measured."""
    blocks = {"fashion": fashion_block(read_manifest(bundle), read_evaluation(bundle), size(bundle))}
    if PEERS.is_file():
        blocks["peers"] = peers_block(json.loads(PEERS.read_text(encoding="utf-8")))
    if LATENCY.is_file():
        blocks["latency"] = latency_block(json.loads(LATENCY.read_text(encoding="utf-8")))
    if MEMORY.is_file():
        blocks["memory"] = memory_block(json.loads(MEMORY.read_text(encoding="utf-8")))
    curves = [json.loads(file.read_text(encoding="utf-8")) for file in CURVES if file.is_file()]
    if curves:
        blocks["curve"] = curve_block(curves)
    return blocks


def read_evaluation(bundle: Path) -> dict[str, Any]:
    """The figures saved beside a bundle; DataError where there are none."""
    file = bundle / LAYOUT.evaluation
    if not file.is_file():
        raise DataError(f"{file}: no such file; expected saved figures, measure first: leave --render out")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def size(bundle: Path) -> int:
    """Bytes of the files that answer; the figures and the card about them are left out."""
    hashed = sum(entry.bytes for entry in read_manifest(bundle).files.values())
    return hashed + (bundle / LAYOUT.manifest).stat().st_size


def command(given: Sequence[str], data: Path) -> str:
    """The command as another machine would type it: the data's own place becomes $MULTIMODAL_DATA."""
    portable = f"$MULTIMODAL_DATA/{data.name}"
    words = [word.replace(str(data), portable) for word in given]
    return " ".join(["python", "benchmarks/publish.py", *(w if portable in w else shlex.quote(w) for w in words)])


def _split(predictor: Predictor, data: Path, split: str) -> dict[str, Any]:
    began = time.perf_counter()
    cases = {case.name: _case(predictor, data / f"{split}.parquet", case, split) for case in CASES}
    return {"seconds": round(time.perf_counter() - began, 1), "cases": cases}


def _case(predictor: Predictor, file: Path, case: Case, split: str) -> dict[str, Any]:
    from multimodal.serving.evaluate import evaluate

    print(f"{split}: {case.name}", file=sys.stderr, flush=True)
    columns = ColumnMap() if "image" in case.inputs else ColumnMap(image="")
    began = time.perf_counter()
    items = read_source(SourceConfig(path=str(file), columns=columns), labelled=True)
    found = evaluate(predictor, items, inputs=case.inputs, mask_title_words=case.masked)
    return {"seconds": round(time.perf_counter() - began, 1), **found.to_dict()}


def _identity(manifest: Manifest) -> dict[str, str]:
    named = {"name": manifest.name, "version": manifest.version, "tree_version": manifest.tree_version}
    return {**named, "sha256": bundle_sha256(manifest)}


def _kept(bundle: Path, manifest: Manifest) -> dict[str, Any]:
    """Splits measured before of this very bundle."""
    try:
        before = read_evaluation(bundle)
    except DataError:
        return {}
    same = before["bundle"]["sha256"] == bundle_sha256(manifest)
    return dict(before["splits"]) if same else {}


def _sources(manifest: Manifest) -> list[dict[str, Any]]:
    """What the bundle was trained on: data set, file and rows of each source."""
    data = manifest.provenance.get("config", {}).get("data", {})
    return [{"split": split, **_source(source)} for split in ("train", "val") for source in data.get(split, [])]


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    import pyarrow.parquet as pq

    if source["format"] == "drawings":
        return {"data": "drawings", "file": f"seed {source['seed']}", "rows": source["products"], "share": 1.0}
    file = Path(source["path"])
    rows = pq.read_metadata(file).num_rows if file.suffix == ".parquet" and file.is_file() else None
    joined = Path(source["join"]["path"]).name if source["join"] else None
    return {"data": file.parent.name, "file": file.name, "rows": rows, "share": source["share"], "joined": joined}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    base = Path(os.environ.get("MULTIMODAL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("artifacts/fashion"))
    parser.add_argument("--data", type=Path, default=base / "fashion_products", help="folder of the splits")
    parser.add_argument("--test", action="store_true", help="measure the test split too; for closing figures")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the pages from saved figures")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--threads", type=int, help="threads to compute with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

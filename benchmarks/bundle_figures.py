"""The figures of a shipped bundle: measured on its data set, and kept beside it in ``evaluation.json``."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.artifact import LAYOUT, Manifest, bundle_sha256, read_manifest
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.errors import DataError
from photo_rows import LARGER, PHONE, larger_photos, phone_photos
from photo_shows import shows
from shipped import Case, Shipped

if TYPE_CHECKING:
    from multimodal.serving import Predictor


def measure(
    entry: Shipped, bundle: Path, data: Path, splits: Sequence[str], threads: int | None, told: str
) -> dict[str, Any]:
    """Measures ``splits`` and writes ``evaluation.json``.

    A test split measured before is kept while the bundle is the same one; with another bundle it goes.

    Args:
        entry: what the bundle is measured on.
        told: the command, as it is printed beside the figures.

    Raises:
        DataError: a split's file is not there, or holds nothing that can be measured.
    """
    from multimodal import load

    missing = [file for file in (data / f"{split}.parquet" for split in splits) if not file.is_file()]
    if missing:
        raise DataError(
            f"{missing[0]}: no such file; expected the splits of {entry.data} there, give their folder as --data"
        )
    manifest = read_manifest(bundle)
    predictor = load(bundle, threads=threads)
    document: dict[str, Any] = {
        "bundle": identity(manifest),
        "data": data.name,
        "sources": _sources(manifest),
        "splits": _kept(bundle, manifest),
    }
    for split in splits:
        document["splits"][split] = {"command": told, **_split(predictor, entry.cases, data, split)}
    if "image" in manifest.inputs:
        document |= _other_photos(predictor, data, splits)
        told = shows(predictor, data, splits)
        document |= {"shows": told} if told else {}
    file = bundle / LAYOUT.evaluation
    file.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return document


def read_evaluation(bundle: Path) -> dict[str, Any]:
    """The figures saved beside a bundle; DataError where there are none."""
    file = bundle / LAYOUT.evaluation
    if not file.is_file():
        raise DataError(f"{file}: no such file; expected saved figures, measure first: leave --render out")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def identity(manifest: Manifest) -> dict[str, str]:
    """What figures say of the bundle they are of."""
    named = {"name": manifest.name, "version": manifest.version, "tree_version": manifest.tree_version}
    return {**named, "sha256": bundle_sha256(manifest), "calibration": calibration_sha256(manifest)}


def calibration_sha256(manifest: Manifest) -> str:
    """Changes with what answers are made of beside the files: a bundle calibrated anew answers otherwise."""
    return hashlib.sha256(manifest.calibration.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def _split(predictor: Predictor, cases: Sequence[Case], data: Path, split: str) -> dict[str, Any]:
    began = time.perf_counter()
    found = {case.name: _case(predictor, data / f"{split}.parquet", case, split) for case in cases}
    return {"seconds": round(time.perf_counter() - began, 1), "cases": found}


def _case(predictor: Predictor, file: Path, case: Case, split: str) -> dict[str, Any]:
    from multimodal.serving.evaluate import evaluate

    print(f"{predictor.name}, {split}: {case.name}", file=sys.stderr, flush=True)
    columns = ColumnMap() if "image" in case.inputs else ColumnMap(image="")
    began = time.perf_counter()
    items = read_source(SourceConfig(path=str(file), columns=columns), labelled=True)
    found = evaluate(predictor, items, inputs=case.inputs, mask_title_words=case.masked)
    return {"seconds": round(time.perf_counter() - began, 1), **found.to_dict()}


def _other_photos(predictor: Predictor, data: Path, splits: Sequence[str]) -> dict[str, Any]:
    """Photos from phones and larger ones, where the data sets have them."""
    found: dict[str, Any] = {}
    if (data.parent / PHONE).is_dir():
        found["phone_photos"] = phone_photos(predictor, data.parent / PHONE)
    if (data / LARGER).is_file():
        found["larger_photos"] = {split: larger_photos(predictor, data, split) for split in splits}
    return found


def _kept(bundle: Path, manifest: Manifest) -> dict[str, Any]:
    """Splits measured before of this very bundle."""
    try:
        before = read_evaluation(bundle)
    except DataError:
        return {}
    return dict(before["splits"]) if before["bundle"] == identity(manifest) else {}


def _sources(manifest: Manifest) -> list[dict[str, Any]]:
    """What the bundle was trained on: data set, file and rows of each source."""
    data = manifest.provenance.get("config", {}).get("data", {})
    beside = data.get("photos", {})
    named = [(split, split, data) for split in ("train", "val")]
    named += [(f"{split}, photos alone", split, beside) for split in ("train", "val")]
    return [{"split": told, **_source(source)} for told, split, part in named for source in part.get(split, [])]


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    import pyarrow.parquet as pq

    if source["format"] == "drawings":
        return {"data": "drawings", "file": f"seed {source['seed']}", "rows": source["products"], "share": 1.0}
    file = Path(source["path"])
    rows = pq.read_metadata(file).num_rows if file.suffix == ".parquet" and file.is_file() else None
    joined = Path(source["join"]["path"]).name if source["join"] else None
    return {"data": file.parent.name, "file": file.name, "rows": rows, "share": source["share"], "joined": joined}

"""An ablation of the photo recipe, for real on drawn photos, and the tables of photos and of few labels."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from conftest import TINY
from multimodal.artifact import read_manifest
from multimodal.config import load_config
from multimodal.data.sample import SampleFiles

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import photo_ablation
import readme_curve


def test_variants_differ_in_one_thing_and_are_measured_once(
    catalog: SampleFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, work = tmp_path / "ablation.json", tmp_path / "work"
    words = ["--data", str(catalog.folder), "--config", str(catalog.config), "--work", str(work), "--json", str(file)]
    words += [part for setting in TINY for part in ("--set", setting)]
    words += ["--variants", "recipe", "no augmentation", "--share", "0.5", "--epochs", "1"]
    assert photo_ablation.main(words) == 0
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert [row["variant"] for row in rows] == ["recipe", "no augmentation"]
    for row in rows:
        manifest = read_manifest(work / catalog.folder.name / row["variant"].replace(" ", "-") / "bundle")
        measured = manifest.metrics["val"]["image"]["answer"]
        assert (row["top1"], row["nll"], row["phones"]) == (measured["top1"], measured["nll"], None)
        strength = manifest.provenance["config"]["image"]["augment"]["strength"]
        assert (strength == 0) == (row["variant"] == "no augmentation")
    capsys.readouterr()
    assert photo_ablation.main(words) == 0
    told = capsys.readouterr()
    assert told.err.count("measured before") == 2
    assert f"| no augmentation | {rows[1]['top1']:.4f} |" in told.out


def test_every_variant_is_a_valid_recipe(catalog: SampleFiles) -> None:
    recipe = load_config(catalog.config).image
    assert recipe is not None
    changed = [photo_ablation.variant_of(recipe, name) for name in photo_ablation.VARIANTS]
    alike = [name for name, image in zip(photo_ablation.VARIANTS, changed, strict=True) if image == recipe]
    assert alike[0] == "recipe"
    assert photo_ablation.PHONE_ROWS in alike, "it differs in its rows alone"


def _document(
    name: str, points: list[tuple[int, int, dict[str, float]]], *, photos: bool = False
) -> dict[str, object]:
    recipe, cases = ({"text": {}, "image": {}}, ["title", "photo"]) if photos else ({"text": {}}, ["title"])
    rows = []
    for size, seed, found in points:
        systems = {system: {"top1": top1} for system, top1 in found.items()}
        rows.append({"rows": size, "seed": seed, "cases": [{"name": case, "systems": systems} for case in cases]})
    return {"settings": {"data": {"name": name, "train": 900}, "recipe": recipe}, "rows": rows}


def test_the_table_of_few_labels_takes_means_of_seeds_and_the_best_of_each_kind_of_peer() -> None:
    document = _document(
        "shop",
        [
            (50, 1, {"multimodal": 0.5, "TF-IDF + LinearSVC": 0.3, "TF-IDF by field + LinearSVC": 0.4}),
            (50, 2, {"multimodal": 0.7, "TF-IDF + LinearSVC": 0.6, "TF-IDF by field + LinearSVC": 0.2}),
            (900, 1, {"multimodal": 0.9, "fastText, rate 1": 0.1, "fastText, rate 4": 0.8}),
        ],
    )
    with_photos = _document("shop", [(50, 1, {"multimodal": 0.25})], photos=True)
    table = readme_curve.curve_block([document, with_photos])
    assert "| data | sees | model | 50 | all |" in table
    assert "| shop | title | multimodal | 0.6000 | 0.9000 |" in table
    assert "| shop | title | TF-IDF + LinearSVC | 0.5000 | – |" in table
    assert "| shop | title | fastText | – | 0.8000 |" in table
    assert "| shop | photo | multimodal | 0.2500 | – |" in table, "and its titles do not count among the others"

"""What a bundle's answers can be trusted with: measured on a drawn catalog, and told by the card."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import multimodal
from benchmark_support import as_shipped
from multimodal.artifact import LAYOUT, Promise, read_manifest
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import SampleFiles
from multimodal.types import INPUTS, Product

# isort: split
import coverage
import trust
from card_trust import honesty
from card_trust import trust as card
from shipped import ROOT

FASHION = ROOT / "artifacts" / "fashion"


def test_the_bundle_is_measured_on_rows_that_chose_no_threshold(
    tiny_bundle: Path, catalog: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = as_shipped(tiny_bundle, catalog, monkeypatch)
    assert trust.main([*words, "--json", str(tmp_path / "a.json")]) == 0
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert found["split"] == "val, select half"
    assert set(found["mixes"]) == {"title", "image", "title+image"}
    rules = read_manifest(tiny_bundle).calibration.mixes
    for name, one in found["mixes"].items():
        assert 0 < one["groups"] <= one["rows"]
        assert [rule["asked"] for rule in one["candidates"]] == [rule.coverage for rule in rules[name].candidates]
        assert all(rule["mean_size"] >= 1 and 0 < rule["coverage"] <= 1 for rule in one["candidates"])
        assert one["top1"] <= one["top2"]
        ways = one["decoding"]
        assert ways["argmax"]["top1"] == one["top1"]
        assert all(way["severity"] >= 0 for way in ways.values())
    page = trust.markdown(found)
    assert f"| title + photo | 90% | {100 * found['mixes']['title+image']['candidates'][0]['coverage']:.2f} % |" in page


def test_coverage_is_measured_beside_linear_machines(
    tiny_bundle: Path, catalog: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = as_shipped(tiny_bundle, catalog, monkeypatch)
    where = ["--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")]
    assert coverage.main([*words, *where]) == 0
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(found["mixes"]) == ["title", "photo", "title + photo"]
    assert [len(lines) for lines in found["mixes"].values()] == [3, 2, 3]
    flat = found["mixes"]["title"]["leaf or nothing"]
    assert flat["answered"][-1] == 1.0
    svm = found["mixes"]["title"]["TF-IDF + LinearSVC, its margin"]
    assert svm["answered"][-1] == 1.0
    assert svm["accuracy"][-1] > 0.4
    assert (tmp_path / "a.png").stat().st_size > 5000
    page = coverage.markdown(found)
    assert page.count("| title | ") == 3


def test_the_card_tells_calibration_before_and_after(tiny_bundle: Path) -> None:
    manifest = read_manifest(tiny_bundle)
    told = "\n".join(honesty(manifest))
    figures = manifest.metrics["val"]["title"]["calibration"]
    assert f"| title | {figures['rows']} | {figures['before']['nll']:.4f} / {figures['after']['nll']:.4f} |" in told
    assert "| ECE of leaves | level 1 |" in told
    assert honesty(manifest.model_copy(update={"metrics": {}})) == []


@pytest.mark.skipif(not (FASHION / LAYOUT.manifest).is_file(), reason="artifacts/fashion is not in this checkout")
def test_swapped_photos_are_noticed_and_true_pairs_are_not() -> None:
    """By the answers of the shipped bundle to drawings."""
    predictor = multimodal.load(FASHION, threads=1)
    drawn = SourceConfig(format="drawings", products=120, seed=3, category_map="drawings")
    pairs = [p for p in read_source(drawn, labelled=True) if isinstance(p, Product) and p.title and p.image]
    labels = np.array([predictor.tree.leaf_index[p.category_id or ""] for p in pairs])
    found = trust._conflicts(predictor, pairs, frozenset({"title", "image"}), labels)
    assert 0 < found["swapped"] < found["pairs"] == len(pairs) > 100  # some fall into the same branch again
    assert found["false_alarms"] < 0.1 < 0.6 < found["recall"]
    alone = trust._conflicts(predictor, pairs, frozenset({"title"}), labels)  # the mix leaves no photo to swap
    assert (alone["false_alarms"], alone["recall"]) == (0.0, 0.0)


def test_the_card_tells_promises_candidates_and_conflicts(tiny_bundle: Path) -> None:
    manifest = read_manifest(tiny_bundle)
    told = "\n".join(card(manifest))
    assert "## What the answers can be trusted with" in told
    names = [" + ".join(n for n in INPUTS if n in mix) for mix in (("title",), ("title", "image"))]
    for name in names:
        assert re.search(rf"^\| {re.escape(name)} \| 95% \| \d\.\d{{4}} \| \d+\.\d\d \|$", told, re.MULTILINE)
    promise = Promise(accuracy=0.95, threshold=0.8, votes=100, mistakes=1, leaf_coverage=0.5, mean_depth=2.25)
    title = manifest.calibration.mixes["title"].model_copy(update={"promises": (promise,), "conflict": 0.75})
    calibration = manifest.calibration.model_copy(update={"mixes": {"title": title}})
    told = "\n".join(card(manifest.model_copy(update={"calibration": calibration})))
    assert "| title | 95% | 0.8000 | 1 of 100 | 50.0 % | 2.25 |" in told
    assert "above: title 0.7500." in told
    bare = title.model_copy(update={"promises": (), "candidates": (), "conflict": None})
    calibration = manifest.calibration.model_copy(update={"mixes": {"title": bare}})
    assert card(manifest.model_copy(update={"calibration": calibration})) == []

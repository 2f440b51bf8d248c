"""Two small backbones ranked for real on drawn photos."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import multimodal
from conftest import TINY
from multimodal.artifact import LAYOUT
from multimodal.config import load_config
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import SampleFiles
from multimodal.errors import ConfigError
from multimodal.serving.evaluate import evaluate
from multimodal.types import Product

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import backbones

OURS, OTHER, WRONG = "mobilenetv3_small_050@48x36", "lcnet_050@32x24", "lcnet_049@32x24"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A finished ranking: the words that asked for it, its results, what it printed."""

    words: list[str]
    results: dict[str, Any]
    file: Path
    work: Path
    plot: Path


@pytest.fixture(scope="module")
def ranked(catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Ranked:
    """Two backbones on half of the training rows, one epoch each, and one that timm does not know."""
    folder = tmp_path_factory.mktemp("backbones")
    file, plot, work = folder / "backbones.json", folder / "backbones.png", folder / "work"
    words = ["--data", str(catalog.folder), "--config", str(catalog.config), "--work", str(work)]
    words += [part for setting in TINY for part in ("--set", setting)]
    words += ["--candidates", OURS, WRONG, OTHER, "--share", "0.5", "--epochs", "1", "--latency-runs", "3"]
    words += ["--json", str(file), "--plot", str(plot)]
    assert backbones.main(words) == 1, "the unknown one failed, the others did not notice"
    return Ranked(words, json.loads(file.read_text(encoding="utf-8")), file, work / catalog.folder.name, plot)


def test_figures_are_those_of_the_bundles(ranked: Ranked, catalog: SampleFiles) -> None:
    rows = ranked.results["rows"]
    assert [(row["backbone"], row["size"]) for row in rows] == [
        ("mobilenetv3_small_050", [48, 36]), ("lcnet_050", [32, 24]),
    ]  # fmt: skip
    for row, folder in zip(rows, ("mobilenetv3_small_050-48x36", "lcnet_050-32x24"), strict=True):
        bundle = ranked.work / folder / "bundle"
        items = read_source(SourceConfig(path=str(catalog.val)), labelled=True)
        photos = [p for p in items if isinstance(p, Product) and p.image]
        wanted = evaluate(multimodal.load(bundle, threads=1), photos, inputs={"image"}).heads["image"]
        assert (row["val_rows"], row["top1"]) == (wanted.rows, pytest.approx(wanted.top1))
        assert row["megabytes"] == (bundle / LAYOUT.image).stat().st_size / 1e6
        # Two bytes a number in the bundle, less what is not stored so, plus the graph itself.
        assert 1.8e-6 < row["megabytes"] / row["parameters"] < 3.2e-6
        assert row["top2"] >= row["top1"]
        assert row["start"] == "random"
        assert 0.3 * catalog.rows["train"] < row["train_rows"] < 0.7 * catalog.rows["train"]


def test_a_second_run_goes_on_from_the_results(ranked: Ranked, capsys: pytest.CaptureFixture[str]) -> None:
    before = ranked.file.read_bytes()
    assert backbones.main(ranked.words) == 1
    said = capsys.readouterr()
    assert f"[1/3] {OURS}: measured before" in said.err
    assert f"[3/3] {OTHER}: measured before" in said.err
    assert f"{WRONG}: image.backbone: timm has no model 'lcnet_049'. Did you mean 'lcnet_" in said.err
    assert ranked.file.read_bytes() == before
    table = [line for line in said.out.splitlines() if line.startswith(("| lcnet", "| mobilenet"))]
    assert len(table) == 2
    assert sum("**knee**" in line for line in table) == 1
    best = max(ranked.results["rows"], key=lambda row: row["top1"])
    assert any(best["backbone"] in line and ("knee" in line or "front" in line) for line in table)
    assert ranked.plot.read_bytes()[:4] == b"\x89PNG"


def test_results_of_another_share_are_not_mixed(ranked: Ranked, capsys: pytest.CaptureFixture[str]) -> None:
    assert backbones.main([*ranked.words, "--share", "0.25"]) == 2
    assert "of another recipe" in capsys.readouterr().err


def test_the_recipes_own_backbone_alone_starts_from_its_weights(catalog: SampleFiles) -> None:
    settings = ["image.weights=w.safetensors", "image.backbone_args={pad_type: same}", "image.learning_rate=0.007"]
    base = load_config(catalog.config, settings)
    own, other = (backbones.candidate_image(base, name, {}, 3) for name in (OURS, OTHER))
    assert (own.weights, own.backbone_args, own.size) == ("w.safetensors", {"pad_type": "same"}, (48, 36))
    assert (other.weights, other.backbone_args, other.size) == ("none", {}, (32, 24))
    assert own.learning_rate == other.learning_rate == 0.007
    given = backbones.candidate_image(base, OTHER, {"lcnet_050": "bundle:b"}, 3)
    assert given.weights == "bundle:b"
    with pytest.raises(ConfigError, match=r"got 'lcnet_050@64', expected NAME@HEIGHTxWIDTH"):
        backbones.candidate_image(base, "lcnet_050@64", {}, 3)
    with pytest.raises(ConfigError, match="expected the section of a photo tower"):
        backbones.candidate_image(base.model_copy(update={"image": None}), OTHER, {}, 3)


def test_starting_weights_are_given_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    config = str(Path(__file__).parents[1] / "configs" / "fashion.yaml")
    assert backbones.main(["--config", config, "--weights", "lcnet_050"]) == 2
    assert "expected NAME=FILE" in capsys.readouterr().err

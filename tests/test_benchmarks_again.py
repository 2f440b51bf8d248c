"""A training made again beside the first: what changed, and how far apart they are."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import pytest

from api_support import renamed
from multimodal.artifact import LAYOUT, bundle_sha256, read_manifest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import again


def test_two_trainings_side_by_side(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = json.loads((tiny_bundle / LAYOUT.manifest).read_text(encoding="utf-8"))
    metrics, provenance = copy.deepcopy(raw["metrics"]), copy.deepcopy(raw["provenance"])
    metrics["val"]["title"]["answer"]["top1"] += 0.004
    metrics["val"]["image"]["answer"]["hf1"] -= 0.0061
    provenance["config"]["training"]["seed"] = 77
    provenance["config"]["output"] = "elsewhere/bundle"
    provenance["config"]["data"]["train"][0]["path"] = "/another/place/train.parquet"
    provenance["config"]["data"]["train"][0]["share"] = 0.5
    provenance["config"]["training"]["of_a_later_release"] = True
    second = renamed(tiny_bundle, tmp_path / "second", metrics=metrics, provenance=provenance)
    saved = tmp_path / "again.json"
    assert again.main([str(second), "--bundle", str(tiny_bundle), "--json", str(saved)]) == 0
    told = capsys.readouterr().out
    found = json.loads(saved.read_text(encoding="utf-8"))
    assert found["bundle"] == bundle_sha256(read_manifest(tiny_bundle))
    assert found["changed"] == {"data.train.0.share": 0.5, "training.seed": 77}
    assert "with `data.train.0.share: 0.5`, `training.seed: 77`;" in told
    assert "further apart: image." in told
    assert "(+0.0040)" in told
    assert "(-0.0061)" in told
    assert told.strip() == "\n".join(again.lines(found))


def test_trees_that_differ_are_refused(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = renamed(tiny_bundle, tmp_path / "other", tree_version="0" * 12)
    assert again.main([str(other), "--bundle", str(tiny_bundle)]) == 2
    assert "two trainings of one configuration" in capsys.readouterr().err

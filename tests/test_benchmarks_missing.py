"""The table of missing and spoiled inputs, measured on a drawn catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark_support import as_shipped
from multimodal.data.sample import SampleFiles

# isort: split
import missing_inputs


def test_every_state_is_measured(
    tiny_bundle: Path, catalog: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = as_shipped(tiny_bundle, catalog, monkeypatch)
    monkeypatch.setattr(missing_inputs, "_SOME", 5)
    assert missing_inputs.main([*words, "--json", str(tmp_path / "a.json")]) == 0
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["states"]
    assert list(found)[:5] == ["title", "photo", "title + photo", "title's first word", "title's first word + photo"]
    assert {"blurred photo", "title + middle of the photo", "title + noise"} <= found.keys()
    for one in found.values():
        assert 0 <= one["top1"] <= one["top2"] <= 1
        assert one["rows"] > 50
    assert found["title's longest word"]["top1"] < found["title"]["top1"]
    assert found["title"]["warned"] == 0
    assert 0 < found["photo"]["warned"] < 0.1
    page = missing_inputs.markdown({"data": "d", "split": "val", "states": found})
    assert f"| title + photo | {found['title + photo']['rows']:,} | {found['title + photo']['top1']:.4f} |" in page

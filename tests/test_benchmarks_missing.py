"""The table of missing and spoiled inputs, measured on a drawn catalog."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from multimodal.data.sample import SampleFiles

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import missing_inputs
from shipped import Case, Shipped

CASES = tuple(Case(frozenset(seen)) for seen in (("title",), ("image",), ("title", "image")))


def test_every_state_is_measured(
    tiny_bundle: Path, catalog: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Shipped("tiny", catalog.folder.name, CASES, "b", "p", (1.0,), "drawings", ())
    monkeypatch.setattr(missing_inputs, "shipped_as", lambda name: entry)
    monkeypatch.setattr(missing_inputs, "_SOME", 5)
    words = ["--bundle", str(tiny_bundle), "--data", str(catalog.folder.parent), "--threads", "1"]
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

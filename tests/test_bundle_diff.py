"""Two bundles side by side: what they say, their trees, and where their answers differ."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api_support import FakePredictor, renamed
from multimodal.artifact import LAYOUT
from multimodal.artifact.differences import tree_change
from multimodal.cli.main import main
from multimodal.data.sample import SampleFiles
from multimodal.serving.diff import diff_answers, difference
from multimodal.taxonomy import Node, Tree
from multimodal.types import Product, RowError


def test_how_two_answers_differ() -> None:
    fake: Any = FakePredictor()
    boots, sandals, tops = fake.classify([Product(title=t) for t in ("Boots", "Sandals", "Tops")])
    assert difference(boots, boots) == "same"
    assert difference(boots, sandals) == "category"
    assert difference(boots, tops) == "branch"
    assert difference(boots, replace(boots, decision="abstain", category=None)) == "decision"
    assert difference(boots, RowError(1, 0, "read", "x", "y")) == "error"


def test_answers_are_counted_by_kind_and_branch() -> None:
    fake: Any = FakePredictor()
    boots, sandals, tops = fake.classify([Product(id=t, title=t) for t in ("Boots", "Sandals", "Tops")])
    bad = RowError("x", 3, "read", "nothing_usable", "nothing in it")
    pairs = [(boots, boots), (boots, sandals), (boots, tops), (tops, tops), (tops, bad), (bad, tops)]
    found = diff_answers(pairs, keep=2)
    assert found.rows == 5
    assert found.errors == 1
    assert found.kinds == {"same": 2, "category": 1, "branch": 1, "error": 1}
    assert found.branches == {
        "Footwear": {"same": 1, "category": 1, "branch": 1},
        "Apparel": {"same": 1, "error": 1},
    }
    assert [one.kind for one in found.changed] == ["category", "branch"]
    first = found.changed[0]
    assert (first.id, first.before, first.now) == ("Boots", "Footwear > Shoes > Boots", "Footwear > Shoes > Sandals")


def test_what_becomes_of_categories() -> None:
    before = Tree([Node("1", "Wear", None), Node("2", "Shirts", "1"), Node("3", "Hats", "1"), Node("5", "Bags", None)])
    after = Tree([Node("1", "Wear", None), Node("2", "Tops", "1"), Node("3", "Hats", "5"), Node("5", "Bags", None),
                  Node("6", "Belts", "5")])  # fmt: skip
    found = tree_change(before, after)
    assert (found.added, found.removed) == (("6",), ())
    assert found.renamed == {"2": ("Shirts", "Tops")}
    assert found.moved == {"3": ("Wear > Hats", "Bags > Hats")}
    assert tree_change(after, before).removed == ("6",)
    assert not tree_change(before, before)


def _run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["multimodal", "bundle", "diff", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    assert end.value.code == 0, captured.err
    return captured.out


def test_two_bundles_and_their_answers(
    tiny_bundle: Path,
    catalog: SampleFiles,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = json.loads((tiny_bundle / LAYOUT.manifest).read_text(encoding="utf-8"))
    by_photo = {"weights": {"image": 1.0}, "temperature": 0.2, "slope": 0.0, "chosen": "image"}
    mixes = {**raw["calibration"]["mixes"]}
    for name in mixes:
        if "image" in name and name != "image":
            mixes[name] = by_photo
    other = renamed(tiny_bundle, tmp_path / "other", version="9", calibration={**raw["calibration"], "mixes": mixes})
    data = catalog.folder / "val.parquet"
    told = _run(capsys, monkeypatch, tiny_bundle, other, data)
    assert "version" in told
    assert "Their trees are the same." in told
    assert "The surest that differ" in told
    found = json.loads(_run(capsys, monkeypatch, tiny_bundle, other, data, "--json"))
    assert found["said"] == {"version": [raw["version"], "9"]}
    assert found["answers"]["rows"] == sum(found["answers"]["kinds"].values()) > 50
    assert found["answers"]["kinds"]["same"] < found["answers"]["rows"]
    same = json.loads(_run(capsys, monkeypatch, tiny_bundle, tiny_bundle, data, "--json"))
    assert same["answers"]["kinds"] == {"same": same["answers"]["rows"]}
    assert same["said"] == {}

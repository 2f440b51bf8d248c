"""A small bundle and its drawn catalog in the place of a shipped bundle and its data set."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from multimodal.data.sample import SampleFiles

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import measuring
from shipped import Case, Shipped

CASES = tuple(Case(frozenset(seen)) for seen in (("title",), ("image",), ("title", "image")))


def as_shipped(tiny_bundle: Path, catalog: SampleFiles, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that measure it."""
    entry = Shipped("tiny", catalog.folder.name, CASES, "b", "p", (1.0,), "drawings", ())
    monkeypatch.setattr(measuring, "shipped_as", lambda name: entry)
    return ["--bundle", str(tiny_bundle), "--data", str(catalog.folder.parent), "--threads", "1"]

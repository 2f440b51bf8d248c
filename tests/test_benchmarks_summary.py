"""The README's figures in short: each from the place it says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import publish
from summary_pages import Saved, summary_block


def _titles(data: str, top1: float) -> dict[str, Any]:
    """Figures of ``accuracy.py``: each system a hundredth below the one before it."""
    names = ("multimodal, text head", "TF-IDF + LinearSVC", "TF-IDF by field + LinearSVC", "fastText")

    def case(name: str, best: float) -> dict[str, Any]:
        return {"name": name, "systems": {system: {"top1": best - i / 100} for i, system in enumerate(names)}}

    return {"data": data, "cases": [case("title", top1), case("masked title", top1 - 0.5)]}


def _curve(data: str, top1: float) -> dict[str, Any]:
    systems = {"multimodal": {"top1": top1}, "TF-IDF + LinearSVC": {"top1": 0.2}, "fastText": {"top1": 0.1}}
    cases = [{"name": "title", "systems": systems}]
    points = [{"rows": rows, "seed": 1, "cases": cases} for rows in (200, 900)]
    return {"settings": {"data": {"name": data, "train": 900}, "recipe": {}}, "rows": points}


@pytest.fixture
def saved() -> Saved:
    sees = {
        "title": (0.96, 0.01),
        "photo": (0.87, 0.02),
        "title + characteristics + photo": (0.97, 0.005),
        "masked title + photo": (0.89, 0.3),
    }
    cases = {name: {"heads": {"fused": {"top1": top1, "ece": ece}}} for name, (top1, ece) in sees.items()}
    promises = [
        {"asked": 0.9, "accuracy": 0.92, "leaf_coverage": 0.85},
        {"asked": 0.95, "accuracy": 0.961, "leaf_coverage": 0.69},
    ]
    photo = "JPEG + title"
    return Saved(
        english=_titles("clothes", 0.98),
        russian=_titles("food", 0.88),
        curves=[_curve("clothes", 0.7), _curve("food", 0.6)],
        evaluation={"splits": {"val": {"cases": cases}}},
        trust={"mixes": {"image": {"promises": promises}}},
        latency={
            "latency": [{"sent": photo, "server_p50_ms": 5.77}, {"sent": "title", "server_p50_ms": 0.66}],
            "resident_mb": 178.4,
            "install_mb": 395.2,
        },
        serving={"kinds": [{"sent": photo, "throughput_ratio": 1.62}, {"sent": "title", "throughput_ratio": 0.89}]},
        megabytes=[9.03, 5.45],
    )


def test_each_row_has_the_figures_of_its_case_beside_the_peers(saved: Saved) -> None:
    lines = summary_block(saved).splitlines()
    assert lines[0] == "| top-1 on val | multimodal | TF-IDF + LinearSVC | fastText |"
    assert lines[2:10] == [
        "| English title | 0.9800 | 0.9700 | 0.9500 |",
        "| English title, 200 training rows | 0.7000 | 0.2000 | 0.1000 |",
        "| Russian title | 0.8800 | 0.8700 | 0.8500 |",
        "| Russian title, 200 training rows | 0.6000 | 0.2000 | 0.1000 |",
        "| English title without the words of category names | 0.4800 | 0.4700 | 0.4500 |",
        "| the same titles, and the photo | 0.8900 | – | – |",
        "| photo of 60×80 alone | 0.8700 | – | – |",
        "| title, characteristics and photo | 0.9700 | – | – |",
    ]


def test_the_sentences_tell_the_worst_error_of_whole_titles_and_the_promise_of_photos(saved: Saved) -> None:
    text = summary_block(saved)
    assert "calibration error 0.020 at most" in text, "that of masked titles is no part of it"
    assert "Asked for 95% right, photos alone get 96.1%: 69% of them with a leaf" in text
    assert "JPEG + title: 5.8 ms in the service on one thread (median); a title: 0.7 ms" in text
    assert "1.6 times the answers of FastAPI" in text
    assert "Bundles of 9.0 and 5.5 MB; the service takes 178 MB of memory and 395 MB of disk" in text


def test_without_one_of_its_files_there_is_no_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "summary" in publish.readme_blocks([])
    monkeypatch.setattr(publish, "RESULTS", tmp_path)
    assert "summary" not in publish.readme_blocks([])

"""A learning curve of drawn products, measured for real at one small size."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multimodal
from conftest import TINY
from multimodal.artifact import read_manifest
from multimodal.config import load_config
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import SampleFiles
from multimodal.serving.evaluate import evaluate
from multimodal.types import InputName, Product

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import learning_curve
from curve_data import open_data, subset_order, write_subset
from curve_measure import OURS, few_rows, pack, unpack
from curve_pages import markdown, points

ROWS = 60
CASES: dict[str, frozenset[InputName]] = {
    "title": frozenset({"title"}),
    "title + characteristics": frozenset({"title", "characteristics"}),
    "title + characteristics + photo": frozenset({"title", "characteristics", "image"}),
    "photo": frozenset({"image"}),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A measured curve: the words that asked for it, its results and where its bundle lies."""

    words: list[str]
    results: dict[str, Any]
    file: Path
    plot: Path
    work: Path


@pytest.fixture(scope="module")
def curve(catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Curve:
    """One size with photos, the peers beside it."""
    pytest.importorskip("fasttext", reason="the peers want the extra [bench]")
    folder = tmp_path_factory.mktemp("curve")
    file, plot, work = folder / "curve.json", folder / "curve.png", folder / "work"
    words = ["--data", str(catalog.folder), "--config", str(catalog.config), "--work", str(work)]
    words += [part for setting in TINY for part in ("--set", setting)]
    words += ["--sizes", str(ROWS), "--image-epochs", "1", "--image-steps", "1"]
    words += ["--json", str(file), "--plot", str(plot)]
    assert learning_curve.main(words) == 0
    results = json.loads(file.read_text(encoding="utf-8"))
    return Curve(words, results, file, plot, work / catalog.folder.name / f"rows{ROWS}-seed1")


def test_our_figures_are_those_of_the_bundle_that_was_trained(curve: Curve, catalog: SampleFiles) -> None:
    manifest = read_manifest(curve.work / "bundle")
    assert manifest.provenance["rows"]["train"] == ROWS
    cases = {case["name"]: case for case in curve.results["rows"][0]["cases"]}
    assert list(cases) == list(CASES)
    predictor = multimodal.load(curve.work / "bundle", threads=1)
    for name, inputs in CASES.items():
        items = [p for p in read_source(SourceConfig(path=str(catalog.val)), labelled=True) if isinstance(p, Product)]
        wanted = evaluate(predictor, items, inputs=inputs).heads["fused"]
        ours = cases[name]["systems"][OURS]
        assert cases[name]["rows"] - cases[name]["unanswered"] == wanted.rows
        assert ours["top1"] * cases[name]["rows"] == pytest.approx(wanted.top1 * wanted.rows, abs=1), name
        if not cases[name]["unanswered"]:
            assert ours["hf1"] == pytest.approx(wanted.hf1), name


def test_peers_stand_beside_ours_where_there_is_text_alone(curve: Curve) -> None:
    cases = {case["name"]: set(case["systems"]) for case in curve.results["rows"][0]["cases"]}
    assert cases["title"] == {OURS, "TF-IDF + LinearSVC", "fastText"}
    assert cases["title + characteristics"] == {*cases["title"], "TF-IDF by field + LinearSVC"}
    assert cases["photo"] == cases["title + characteristics + photo"] == {OURS}
    title = curve.results["rows"][0]["cases"][0]
    # 60 drawn products say enough for an answer in three, were it right by chance one in ten would be.
    assert title["systems"]["TF-IDF + LinearSVC"]["top1"] > 0.3
    assert curve.plot.read_bytes()[:4] == b"\x89PNG"


def test_a_second_run_measures_nothing_again(curve: Curve, capsys: pytest.CaptureFixture[str]) -> None:
    before = curve.file.read_bytes()
    assert learning_curve.main(curve.words) == 0
    said = capsys.readouterr()
    assert "[1/1] 60 rows, seed 1: measured before" in said.err
    assert "Bundle written" not in said.err
    assert curve.file.read_bytes() == before
    table = [line for line in said.out.splitlines() if line.startswith("| title | 60 | 1 |")]
    top1 = {line.split("|")[4].strip(): float(line.split("|")[5]) for line in table}
    saved = curve.results["rows"][0]["cases"][0]["systems"]
    assert top1 == pytest.approx({name: figures["top1"] for name, figures in saved.items()}, abs=5.1e-5)
    assert sum("[" in line for line in table) == 1, "one peer is the better one and has the difference"


def test_results_of_another_recipe_are_not_mixed(curve: Curve, capsys: pytest.CaptureFixture[str]) -> None:
    assert learning_curve.main([*curve.words, "--set", "text.epochs=4"]) == 2
    assert "of another recipe" in capsys.readouterr().err
    assert learning_curve.main([*curve.words, "--sizes", "7"]) == 2
    assert "at least 20 rows" in capsys.readouterr().err


def test_a_subset_is_written_as_it_stands_in_the_file(catalog: SampleFiles, tmp_path: Path) -> None:
    data = open_data(catalog.folder, photos=False)
    order = subset_order(data, seed=3)
    small, large = (
        [p.id for p in write_subset(data, order[:n], tmp_path / f"{n}.parquet")] for n in (40, 160)
    )
    assert set(small) < set(large)
    assert [p.id for p in data.train if p.id in set(large)] == large
    source = SourceConfig(path=str(tmp_path / "40.parquet"))
    read = [p for p in read_source(source, labelled=True) if isinstance(p, Product)]
    assert [p.id for p in read] == small
    assert any(p.image for p in read), "photos come along"
    assert len({p.category_id for p in read}) > 5


def test_few_photos_take_small_batches_and_more_epochs(catalog: SampleFiles) -> None:
    recipe = load_config(catalog.config, ["image.batch_size=64", "image.epochs=10", "image.early_epochs=5"])
    few, many = (few_rows(recipe, rows, 2, 60).image for rows in (50, 30_000))
    assert few is not None
    assert many is not None
    assert (few.batch_size, few.epochs, few.patience, few.early_epochs) == (6, 7, 7, 4)
    assert (many.batch_size, many.epochs, many.early_epochs) == (64, 2, 1)
    unasked = few_rows(recipe, 30_000, None, 60).image
    assert unasked is not None
    assert unasked.epochs == 10


def test_seeds_are_averaged_and_the_better_peer_is_the_one_better_on_average() -> None:
    hits = {"A": [[1, 1, 0, 0], [1, 1, 1, 1]], "B": [[1, 1, 1, 0], [0, 1, 0, 0]], OURS: [[1, 1, 1, 1], [1, 1, 1, 1]]}

    def figures(flags: list[int]) -> dict[str, Any]:
        return {"top1": float(np.mean(flags)), "hf1": 0.5, "hits": pack(np.array(flags, np.bool_))}

    records = [
        {"rows": 50, "seed": s, "cases": [{"name": "title", "systems": {n: figures(h[s]) for n, h in hits.items()}}]}
        for s in (0, 1)
    ]
    found = {p.system: p for p in points(records, {"title": np.array(["a", "a", "b", "c"])})}
    assert found["A"].top1 == 0.75
    assert found["A"].spread == (0.5, 1.0)
    assert found["B"].against is None
    against = found["A"].against
    assert against is not None
    assert against.difference == pytest.approx(0.25)
    assert against.low >= 0
    assert "| title | 50 | 2 | A | 0.7500 [0.5000, 1.0000] | 0.5000 | +25.00 [" in markdown(
        list(found.values()), {"data": {"name": "x"}}
    )


def test_packed_hits_come_back() -> None:
    hits = np.random.default_rng(0).random(4504) < 0.5
    assert (unpack(pack(hits), len(hits)) == hits).all()

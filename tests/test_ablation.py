"""Ablation: each variant retrains only what it changes, a stopped one goes on, and the table says what it costs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from conftest import TINY
from multimodal.cli.main import main
from multimodal.config import RunConfig
from multimodal.config.models import FusionConfig
from multimodal.data.sample import SampleFiles
from multimodal.errors import ConfigError
from multimodal.evaluation.ablation import Outcome, estimate, summarise_outcomes
from multimodal.export import ablate as runner
from multimodal.export.variants import VARIANTS, WHOLE, variants_of
from multimodal.report.ablation import ablation_markdown

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import ablation_pages


def outcome(variant: str, seed: int, top1: float, mix: str = "title+image") -> Outcome:
    figures = {"rows": 100, "top1": top1, "top2": 0.9, "hf1": 0.9, "nll": 0.5, "ece": 0.01}
    return Outcome(variant, seed, {"title": {**figures, "top1": 0.1}, mix: figures}, 2.0)


def test_intervals_are_students() -> None:
    found = estimate([0.8, 0.82, 0.84])
    half = 4.303 * 0.02 / np.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.82, 0.82 - half, 0.82 + half))
    assert estimate([0.5]).low is None


def test_differences_are_paired_by_seed() -> None:
    rows = [outcome(WHOLE, 1, 0.9), outcome(WHOLE, 2, 0.8), outcome("folds", 1, 0.85), outcome("folds", 2, 0.75)]
    whole, folds = summarise_outcomes(rows, WHOLE)
    assert whole.difference is None
    assert folds.difference is not None
    assert (folds.difference.mean, folds.difference.low, folds.difference.high) == pytest.approx((-0.05,) * 3)
    assert folds.mix == "title+image"
    page = ablation_markdown([whole, folds], {"folds": "no folds"})
    assert "| no folds | title + photo | 2 | 0.8000 ± " in page
    assert "-5.00 (-5.00 to -5.00)" in page


def test_the_readme_tells_what_the_command_printed() -> None:
    rows = [outcome(WHOLE, seed, 0.9) for seed in (1, 2)] + [outcome("folds", seed, 0.85) for seed in (1, 2)]
    lines = summarise_outcomes(rows, WHOLE)
    printed = json.loads(json.dumps({"lines": [asdict(line) for line in lines]}))
    labels = {variant.name: variant.label for variant in VARIANTS}
    assert ablation_pages.markdown(printed) == ablation_markdown(lines, labels)


def test_only_variants_that_leave_something_out_are_there(configure: Callable[..., RunConfig], tmp_path: Path) -> None:
    config = configure(tmp_path)
    names = [variant.name for variant in variants_of(config)]
    assert names[0] == WHOLE
    assert {"text", "image", "mlp", "log-mix", "folds", "modality-dropout", "lemmas", "characteristics"} <= set(names)
    assert "auxiliary" not in names  # the towers are frozen, so there are no such losses
    joint = config.model_copy(update={"fusion": FusionConfig(tower_rate=0.1)})
    assert {"auxiliary"} <= {v.name for v in variants_of(joint)}
    assert "folds" not in {v.name for v in variants_of(joint)}
    texts = [v.name for v in variants_of(config.model_copy(update={"image": None}))]
    assert texts == [WHOLE, "lemmas", "characteristics"]
    assert [v.name for v in variants_of(config, ("text",))] == [WHOLE, "text"]
    with pytest.raises(ConfigError, match="nothing to leave out"):
        variants_of(config, ("auxiliary",))
    with pytest.raises(ConfigError, match="Did you mean 'folds'"):
        variants_of(config, ("fold",))
    assert len({variant.label for variant in VARIANTS}) == len(VARIANTS)


@pytest.mark.slow  # the notebook on ablation runs the same, quickly
def test_a_sample_catalog_is_ablated_once_and_read_again(
    catalog: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[str] = []
    for name in ("train_text", "train_image", "train_fusion"):
        whole = getattr(runner, name)

        def counted(*arguments: object, name: str = name, whole: Callable[..., object] = whole) -> object:
            trained.append(name)
            return whole(*arguments)

        monkeypatch.setattr(runner, name, counted)
    quick = (*TINY, "image.epochs=1", "text.epochs=1", "fusion.epochs=1")
    words = [str(catalog.config), *(part for one in quick for part in ("--set", one)), "--output", str(tmp_path / "a")]
    asked = "text,image,log-mix,modality-dropout,characteristics"

    def run(*more: str) -> str:
        monkeypatch.setattr(sys, "argv", ["multimodal", "ablate", *words, "--seeds", "1", *more])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code in {0, None}
        return capsys.readouterr().out

    run("--variants", asked)
    assert trained.count("train_image") == 1
    assert trained.count("train_text") == 2  # once more for the rows without characteristics
    assert trained.count("train_fusion") == 3
    with (tmp_path / "a" / "ablation.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    by = {(row["variant"], row["inputs"]): row for row in rows}
    assert by["text", "title+characteristics"]["rows"] == by[WHOLE, "title+characteristics"]["rows"]
    assert by["text", "title"]["top1"] == by[WHOLE, "title"]["top1"]  # the same tower
    assert by["image", "image"]["top1"] == by[WHOLE, "image"]["top1"]
    assert ("characteristics", "title+image") in by
    assert not [key for key in by if key[0] == "characteristics" and "characteristics" in key[1]]
    assert (tmp_path / "a" / "ablation.png").stat().st_size > 5000
    again = json.loads(run("--variants", asked, "--json"))
    assert len(trained) == 6, "what is done is read"
    order = [WHOLE, "text", "image", "log-mix", "modality-dropout", "characteristics"]
    assert [line["variant"] for line in again["lines"]] == order

"""From drawn products to a bundle and its figures: training learns what is there to learn, and nothing else."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import multimodal
from conftest import TINY
from multimodal.artifact import open_bundle, read_manifest, verify_bundle
from multimodal.artifact.engine import Engine
from multimodal.artifact.vocabulary import HashVocabulary
from multimodal.cli.main import main
from multimodal.config import RunConfig, load_config
from multimodal.data.sample import SampleFiles
from multimodal.taxonomy import Tree, read_tree
from multimodal.training.fit import read_history
from multimodal.types import ImageRef, Prediction, Product, RaggedIds, TextIds


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run: its bundle, its work folder and its figures on the test split."""

    bundle: Path
    work: Path
    test: dict[str, Any]


def _train(config: RunConfig) -> Path:
    from multimodal.export.run import train

    return train(config)


def _measure(bundle: Path, data: Path, out: Path) -> dict[str, Any]:
    """The figures that ``multimodal evaluate`` writes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["multimodal", "evaluate", str(bundle), str(data), "--json", "--out", str(out)])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in {0, None}
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _majority(labels: list[str]) -> float:
    return max(Counter(labels).values()) / len(labels)


@pytest.fixture(scope="module")
def test_labels(catalog: SampleFiles) -> list[str]:
    return [str(label) for label in pq.read_table(catalog.test, columns=["category_id"])["category_id"].to_pylist()]


@pytest.fixture(scope="module")
def trained(catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The sample catalog with the configuration that comes with it, from the command line."""
    folder = tmp_path_factory.mktemp("whole")
    # Heads as their best epochs left them: a bias moved afterwards would answer otherwise.
    places = [f"output={folder / 'bundle'}", f"work_dir={folder / 'runs'}", "training.logit_adjustment=0"]
    with pytest.MonkeyPatch.context() as patch:
        settings = [part for place in places for part in ("--set", place)]
        patch.setattr(sys, "argv", ["multimodal", "train", str(catalog.config), *settings])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in {0, None}
    figures = _measure(folder / "bundle", catalog.test, folder / "figures.json")
    return Trained(folder / "bundle", folder / "runs" / "sample", figures)


def test_photo_head_learns_what_photos_show(trained: Trained, test_labels: list[str]) -> None:
    top1 = trained.test["heads"]["image"]["top1"]
    assert top1 >= 3 * _majority(test_labels)
    assert top1 < 0.98, "drawings that give the answer away teach nothing"


def test_text_head_learns_what_titles_say(trained: Trained, test_labels: list[str]) -> None:
    assert 4 * _majority(test_labels) < trained.test["heads"]["text"]["top1"] < 0.995


def test_both_together_are_no_worse_than_the_better_one(trained: Trained) -> None:
    heads = trained.test["heads"]
    assert heads["fused"]["top1"] >= max(heads["text"]["top1"], heads["image"]["top1"]) - 0.04
    assert heads["fused"]["nll"] <= min(heads["text"]["nll"], heads["image"]["nll"]) + 0.1
    assert heads["fused"]["rows"] >= 0.9 * trained.test["rows"]


def test_bundle_and_its_trail_are_complete(trained: Trained) -> None:
    assert verify_bundle(trained.bundle) == []
    provenance = read_manifest(trained.bundle).provenance
    assert provenance["image_weights"].startswith("none (random)")
    assert (provenance["seed"], provenance["device"]) == (1, "cpu")
    assert provenance["seconds"] > 0
    assert (trained.work / "curves.png").read_bytes()[:4] == b"\x89PNG"
    for stage in ("text", "image", "fusion"):
        history = read_history(trained.work / stage)
        assert [line["epoch"] for line in history] == list(range(1, len(history) + 1))
        assert {"train_loss", "select_top1", "select_nll", "seconds"} <= set(history[0])
        assert list((trained.work / stage).glob("events.out.tfevents.*"))
    images = read_history(trained.work / "image")
    assert images[-1]["train_loss"] < images[0]["train_loss"]


def test_best_epoch_ships_not_the_last(trained: Trained, catalog: SampleFiles) -> None:
    """The text head of the bundle scores on the select half as its best epoch did."""
    from multimodal.config.models import SourceConfig
    from multimodal.data import read_source, split_half

    best = max(line["select_top1"] for line in read_history(trained.work / "image"))
    rows = [p for p in read_source(SourceConfig(path=str(catalog.val)), labelled=True) if isinstance(p, Product)]
    select = [p for i, p in enumerate(rows) if split_half(p, i) == "select" and p.image]
    predictor = multimodal.load(trained.bundle, threads=1)
    probs = predictor.leaf_probabilities(select, head="image")
    answered = ~np.isnan(probs).any(axis=1)
    labels = np.array([predictor.tree.leaf_index[str(p.category_id)] for p in select])
    top1 = (probs[answered].argmax(1) == labels[answered]).mean()
    assert top1 == pytest.approx(best, abs=0.011)


# --- nothing to learn


def _shuffled(file: Path, out: Path, seed: int) -> Path:
    """The same rows with the labels of others."""
    table = pq.read_table(file)
    order = np.random.default_rng(seed).permutation(table.num_rows)
    at = table.schema.get_field_index("category_id")
    labels = table["category_id"].take(pa.array(order))
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.set_column(at, "category_id", labels), out)
    return out


def test_with_shuffled_labels_everything_falls_to_chance(
    configure: Callable[..., RunConfig], catalog: SampleFiles, test_labels: list[str], tmp_path: Path
) -> None:
    config = configure(
        tmp_path,
        f"data.train.0.path={_shuffled(catalog.train, tmp_path / 'drawn' / 'train.parquet', 1)}",
        f"data.val.0.path={_shuffled(catalog.val, tmp_path / 'drawn' / 'val.parquet', 2)}",
        "image.epochs=6",
        "image.patience=6",
        "text.epochs=8",
        "fusion.epochs=6",
    )
    heads = _measure(_train(config), catalog.test, tmp_path / "figures.json")["heads"]
    # A head that always names the largest class is at chance too; 0.1 is three standard errors of 120 rows.
    chance = _majority(test_labels)
    assert {"fused", "text", "image"} == set(heads)
    for head, figures in heads.items():
        assert figures["top1"] <= chance + 0.1, head
        assert figures["ece"] < 0.25, f"{head}: confident without a reason"


# --- killed and run again


def _start(config_file: Path, settings: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
    """``multimodal train`` as a process of its own."""
    command = [sys.executable, "-m", "multimodal.cli.main", "train", str(config_file)]
    command += [part for setting in settings for part in ("--set", setting)]
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "OMP_NUM_THREADS": "1"})


def _kill_when(file: Path, process: subprocess.Popen[bytes], log: Path, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    try:
        while not file.exists():
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < until, f"{file} did not appear:\n{log.read_text(encoding='utf-8')}"
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_killed_run_goes_on_where_it_was(
    catalog: SampleFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (
        *TINY, f"output={tmp_path / 'bundle'}", f"work_dir={tmp_path / 'runs'}", "image.epochs=40", "image.patience=2",
    )  # fmt: skip
    work = tmp_path / "runs" / "sample"
    process = _start(catalog.config, settings, tmp_path / "log")
    _kill_when(work / "image" / "last.ckpt", process, tmp_path / "log")
    assert not (work / "image" / "done.json").exists(), "it was too quick to be killed in time"
    assert (work / "text" / "done.json").exists()
    assert not (tmp_path / "bundle").exists()
    done = len(read_history(work / "image"))
    assert done >= 1
    text = (work / "text" / "best.ckpt").read_bytes()
    config = load_config(catalog.config, settings)
    _train(config)
    said = capsys.readouterr().err
    assert "text: already trained" in said
    assert "photo: going on from" in said
    assert (work / "text" / "best.ckpt").read_bytes() == text
    history = read_history(work / "image")
    assert [line["epoch"] for line in history] == list(range(1, len(history) + 1))
    assert len(history) > done
    last = torch.load(work / "image" / "last.ckpt", weights_only=False)
    assert last["epoch"] == len(history) - 1, "a run killed now would train its last epochs again"
    assert verify_bundle(tmp_path / "bundle") == []
    _train_other_recipe(config, work, capsys)


def _train_other_recipe(config: RunConfig, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What concerns one stage retrains that stage and what stands on it; the others are kept."""
    assert config.fusion is not None
    fusion = config.fusion.model_copy(update={"learning_rate": 0.0005})
    _train(config.model_copy(update={"fusion": fusion}))
    said = capsys.readouterr().err
    assert "text: already trained" in said
    assert "photo: already trained" in said
    assert "fusion: already trained" not in said
    assert "fusion 1/" in said


# --- other shapes of data


def _path_rows(file: Path, tree: Tree, out: Path) -> Path:
    """A CSV of titles and category paths, without ids and without photos."""
    table = pq.read_table(file, columns=["title", "characteristics", "category_id"]).to_pylist()
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "characteristics", "category_path"])
        for row in table:
            names = [node.name for node in tree.path(str(row["category_id"]))]
            writer.writerow([row["title"], row["characteristics"], " > ".join(names)])
    return out


def _text_config(folder: Path, train: Path, val: Path, seed: int, name: str) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": name,
            "output": str(folder / name),
            "work_dir": str(folder / "runs"),
            "tree": {"from_paths": True},
            "data": {"train": [{"path": str(train)}], "val": [{"path": str(val)}]},
            "text": {"epochs": 3, "ngrams": {"vocabulary": 4096, "dim": 24, "min_count": 1}},
            "image": None,
            "training": {"seed": seed, "device": "cpu", "threads": 1},
        }
    )


def test_titles_and_paths_alone_train_and_the_same_seed_gives_the_same(catalog: SampleFiles, tmp_path: Path) -> None:
    tree = read_tree(catalog.tree)
    train, val = (_path_rows(f, tree, tmp_path / f"{f.stem}.csv") for f in (catalog.train, catalog.val))
    bundles = [
        open_bundle(_train(_text_config(tmp_path, train, val, seed, name)))
        for seed, name in ((3, "once"), (3, "again"), (4, "other"))
    ]
    first = bundles[0]
    assert first.manifest.inputs == ("title", "characteristics")
    assert all(" > " in leaf for leaf in first.tree.leaves)
    known, same = (bundle.vocabularies()["ngrams"] for bundle in bundles[:2])
    assert isinstance(known, HashVocabulary)
    assert isinstance(same, HashVocabulary)
    np.testing.assert_array_equal(known.hashes, same.hashes)
    ids = np.random.default_rng(0).integers(1, len(known) + 1, 200).astype(np.int32)
    text: TextIds = {"ngrams": RaggedIds(ids, np.arange(0, 201, 10))}
    once, again, other = (Engine(b, threads=1).text(text)[1] for b in bundles)
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - other).max() > 1e-4
    predictor = multimodal.load(first.path)
    answer = predictor.classify([Product(title="Кроссовки мужские беговые")])[0]
    assert isinstance(answer, Prediction)
    assert answer.used == "text"
    assert answer.category is not None
    assert answer.category.id == " > ".join(step.name for step in answer.category.path)


def _folders(file: Path, out: Path) -> Path:
    """Photos sorted into one folder a class."""
    for row in pq.read_table(file, columns=["id", "category_id", "image"]).to_pylist():
        if row["image"] is not None:
            folder = out / f"class {row['category_id']}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{row['id']}.jpg").write_bytes(row["image"]["bytes"])
    return out


def test_photos_in_folders_train_without_any_tree_or_text(catalog: SampleFiles, tmp_path: Path) -> None:
    train, val = (_folders(f, tmp_path / "photos" / f.stem) for f in (catalog.train, catalog.val))
    raw = {
        "name": "folders",
        "output": str(tmp_path / "bundle"),
        "work_dir": str(tmp_path / "runs"),
        "tree": {"from_paths": True},
        "data": {"train": [{"path": str(train)}], "val": [{"path": str(val)}]},
        "text": None,
        "image": {"backbone": "mobilenetv3_small_050", "size": [48, 36], "epochs": 2},
        "training": {"device": "cpu", "threads": 1},
    }
    predictor = multimodal.load(_train(RunConfig.model_validate(raw)))
    assert (predictor.inputs, predictor.heads) == (("image",), ("image",))
    assert set(predictor.tree.leaves) == {p.name for p in train.iterdir()}
    photo = next(val.rglob("*.jpg"))
    answer, words = predictor.classify([Product(image=ImageRef(path=str(photo))), Product(title="boots")])
    assert isinstance(answer, Prediction)
    assert (answer.used, answer.missing) == ("image", ())
    assert "does not use the title" in getattr(words, "message", "")


def test_continuing_from_a_bundle_starts_where_it_stood(
    tiny_bundle: Path, configure: Callable[..., RunConfig], tmp_path: Path
) -> None:
    """One epoch at a rate of nearly nothing: the figures of its start."""
    before = read_manifest(tiny_bundle)
    config = configure(
        tmp_path,
        "name=further",
        f"training.init_from={tiny_bundle}",
        "image=null",
        "text.epochs=1",
        "text.learning_rate=1e-9",
    )
    bundle = _train(config)
    after = read_manifest(bundle)
    assert after.provenance["text_weights"].endswith(f"rows from {tiny_bundle}")
    for mix in ("title", "title+characteristics"):
        old, new = (m.metrics["val"][mix]["answer"] for m in (before, after))
        assert new["top1"] == pytest.approx(old["top1"], abs=0.02)
        assert new["nll"] == pytest.approx(old["nll"], abs=0.03)
    assert len(read_history(Path(config.work_dir) / "further" / "text")) == 1
    shutil.rmtree(bundle)

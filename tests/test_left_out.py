"""What cannot be used is told by kind, each with one example: rows, and photos beside text that stands alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from multimodal.artifact import read_manifest
from multimodal.cli.main import main
from multimodal.config import RunConfig
from multimodal.data.reasons import TEXT_ALONE, by_code
from multimodal.export.variants import WHOLE
from multimodal.training.run import start_run
from multimodal.types import RowError
from photos import encoded
from training_support import write_tree


def _error(row: int, code: str, message: str) -> RowError:
    return RowError(f"p{row}", row, "image", code, message)


def test_kinds_are_counted_by_code_the_most_frequent_first() -> None:
    rows = [
        _error(0, "image_truncated", "a.jpg: breaks off"),
        *(_error(i, "image_missing", f"{i}.jpg: no photo") for i in range(1, 1201)),
        _error(1201, "unlabelled", "got no category"),
        _error(1202, "unlabelled", "got no category"),
    ]
    assert by_code(rows) == [
        "1,200 x image_missing, for example: 1.jpg: no photo",
        "2 x unlabelled: got no category",
        "1 x image_truncated: a.jpg: breaks off",
    ]
    assert by_code(rows[1:4], TEXT_ALONE) == ["3 x image_missing, so their text stands alone: 1.jpg: no photo"]
    assert by_code([]) == []


def _shop(folder: Path, rows: list[tuple[Any, ...]]) -> RunConfig:
    """A run on one CSV of (id, title, category, photo), whose other rows validate as they are."""
    (folder / "whole.jpg").write_bytes(encoded())
    (folder / "broken.jpg").write_bytes(b"no photo")
    good = [(f"g{i}", f"shirt {i}", "11", "whole.jpg") for i in range(30)]
    for name, table in (("train", rows + good[:3]), ("val", good[3:])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("id", "title", "category_id", "image"), *table])
    raw = {
        "name": "shop",
        "output": str(folder / "bundle"),
        "work_dir": str(folder / "runs"),
        "tree": {"path": str(write_tree(folder))},
        "data": {split: [{"path": str(folder / f"{split}.csv")}] for split in ("train", "val")},
        "image": {"size": [48, 36]},
    }
    return RunConfig.model_validate(raw)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "rows"
    folder.mkdir()
    return folder


def test_training_tells_of_photos_that_vanish_beside_text(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"m{i}", f"skirt {i}", "12", f"missing/{i}.jpg") for i in range(5)]
    rows += [("b", "skirt b", "12", "broken.jpg"), ("alone", "", "12", "broken.jpg"), ("none", "skirt", "12", "")]
    split = start_run(_shop(place, rows), "cpu", resume=True).train
    assert [(e.row, e.id, e.stage, e.code) for e in split.photos_left_out] == [
        *((i, f"m{i}", "image", "image_missing") for i in range(5)),
        (5, "b", "image", "image_unreadable"),
    ]
    assert split.has_image.sum() == 3
    assert [e.id for e in split.rejected] == ["alone"]
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" x ")[0] for line in said if " x " in line] == ["  1", "  5", "  1"]
    (missing,) = (line for line in said if "image_missing" in line)
    assert missing.startswith(
        f"  5 x image_missing, so their text stands alone: {place / 'missing' / '0.jpg'}: no photo"
    )
    work = place / "runs" / "shop"
    with (work / "train.photos_left_out.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert [(line["row"], line["id"], line["code"]) for line in listed] == [
        *((str(i), f"m{i}", "image_missing") for i in range(5)),
        ("5", "b", "image_unreadable"),
    ]
    assert not (work / "val.photos_left_out.csv").exists()
    start_run(_shop(place, rows[-1:]), "cpu", resume=True)
    assert not (work / "train.photos_left_out.csv").exists(), "an earlier run's"


def test_without_a_photo_tower_no_photo_is_missed(place: Path) -> None:
    config = _shop(place, [("m", "skirt", "12", "missing.jpg")]).model_copy(update={"image": None})
    assert start_run(config, "cpu", resume=True).train.photos_left_out == ()


def test_rejected_rows_are_told_in_one_line_a_code(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"a{i}", "", "12", f"missing/{i}.jpg") for i in range(4)]
    rows += [(f"u{i}", "skirt", f"9{i}", "") for i in range(2)]
    start_run(_shop(place, rows), "cpu", resume=True)
    said = [line for line in capsys.readouterr().err.splitlines() if " x " in line]
    assert [line.partition(":")[0] for line in said] == [
        "  4 x image_missing, for example",
        "  2 x unknown_category, for example",
    ]
    assert str(place / "missing" / "0.jpg") in said[0]


TEXTS = """
name: texts
output: {folder}/bundle
work_dir: {folder}/runs
tree: {{path: {folder}/tree.csv}}
data: {{train: [{{path: {folder}/train.csv}}], val: [{{path: {folder}/val.csv}}]}}
text: {{epochs: 1, batch_size: 32, ngrams: {{vocabulary: 256, dim: 8, min_count: 1}}}}
image: null
training: {{device: cpu, threads: 1}}
export: {{parity_rows: 8}}
"""


def _texts(place: Path, bad: bool) -> Path:
    """A configuration of titles alone, three of whose rows cannot be used where it is a bad one."""
    write_tree(place)
    leaves = {"11": "red shirt", "12": "skirt", "2": "bag"}
    for name, first, last in (("train", 0, 120), ("val", 120, 180)):
        rows = [f"{name}{i},{list(leaves.values())[i % 3]} {i},{list(leaves)[i % 3]}" for i in range(first, last)]
        if bad:
            rows += ["x1,skirt,77", "x2,skirt,78"] if name == "train" else ["x3,,11"]
        (place / f"{name}.csv").write_text("\n".join(["id,title,category_id", *rows]) + "\n", encoding="utf-8")
    (place / "config.yaml").write_text(TEXTS.format(folder=place), encoding="utf-8")
    return place / "config.yaml"


@pytest.mark.parametrize("bad", [True, False])
def test_train_exits_with_1_where_rows_were_rejected_and_says_where_they_are(
    place: Path, bad: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _texts(place, bad)
    monkeypatch.setattr("sys.argv", ["multimodal", "train", str(config)])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == int(bad)
    assert f"Wrote the bundle {place / 'bundle'}" in said.out
    rejected = {"train": 2, "val": 1} if bad else {"train": 0, "val": 0}
    assert read_manifest(place / "bundle").provenance["rejected"] == rejected
    work = place / "runs" / "texts"
    listed = f"3 rows could not be used; they are in {work / 'train.rejected.csv'}, {work / 'val.rejected.csv'}"
    assert (listed in said.err) == bad


def test_ablate_exits_with_1_too_and_says_it_again_when_all_is_measured(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["multimodal", "ablate", str(_texts(place, bad=True)), "--seeds", "1", "--output", str(place / "ablation")]
    monkeypatch.setattr("sys.argv", words)
    work = place / "ablation" / "seed1" / WHOLE
    for _ in range(2):
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        assert left.value.code == 1
        assert "Wrote" in said.out
        assert f"3 rows could not be used; they are in {work / 'train.rejected.csv'}, " in said.err
    assert (work / "train.rejected.csv").read_text(encoding="utf-8").count("\n") == 3

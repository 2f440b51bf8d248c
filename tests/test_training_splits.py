"""Sources as arrays: one row each, halves by group, bad rows told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Tiny
from multimodal.config import RunConfig
from multimodal.config.models import TextConfig
from multimodal.data.splits import split_half
from multimodal.errors import DataError
from multimodal.image import ImageKitchen
from multimodal.training.arrays import Split
from multimodal.training.prepare import Preparer, text_kitchen
from multimodal.training.run import start_run
from multimodal.types import Product
from photos import encoded
from training_support import TREE, write_rows, write_tree


@pytest.fixture(scope="module")
def val(tiny: Tiny) -> Split:
    return tiny.export.val


def _prepare(folder: Path, rows: list[dict[str, Any]], *, halves: bool = False) -> Split:
    source = write_rows(folder / "rows.parquet", rows)
    preparer = Preparer(TREE, text_kitchen(TextConfig()), ImageKitchen(48, 36))
    return preparer.split([source], folder / "work" / "rows.pixels", halves=halves)


def test_rows_become_arrays_and_bad_ones_are_told_by_their_own_number(tmp_path: Path) -> None:
    good = encoded()
    split = _prepare(
        tmp_path,
        [
            {"id": "0", "title": "Red shirt", "category_id": "11", "image": good},
            {"id": "1", "title": "A skirt", "category_id": "99"},
            {"id": "2", "category_id": "12"},
            {"id": "3", "title": "Shirt", "category_id": "0"},
            {"id": "4", "title": "Skirt", "category_id": "12", "image": b"broken"},
            {"id": "5", "category_id": "2", "image": b"broken"},
            {"id": "6", "title": "x" * 1001, "category_id": "2", "image": good},
            {"id": "7", "category_id": "2", "image": good},
        ],
    )
    assert list(split.ids) == ["0", "4", "7"]
    assert split.labels.tolist() == [TREE.leaf_index[i] for i in ("11", "12", "2")]
    assert split.has_image.tolist() == [True, False, True]
    assert split.has_text.tolist() == [True, True, False]
    assert split.has_field.tolist() == [[True, False, False], [True, False, False], [False, False, False]]
    assert split.half.tolist() == [""] * 3
    assert split.pixels is not None
    assert split.pixels.shape == (3, 48, 36, 3)
    assert split.pixels[0].any()
    assert not split.pixels[1].any()
    np.testing.assert_array_equal(split.pixels[0], split.pixels[2])
    assert [(r.row, r.id, r.code) for r in split.rejected] == [
        (1, "1", "unknown_category"),
        (3, "3", "unknown_category"),
        (2, "2", "nothing_usable"),
        (5, "5", "image_unreadable"),
        (6, "6", "title_too_long"),
    ]
    assert split.text is not None
    assert split.masked is not None
    assert split.text.keys() == split.masked.keys() == {"ngrams"}
    text, masked = split.text["ngrams"], split.masked["ngrams"]
    assert len(text) == len(masked) == 3
    assert (np.diff(text.offsets) > 0).tolist() == [True, True, False]
    assert not np.diff(masked.offsets).any(), "'red', 'shirt' and 'skirt' are category words"
    assert split.words == frozenset(), "no encoder of this run looks words up"


def test_halves_are_those_that_evaluation_draws(tmp_path: Path) -> None:
    rows = [
        {"title": f"shirt {i}", "category_id": "11" if i % 3 else "none"} for i in range(60)
    ]  # without ids the row's number decides, and every third row is rejected
    split = _prepare(tmp_path, rows, halves=True)
    kept = [i for i in range(60) if i % 3]
    assert split.half.tolist() == [split_half(Product(category_id="11"), i) for i in kept]
    assert set(split.half.tolist()) == {"select", "calibrate"}


def test_groups_stay_in_one_half(val: Split, val_products: list[Product]) -> None:
    assert val.half.tolist() == [split_half(p, i) for i, p in enumerate(val_products)]
    by_group: dict[str, set[str]] = {}
    for group, half in zip(val.groups, val.half.tolist(), strict=True):
        by_group.setdefault(group, set()).add(half)
    assert all(len(halves) == 1 for halves in by_group.values())
    assert 0.3 < (val.half == "select").mean() < 0.7


def test_a_second_run_leaves_the_photos_of_the_first_alone(tmp_path: Path) -> None:
    row = {"id": "0", "title": "Red shirt", "category_id": "11", "image": encoded()}
    first = _prepare(tmp_path, [row] * 1)
    assert first.pixels is not None
    before = first.pixels.copy()
    _prepare(tmp_path, [{"id": "1", "title": "Skirt", "category_id": "12"}])
    np.testing.assert_array_equal(first.pixels, before)


def test_a_run_without_photos_or_without_text_prepares_neither(tmp_path: Path) -> None:
    rows = [{"id": "0", "title": "Skirt", "category_id": "12", "image": encoded()}]
    source = write_rows(tmp_path / "rows.parquet", rows)
    text_only = Preparer(TREE, text_kitchen(TextConfig()), None).split([source], tmp_path / "a.pixels", halves=False)
    assert text_only.pixels is None
    assert text_only.has_image.tolist() == [False]
    photos_only = Preparer(TREE, None, ImageKitchen(48, 36)).split([source], tmp_path / "b.pixels", halves=False)
    assert photos_only.text is photos_only.masked is None
    assert photos_only.has_text.tolist() == [False]


def _drawn(folder: Path, rows: list[dict[str, Any]], **split: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "drawn",
            "output": str(folder / "bundle"),
            "work_dir": str(folder / "runs"),
            "tree": {"path": str(write_tree(folder))},
            "data": {"train": [write_rows(folder / "all.parquet", rows)], **({"split": split} if split else {})},
            "image": None,
        }
    )


def _wares(n: int) -> list[dict[str, Any]]:
    leaves = ("11", "12", "2")
    return [{"id": str(i), "title": f"ware {i // 2}", "category_id": leaves[i // 2 % 3]} for i in range(n)]


def test_validation_rows_are_drawn_from_the_training_sources(tmp_path: Path) -> None:
    rows = _wares(600)
    rows[7] = {"id": "7", "title": "odd one", "category_id": "77"}
    run = start_run(_drawn(tmp_path, rows, val=0.2), "cpu", resume=True)
    train, val = run.train, run.val
    assert sorted([*train.ids, *val.ids], key=int) == [str(i) for i in range(600) if i != 7]
    assert len(val) == 120
    assert np.bincount(val.labels).tolist() == [40, 40, 40]
    titles = [{int(str(i)) // 2 for i in split.ids} for split in (train, val)]
    assert not titles[0] & titles[1]
    assert not set(train.groups) & set(val.groups)
    halves: dict[str, set[str]] = {}
    for group, half in zip(val.groups, val.half.tolist(), strict=True):
        halves.setdefault(group, set()).add(half)
    assert len(halves) == 60
    assert all(len(half) == 1 for half in halves.values())
    assert 20 < (val.half == "select").sum() < 100
    assert set(train.half.tolist()) == {""}
    assert [r.row for split in (train, val) for r in split.rejected] == [7]
    assert run.notes["split"] == {"val": 0.2, "seed": 0, "by": ("title", "photo"), "groups": 60}


def test_another_way_to_draw_is_another_run(tmp_path: Path) -> None:
    def told(**split: Any) -> str:
        return start_run(_drawn(tmp_path, _wares(600), **split), "cpu", resume=True).fingerprint()

    plain = told()
    assert told() == told(val=0.15) == plain
    assert len({plain, told(seed=1), told(by=["id", "title"]), told(val=0.2)}) == 4


def test_too_few_groups_to_draw_from_are_refused(tmp_path: Path) -> None:
    rows = [{"id": str(i), "title": "the same", "category_id": "11"} for i in range(50)]
    with pytest.raises(DataError, match=r"data.split: got 50 rows in 1 groups.*expected hundreds.*data.val"):
        start_run(_drawn(tmp_path, rows), "cpu", resume=True)
    with pytest.raises(DataError, match=r"data.split: got 6 rows with usable text.*expected at least 20"):
        start_run(_drawn(tmp_path, _wares(40)), "cpu", resume=True)

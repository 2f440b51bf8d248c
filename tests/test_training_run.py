"""What the stages of a run share: class weights, halves, fingerprints, and the checks at its start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Tiny
from multimodal.config import RunConfig
from multimodal.errors import DataError
from multimodal.training.arrays import Split
from multimodal.training.run import Run, start_run
from multimodal.training.tree import tree_of
from photos import encoded
from training_support import TREE, features_of, write_rows, write_tree


@pytest.fixture(scope="module")
def val(tiny: Tiny) -> Split:
    return tiny.export.val


def _run(config: RunConfig, train: Split, val: Split, **more: Any) -> Run:
    return Run(config, TREE, train, val, Path(), "cpu", True, **more)


def _labelled(labels: list[int], half: str = "") -> Split:
    n = len(labels)
    none = np.zeros(n, np.bool_)
    return Split(
        list(range(n)), ["g"] * n, np.array(labels), np.ones((n, 3), np.bool_), features_of([[1]] * n), None, None,
        none, np.array([half] * n), ~none, (),
    )  # fmt: skip


@pytest.mark.parametrize("balance", [0.5, 1.0])
def test_class_weights_are_one_on_average(tiny_config: RunConfig, balance: float) -> None:
    training = tiny_config.training.model_copy(update={"class_balance": balance})
    config = tiny_config.model_copy(update={"training": training})
    split = _labelled([0] * 8 + [1] * 2)
    weights = _run(config, split, split).class_weights(np.arange(10))
    assert weights is not None
    assert weights.shape == (3,)
    assert float(weights[split.labels].mean()) == pytest.approx(1)
    assert float(weights[1] / weights[0]) == pytest.approx(4**balance)
    assert weights.isfinite().all()


def test_class_weights_are_off_by_default(tiny_config: RunConfig) -> None:
    split = _labelled([0, 1])
    assert _run(tiny_config, split, split).class_weights(np.arange(2)) is None


def test_all_of_val_selects_where_a_half_is_empty(tiny_config: RunConfig, val: Split) -> None:
    run = _run(tiny_config, val, val)
    assert (val.half[run.select] == "select").all()
    assert len(run.select) == (val.half == "select").sum()
    calibrating = _labelled([0, 1, 1], "calibrate")
    assert _run(tiny_config, val, calibrating).select.tolist() == [0, 1, 2]


def test_fingerprint_changes_with_recipe_labels_and_content(tiny_config: RunConfig) -> None:
    split, other = _labelled([0, 1]), _labelled([1, 1])
    plain = _run(tiny_config, split, split).fingerprint(tiny_config.text)
    assert _run(tiny_config, split, split).fingerprint(tiny_config.text) == plain
    changed = [
        _run(tiny_config, other, split).fingerprint(tiny_config.text),
        _run(tiny_config, split, other).fingerprint(tiny_config.text),
        _run(tiny_config, split, split, content="x").fingerprint(tiny_config.text),
        _run(tiny_config, split, split).fingerprint(tiny_config.image),
    ]
    assert len({plain, *changed}) == 5


def _shop(folder: Path, train: list[dict[str, Any]], val: list[dict[str, Any]], **more: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "shop",
            "output": str(folder / "bundle"),
            "work_dir": str(folder / "runs"),
            "tree": {"path": str(write_tree(folder))},
            "data": {
                "train": [write_rows(folder / "a.parquet", train)],
                "val": [write_rows(folder / "b.parquet", val)],
            },
            **more,
        }
    )


def _texts(n: int, title: str = "shirt") -> list[dict[str, Any]]:
    return [{"id": str(i), "title": f"{title} {i}", "category_id": "11"} for i in range(n)]


def test_changed_texts_and_photos_change_the_fingerprint(tmp_path: Path) -> None:
    def told(train: list[dict[str, Any]]) -> str:
        config = _shop(tmp_path, train, _texts(30) + photos, image={"size": [48, 36]})
        return start_run(config, "cpu", resume=True).fingerprint()

    photos = [{"id": f"p{i}", "category_id": "2", "image": encoded()} for i in range(25)]
    plain = told(_texts(4) + photos[:2])
    assert told(_texts(4) + photos[:2]) == plain
    assert told(_texts(4, "skirt") + photos[:2]) != plain
    assert told([*_texts(4), photos[0], {**photos[1], "image": encoded(kind="PNG")}]) != plain


@pytest.mark.parametrize(
    ("train", "val", "more", "said"),
    [
        (4, 30, {}, "data.train: got 0 rows with a readable photo.*set image: null"),
        (4, 19, {"image": None}, "data.val: got 19 rows with usable text.*expected at least 20"),
        (1, 30, {"image": None}, "data.train: got 1 rows with usable text"),
        (0, 30, {"image": None}, "data.train: got no usable row"),
        (4, 0, {"image": None}, "data.val: got no usable row"),
    ],
)
def test_a_tower_without_data_is_refused_at_the_start(
    tmp_path: Path, train: int, val: int, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        start_run(_shop(tmp_path, _texts(train), _texts(val), **more), "cpu", resume=True)


def test_rejected_rows_are_kept_in_a_file(tmp_path: Path) -> None:
    rows = [{"id": "bad", "title": "shirt", "category_id": "77"}, *_texts(4)]
    start_run(_shop(tmp_path, rows, _texts(30), image=None), "cpu", resume=True)
    lines = (tmp_path / "runs" / "shop" / "train.rejected.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "row,id,stage,code,message"
    assert lines[1].startswith("0,bad,label,unknown_category,")
    assert len(lines) == 2


def test_tree_from_paths_keeps_the_order_of_appearance(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("title,category_path\na,Clothes > Shirts\nb,Bags\nc,Clothes > Skirts\nd,Bags\n", encoding="utf-8")
    source = {"path": str(file)}
    raw = {"name": "p", "output": "o", "tree": {"from_paths": True}, "data": {"train": [source], "val": [source]}}
    tree = tree_of(RunConfig.model_validate(raw))
    assert [n.id for n in tree.nodes] == ["Clothes", "Clothes > Shirts", "Bags", "Clothes > Skirts"]
    assert tree.leaves == ("Clothes > Shirts", "Bags", "Clothes > Skirts")

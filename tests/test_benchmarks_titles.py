"""Roads to the category of a title, measured for real on drawn products."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from multimodal.data.sample import SampleFiles

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import title_roads
from curve_data import open_data
from curve_measure import unpack
from title_models import FIRST, ROADS, Asked

CHEAP = (
    FIRST,
    "LinearSVC, letters alone",
    "complement naive Bayes",
    "ten nearest titles",
    "LinearSVC and nearest titles",
)


def test_each_road_is_measured_once_on_rows_it_has_not_seen(
    catalog: SampleFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "roads.json"
    command = ["--data", str(catalog.folder), "--json", str(file), "--folds", "2", "--roads", *CHEAP[1:]]
    assert title_roads.main(command) == 0
    told = capsys.readouterr().out
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert [row["road"] for row in rows] == list(CHEAP)
    for row in rows:
        for part in ("folds", "val"):
            hits = unpack(row[part]["hits"], row[part]["rows"])
            assert row[part]["top1"] == pytest.approx(hits.mean())
            assert f"{row[part]['top1']:.4f}" in told
            assert (row[part]["difference"] is None) == (row["road"] == FIRST)
    assert rows[0]["folds"]["top1"] > 0.5
    before = file.read_bytes()
    assert title_roads.main(command) == 0
    assert file.read_bytes() == before


def test_groups_stay_in_one_fold() -> None:
    groups = np.array([f"g{i // 3}" for i in range(300)])
    folds = title_roads._folds(groups, 4)
    assert set(folds) == {0, 1, 2, 3}
    assert all(len(set(folds[groups == name])) == 1 for name in set(groups))


@pytest.mark.slow
def test_our_road_learns_from_the_rows_it_is_given(catalog: SampleFiles) -> None:
    data = open_data(catalog.folder, photos=False)
    labels = np.array([data.tree.leaf_index[p.category_id or ""] for p in data.train])
    some = np.flatnonzero(labels != labels[0])  # not a single product of one leaf
    asked = Asked(data, [data.train[i] for i in some], labels[some], data.at[some], data.val)
    answers = ROADS["multimodal"](asked)
    others = data.labels != labels[0]
    assert (answers[others] == data.labels[others]).mean() > 0.5
    assert (answers[~others] == labels[0]).mean() < 0.1

"""Validation rows that training has too: told where they are some, refused where they are most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import Tiny
from multimodal.config import RunConfig
from multimodal.errors import DataError
from multimodal.training.overlap import known_rows
from multimodal.training.run import Run, start_run
from photos import encoded, noise, picture
from training_support import write_tree

Row = dict[str, Any]
LEAVES = ("11", "12", "2")
RED, NOISE = encoded(picture()), encoded(noise())


def _write(file: Path, rows: Sequence[Row], columns: Sequence[str]) -> dict[str, str]:
    kinds = {"image": pa.binary()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    pq.write_table(pa.Table.from_pylist(list(rows), schema), file)
    return {"path": str(file)}


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Run]:
    """Starts a run on rows of some columns; without validation rows they are drawn."""

    def run(train: Sequence[Row], val: Sequence[Row], *, image: bool = False) -> Run:
        columns = dict.fromkeys(name for row in (*train, *val) for name in row)
        data = {"train": [_write(tmp_path / "rows-a.parquet", train, list(columns))]}
        if val:
            data["val"] = [_write(tmp_path / "rows-b.parquet", val, list(columns))]
        raw = {
            "name": "shop",
            "output": str(tmp_path / "bundle"),
            "work_dir": str(tmp_path / "runs"),
            "tree": {"path": str(write_tree(tmp_path))},
            "data": data,
            "image": {"size": [48, 36]} if image else None,
            **({"text": None} if image else {}),
        }
        return start_run(RunConfig.model_validate(raw), "cpu", resume=True)

    return run


def _wares(first: int, last: int, **more: Any) -> list[Row]:
    return [
        {"title": f"ware {i}", "category_id": LEAVES[i % 3], **{k: v(i) for k, v in more.items()}}
        for i in range(first, last)
    ]


def by_id(i: int) -> str:
    return f"p{i}"


def by_group(i: int) -> str:
    return f"g{i // 2}"


@pytest.mark.parametrize(
    "columns",
    [{}, {"id": by_id}, {"group": by_group}, {"id": by_id, "group": by_group}],
    ids=["neither", "ids", "groups", "both"],
)
def test_the_same_rows_on_both_sides_are_refused(start: Callable[..., Run], columns: dict[str, Any]) -> None:
    rows = _wares(0, 60, **columns)
    with pytest.raises(DataError) as caught:
        start(rows, rows[10:50])
    said = caught.value.message
    assert said.startswith("data.val: got 40 rows, 40 of which data.train has too, by group or by id and title (the")
    assert ("the first: id 'p10'" if "id" in columns else "the first: usable row 0") in said
    assert "expected rows that training has not seen" in said
    assert "leave data.val out: data.split then draws validation rows from data.train (docs/training.md)" in said


def test_some_rows_on_both_sides_are_told_of(start: Callable[..., Run], capsys: pytest.CaptureFixture[str]) -> None:
    run = start(_wares(0, 60, id=by_id), _wares(40, 80, id=by_id))
    assert known_rows(run.train, run.val).tolist() == [True] * 20 + [False] * 20
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "validation rows stand" in line)
    assert said.startswith("  20 of 40 validation rows stand in data.train too, by group or by id and title (the first")
    assert "id 'p40'" in said
    assert "leave data.val out" in said
    with pytest.raises(DataError, match=r"got 39 rows, 20 of which"):
        start(_wares(0, 60, id=by_id), _wares(40, 79, id=by_id))


def test_a_group_counts_whatever_its_rows_are(start: Callable[..., Run]) -> None:
    with pytest.raises(DataError, match=r"got 30 rows, 30 of which"):
        start(_wares(0, 30, group=by_group), _wares(100, 130, group=lambda i: by_group(i - 100)))


def test_titles_that_differ_in_how_they_are_written_are_the_same(start: Callable[..., Run]) -> None:
    loud = [{**row, "title": row["title"].upper() + "!"} for row in _wares(0, 30, id=by_id)]
    with pytest.raises(DataError, match=r"got 30 rows, 30 of which"):
        start(_wares(0, 30, id=by_id), loud)


@pytest.mark.parametrize(
    ("train", "val"),
    [
        (_wares(0, 60, id=lambda i: str(i)), _wares(100, 140, id=lambda i: str(i - 100))),
        (_wares(0, 60), _wares(60, 100)),
        (_wares(0, 60, group=by_group), _wares(60, 100, group=by_group)),
        ([{**row, "group": f"a{i}"} for i, row in enumerate(_wares(0, 60))],
         [{**row, "group": f"b{i}"} for i, row in enumerate(_wares(0, 60))]),
    ],
    ids=["rows numbered in each file", "other titles", "other groups", "groups go before titles"],
)  # fmt: skip
def test_other_products_are_no_overlap(
    start: Callable[..., Run], train: list[Row], val: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    run = start(train, val)
    assert not known_rows(run.train, run.val).any()
    assert "stand in data.train" not in capsys.readouterr().err


def test_photos_without_titles_are_known_by_what_they_show(start: Callable[..., Run]) -> None:
    def photos(data: bytes) -> list[Row]:
        return [{"id": f"shirts/{i}.jpg", "category_id": LEAVES[i % 3], "image": data} for i in range(40)]

    run = start(photos(RED), photos(NOISE), image=True)
    assert not known_rows(run.train, run.val).any()
    with pytest.raises(DataError, match=r"got 40 rows, 40 of which"):
        start(photos(RED), photos(RED), image=True)


def test_rows_that_were_drawn_are_not_asked(start: Callable[..., Run]) -> None:
    rows = _wares(0, 300, group=lambda i: f"g{i}")
    run = start(rows, [])
    assert len(run.val)
    assert not known_rows(run.train, run.val).any()


def test_the_sample_catalog_keeps_its_splits_apart(tiny: Tiny) -> None:
    assert tiny.export.train is not None
    assert tiny.export.train.marks is not None
    assert not known_rows(tiny.export.train, tiny.export.val).any()

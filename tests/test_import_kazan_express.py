"""``multimodal data import kazan-express``: checked, cleaned rows by splits."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.imports import ImportReport, import_kazan_express
from multimodal.errors import DataError, TreeError
from multimodal.taxonomy import read_tree
from multimodal.text.alike import title_key
from multimodal.types import Product
from public_downloads import write_kazan_express

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


def imported(folder: Path, out: Path, **columns: list[object]) -> ImportReport:
    return import_kazan_express(write_kazan_express(folder, 120, **columns), out, title_key=title_key)


def rows_of(report: ImportReport) -> list[dict[str, Any]]:
    return [{**row, "split": split} for split, file in report.files.items() for row in pq.read_table(file).to_pylist()]


def test_rows_are_cleaned_and_keep_their_columns(tmp_path: Path) -> None:
    titles: list[object] = [f"\tКуртка  👨‍👩‍👧 номер {i}\x07 " for i in range(120)]
    report = imported(tmp_path / "download", tmp_path / "out", title=titles)
    assert (sum(report.rows.values()), report.rows["val"], report.rows["test"]) == (120, 12, 12)
    assert (report.errors, report.notes) == (0, {"groups": 120, "on_inner_categories": 0})
    row = next(row for row in rows_of(report) if row["id"] == 507)
    assert row | {"split": "", "group": ""} == {
        "id": 507, "title": "Куртка  👨‍👩‍👧 номер 7", "short_description": "Описание",
        "name_value_characteristics": "Цвет: красный | синий / Размер: 42", "rating": 4.5, "feedback_quantity": 7,
        "category_id": "12", "group": "", "split": "",
    }  # fmt: skip
    tree = read_tree(report.tree)
    assert {n.id: n.parent_id for n in tree.nodes} == {"1": None, "10": "1", "11": "10", "12": "10", "20": "1"}
    items = list(read_source(SourceConfig(path=str(report.files["train"])), labelled=True))
    assert len(items) == report.rows["train"]
    assert all(isinstance(i, Product) and i.title and i.description and i.characteristics for i in items)
    assert all(item.category_id in tree.leaf_index for item in items if isinstance(item, Product))


def test_a_bad_row_costs_itself_alone(tmp_path: Path) -> None:
    ids: list[object] = [*range(500, 620)]
    ids[3], ids[4], ids[5] = 500, None, None  # a repeated id; two rows without one
    categories: list[object] = [11] * 120
    categories[0], categories[1], categories[2] = None, 99, 10
    text: list[object] = ["Т"] * 119 + [None]
    report = imported(
        tmp_path / "download", tmp_path / "out", id=ids, category_id=categories,
        title=["  ", *(f"Т {i}" for i in range(118)), None], short_description=text, name_value_characteristics=text,
    )  # fmt: skip
    assert report.errors_file is not None
    with report.errors_file.open(encoding="utf-8", newline="") as stream:
        listed = [(row["row"], row["id"], row["code"]) for row in csv.DictReader(stream)]
    assert listed == [
        ("0", "500", "unknown_category"), ("1", "501", "unknown_category"), ("119", "619", "nothing_usable"),
    ]  # fmt: skip
    rows = rows_of(report)
    assert sum(row["id"] is None for row in rows) == 2
    assert sum(row["id"] == 500 for row in rows) == 1  # the row before it had no usable category
    assert report.notes["on_inner_categories"] == 1
    again = imported(tmp_path / "twice", tmp_path / "out", id=[7, 7, *range(500, 618)])
    assert (again.errors, sum(again.rows.values())) == (1, 119)
    assert "duplicate_id" in (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8")
    imported(tmp_path / "good", tmp_path / "out")
    assert not (tmp_path / "out" / "errors.csv").exists()


def test_copies_of_a_title_stay_together_in_any_order(tmp_path: Path) -> None:
    titles: list[object] = [f"Товар  {i // 3}" if i % 2 else f"ТОВАР: {i // 3}" for i in range(120)]
    folder = write_kazan_express(tmp_path / "download", title=titles)
    first = rows_of(import_kazan_express(folder, tmp_path / "first", title_key=title_key))
    for i in range(40):
        assert len({(r["group"], r["split"]) for r in first if (r["id"] - 500) // 3 == i}) == 1
    assert len({row["group"] for row in first}) == 40
    table = pq.read_table(folder / "train.parquet")
    pq.write_table(table.take(pa.array(range(119, -1, -1))), folder / "train.parquet")
    second = rows_of(import_kazan_express(folder, tmp_path / "second", title_key=title_key))
    assert sorted(first, key=lambda row: row["id"]) == sorted(second, key=lambda row: row["id"])


def test_what_is_no_download(tmp_path: Path) -> None:
    folder, out = write_kazan_express(tmp_path / "download"), tmp_path / "out"

    def run() -> None:
        import_kazan_express(folder, out, title_key=title_key)

    pq.write_table(pa.table({"titel": ["A"], "category_id": [11]}), folder / "train.parquet")
    with pytest.raises(DataError, match=r"missing columns title; expected id, .*found titel.*Did you mean 'titel'"):
        run()
    pq.write_table(pa.table({"title": ["A"], "category_id": [99]}), folder / "train.parquet")
    with pytest.raises(DataError, match=r"no usable row, expected some; .*row 0: got the category '99'"):
        run()
    (folder / "categories_tree.csv").write_text("id,title,parent_id\n1,A,0\n2,B,3\n")
    with pytest.raises(TreeError, match=r"categories_tree\.csv: .*2 \(B\), parent 3"):
        run()
    (folder / "categories_tree.csv").unlink()
    with pytest.raises(DataError, match=r"missing categories_tree\.csv; .*found train\.parquet"):
        run()
    assert not out.exists()


@pytest.mark.data
def test_public_russian_titles_come_through(tmp_path: Path) -> None:
    folder = DATA / "perekrestok_ru"
    if not (folder / "train.parquet").is_file():
        pytest.skip(f"{folder} is not there; set MULTIMODAL_DATA to the folder of public data")
    report = import_kazan_express(folder, tmp_path / "out", title_key=title_key)
    assert (sum(report.rows.values()), report.leaves, report.errors) == (12_556, 183, 0)
    assert abs(report.rows["val"] - 1256) < 30
    split_of: dict[str, str] = {}
    for row in rows_of(report):
        assert split_of.setdefault(title_key(row["title"]), row["split"]) == row["split"]

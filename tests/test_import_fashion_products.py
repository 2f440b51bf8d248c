"""``multimodal data import fashion-products``: from a folder in Kaggle's layout to splits with photos."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.imports import import_fashion_products
from multimodal.data.imports.fashion_products import numbered
from multimodal.errors import DataError
from multimodal.taxonomy import read_tree
from multimodal.text.alike import title_key
from multimodal.types import Product
from public_downloads import add_style, photo, write_fashion_products

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
SPLITS = ("train", "val", "test")


def rows_of(out: Path) -> dict[int, dict[str, Any]]:
    """Id -> row with its split."""
    tables = {split: pq.read_table(out / f"{split}.parquet") for split in SPLITS}
    return {row["id"]: {**row, "split": split} for split in SPLITS for row in tables[split].to_pylist()}


@pytest.fixture
def download(tmp_path: Path) -> Path:
    return write_fashion_products(tmp_path / "download")


def test_rows_photos_and_tree(download: Path, tmp_path: Path) -> None:
    report = import_fashion_products(download, tmp_path / "out", title_key=title_key)
    assert (sum(report.rows.values()), report.errors, report.errors_file) == (120, 0, None)
    assert report.rows["val"] == report.rows["test"] == 12
    rows = rows_of(tmp_path / "out")
    assert sorted(rows) == list(range(1000, 1120))
    tree = read_tree(report.tree)
    assert [n.name for n in tree.path(str(rows[1002]["category_id"]))] == ["Accessories", "Bags", "Bags"]
    assert (tree.roots[0], len(tree), len(tree.leaves)) == ("1001", report.categories, report.leaves) == ("1001", 10, 4)
    assert rows[1001]["title"] == "Item number 1"
    assert rows[1001]["characteristics"] == "baseColour: Navy Blue / usage: Casual"
    assert rows[1001]["image"] == {"bytes": photo(1), "path": "1001.jpg"}


def test_the_training_reader_reads_it(download: Path, tmp_path: Path) -> None:
    report = import_fashion_products(download, tmp_path / "out", title_key=title_key)
    items = list(read_source(SourceConfig(path=str(report.files["train"])), labelled=True))
    assert len(items) == report.rows["train"]
    first = items[0]
    assert isinstance(first, Product)
    assert first.category_id in read_tree(report.tree).leaf_index
    assert first.image is not None
    assert first.image.data == photo(int(first.id or 0) - 1000)


def test_an_unquoted_comma_belongs_to_the_title(download: Path, tmp_path: Path) -> None:
    add_style(download, "3000,Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,Shirt, long, of cotton", 900)
    add_style(download, '3001,Men,Apparel,Topwear,Shirts,NA,Fall,2011,,"Shirt, of silk"', 901)
    add_style(download, "3002,Men,Apparel,Topwear,Shirts,Red,extra,Fall,2011,Casual,Shirt", 902)
    report = import_fashion_products(download, tmp_path / "out", title_key=title_key)
    rows = rows_of(tmp_path / "out")
    assert rows[3000]["title"] == "Shirt, long, of cotton"
    assert (rows[3001]["title"], rows[3001]["characteristics"]) == ("Shirt, of silk", None)
    assert 3002 not in rows  # the comma stands elsewhere: whose cell is whose is not known
    assert report.errors == 1


def test_a_bad_line_costs_itself_alone(download: Path, tmp_path: Path) -> None:
    add_style(download, "3000,Men,Apparel,Topwear,Shirts")
    add_style(download, "30x1,Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,Shirt")
    add_style(download, "3002,Men,Apparel,,Shirts,Red,Fall,2011,Casual,Shirt")
    add_style(download, "1000,Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,Once more")
    add_style(download, "3003,Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,")
    add_style(download, "3004,Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,", 904)
    add_style(download, "3005,Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,No photo")
    report = import_fashion_products(download, tmp_path / "out", title_key=title_key)
    assert report.errors_file is not None
    with report.errors_file.open(encoding="utf-8", newline="") as stream:
        listed = [(row["row"], row["id"], row["code"]) for row in csv.DictReader(stream)]
    assert sorted(listed) == [
        ("120", "3000", "ragged_row"), ("121", "30x1", "id"), ("122", "3002", "no_category"),
        ("123", "1000", "duplicate_id"), ("124", "3003", "nothing_usable"),
    ]  # fmt: skip
    rows = rows_of(tmp_path / "out")
    assert (rows[1000]["title"], rows[3004]["title"], rows[3005]["image"]) == ("Item number 0", None, None)
    assert (sum(report.rows.values()), report.notes["without_photo"]) == (122, 1)


def test_copies_stay_together(download: Path, tmp_path: Path) -> None:
    """A row with the title of one product and the photo of the next: three rows, one group, one split."""
    for i in range(0, 90, 3):
        line = f"{2000 + i},Men,Apparel,Topwear,Shirts,Red,Fall,2011,Casual,"
        add_style(download, f"{line}ITEM  number {i}", i + 1)
    report = import_fashion_products(download, tmp_path / "out", title_key=title_key)
    rows = rows_of(tmp_path / "out")
    for i in range(0, 90, 3):
        joined = [rows[2000 + i], rows[1000 + i], rows[1001 + i]]
        assert len({row["group"] for row in joined}) == 1
        assert len({row["split"] for row in joined}) == 1
    assert report.notes["groups"] == len({row["group"] for row in rows.values()}) == 90


def test_the_order_of_lines_changes_no_split(download: Path, tmp_path: Path) -> None:
    import_fashion_products(download, tmp_path / "first", title_key=title_key)
    header, *lines = (download / "styles.csv").read_text().splitlines()
    (download / "styles.csv").write_text("\n".join([header, *reversed(lines)]))
    import_fashion_products(download, tmp_path / "second", title_key=title_key)
    assert rows_of(tmp_path / "first") == rows_of(tmp_path / "second")
    trees = [(tmp_path / out / "categories_tree.csv").read_bytes() for out in ("first", "second")]
    assert trees[0] == trees[1]


def test_what_is_no_download(download: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"missing styles\.csv, images/; .*found download/\. They are all in "):
        import_fashion_products(tmp_path, out, title_key=title_key)
    with pytest.raises(DataError, match=r"no such folder; download .*kaggle\.com"):
        import_fashion_products(tmp_path / "none", out, title_key=title_key)
    with pytest.raises(DataError, match="got the download itself"):
        import_fashion_products(download, download, title_key=title_key)
    (download / "styles.csv").write_text("id,title\n1,A\n")
    with pytest.raises(DataError, match=r"expected the columns id, gender.*found id, title"):
        import_fashion_products(download, out, title_key=title_key)
    assert not out.exists()


@pytest.mark.data
def test_the_numbers_of_categories_are_those_of_the_public_tree() -> None:
    """The same set of categories gets the ids of the tree that configurations and the shipped bundle know."""
    file = DATA / "fashion_products" / "categories_tree.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not there; set MULTIMODAL_DATA to the folder of public data")
    tree = read_tree(file)
    ids = numbered(tuple(node.name for node in tree.path(leaf)) for leaf in tree.leaves)
    assert ids == {tuple(step.name for step in tree.path(node.id)): int(node.id) for node in tree.nodes}

"""Trees from tables: columns, ids that went through floats, the many ways to say that a category is a root."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.errors import DataError, TreeError
from multimodal.taxonomy import read_tree

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


def rows(file: Path) -> list[tuple[str, str, str | None]]:
    return [(node.id, node.name, node.parent_id) for node in read_tree(file).nodes]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("0,All,;1,A,0;2,B,0", [("1", None), ("2", None)]),  # the whole shop: the only root, left out
        ("0,All,0;1,A,0;2,B,1", [("1", None), ("2", "1")]),
        ("0,A,;1,B,0;2,C,", [("0", None), ("1", "0"), ("2", None)]),  # ids that count from 0
        ("0,A,", [("0", None)]),
        ("0,A,1;1,B,", [("0", "1"), ("1", None)]),
        ("a,A,root;b,B,root;c,C,a", [("a", None), ("b", None), ("c", "a")]),  # a root without a row
        ("5,A,-1;6,B,5", [("5", None), ("6", "5")]),
        ("1,All,0;2,A,1", [("1", None), ("2", "1")]),
        ("1,A,0;2,B,NULL;3,C,None;4,D,", [("1", None), ("2", None), ("3", None), ("4", None)]),
    ],
)
def test_what_makes_a_root(tmp_path: Path, lines: str, expected: list[tuple[str, str | None]]) -> None:
    file = tmp_path / "tree.csv"
    file.write_text("id,title,parent_id\n" + lines.replace(";", "\n"))
    assert [(key, parent) for key, _, parent in rows(file)] == expected


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1,A,7;2,B,8", r"1 \(A\), parent 7, 2 \(B\), parent 8"),  # which of the two would be the root?
        ("1,A,7;2,B,", r"1 \(A\), parent 7"),  # beside a true root it is a lost row
        ("1,A,1;2,B,1", "1 -> 1"),
        ("0,A,;0,B,;1,C,0", "more than once: 0"),
    ],
)
def test_lost_parents_are_no_roots(tmp_path: Path, lines: str, message: str) -> None:
    file = tmp_path / "tree.csv"
    file.write_text("id,title,parent_id\n" + lines.replace(";", "\n"))
    with pytest.raises(TreeError, match=rf"tree\.csv: .*{message}"):
        read_tree(file)


def test_csv_roots_and_float_ids(tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    file.write_text(
        "\ufeffid,title,parent_id\n1.0,A,0\n2.0,Б,1.0\n\n3.0,В,nan\n4.0,Г,\n", encoding="utf-8"
    )
    assert rows(file) == [("1", "A", None), ("2", "Б", "1"), ("3", "В", None), ("4", "Г", None)]


def test_csv_keeps_ids_that_only_look_like_numbers(tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    file.write_text("code;label;up\n1.0;A;0\n1.1;B;1.0\n01;C;0\n", encoding="utf-8")
    tree = read_tree(file, id="code", name="label", parent_id="up")
    assert [n.id for n in tree.nodes] == ["1.0", "1.1", "01"]
    assert tree.node("1.1").parent_id == "1.0"


@pytest.mark.parametrize("header", ["id;name;parent_id", "id;label;parent", "category_id;title;parentId"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_usual_names_of_columns_are_known(tmp_path: Path, suffix: str, header: str) -> None:
    file = tmp_path / f"tree.{suffix}"
    if suffix == "csv":
        file.write_text(f"\n;;\n{header}\n1;A;0\n2;B;1\n")  # blank lines come before
    else:
        pq.write_table(pa.table(dict(zip(header.split(";"), ([1, 2], ["A", "B"], [0, 1]), strict=True))), file)
    assert rows(file) == [("1", "A", None), ("2", "B", "1")]


def test_a_name_that_was_asked_for_is_the_one_taken(tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    file.write_text("id,name,title,parent_id\n1,a,A,0\n")
    assert (rows(file)[0][1], read_tree(file, name="name").nodes[0].name) == ("A", "a")
    with pytest.raises(DataError, match="missing columns heading; expected id, heading, parent_id"):
        read_tree(file, name="heading")
    file.write_text("id,title,title,parent_id\n1,a,A,0\n")
    with pytest.raises(DataError, match=r"tree\.csv: got the column 'title' 2 times, expected each name once"):
        read_tree(file)


@pytest.mark.parametrize("parents", [[None, 1001.0, float("nan")], [0, 1001, 0], ["0", "1001", ""]])
def test_parquet_roots_of_every_kind(tmp_path: Path, parents: list[object]) -> None:
    table = pa.table({"id": [1001, 1002, 1003], "title": ["A", "B", "C"], "parent_id": parents})
    pq.write_table(table, tmp_path / "tree.parquet")
    tree = read_tree(tmp_path / "tree.parquet")
    assert [n.parent_id for n in tree.nodes] == [None, "1001", None]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_missing_column_says_both_sides(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"tree.{suffix}"
    if suffix == "csv":
        file.write_text("id,titel,parent_id\n1,A,0\n")
    else:
        pq.write_table(pa.table({"id": [1], "titel": ["A"], "parent_id": [0]}), file)
    with pytest.raises(DataError, match=r"missing columns title; expected id.*found id, titel.*'titel'"):
        read_tree(file)


def test_a_quote_that_does_not_close_hides_no_category(tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    file.write_text('id,title,parent_id\n1,All,\n2,"Shirts,1\n3,Hats,1\n4,Shoes,1\n')
    with pytest.raises(DataError, match=r"row 2 is no CSV .a quote opens and does not close.; expected quotes in pa"):
        read_tree(file)
    file.write_text('id,title,parent_id\n1,"All\nof it",\n2,"5"" pipes",1\n3,5" pipes,1\n')
    assert [name for _, name, _ in rows(file)] == ["All\nof it", '5" pipes', '5" pipes']


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_tree(tmp_path / "none.csv")
    (tmp_path / "bad.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match="not readable as parquet"):
        read_tree(tmp_path / "bad.parquet")
    (tmp_path / "bad.csv").write_bytes("id,title,parent_id\n1,Имя,0\n".encode("cp1251"))
    with pytest.raises(DataError, match="UTF-8"):
        read_tree(tmp_path / "bad.csv")
    (tmp_path / "orphan.csv").write_text("id,title,parent_id\n1,A,7\n2,B,0\n")
    with pytest.raises(TreeError, match=r"orphan.csv: .*1 \(A\), parent 7"):
        read_tree(tmp_path / "orphan.csv")
    (tmp_path / "noname.csv").write_text("id,title,parent_id\n1,A,0\n2,,1\n")
    with pytest.raises(TreeError, match="row 2 has no 'title'"):
        read_tree(tmp_path / "noname.csv")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "leaves", "levels"), [("fashion_products", 168, 3), ("perekrestok_ru", 183, 2)]
)
def test_public_trees(name: str, leaves: int, levels: int) -> None:
    file = DATA / name / "categories_tree.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not there; set MULTIMODAL_DATA to the folder of public data")
    tree = read_tree(file)
    assert (len(tree.leaves), tree.levels) == (leaves, levels)

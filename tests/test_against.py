"""A peer's saved predictions: matched by id, counted fairly, refused by name where they do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation_support import TREE, measured
from multimodal.errors import DataError, InputError
from multimodal.serving.against import check_categories, check_tree, compare
from multimodal.serving.measured import Measured, PeerAnswers
from multimodal.serving.saved import read_answers
from multimodal.taxonomy import Node, Tree

ROWS = measured(["a2a", "a2a", "b3", "c"], ["a2a", "a2b", "b3", "c"], [0.9, 0.6, 0.8, 0.7])


def test_rows_are_matched_by_id_in_any_order_and_extra_ones_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "peer.csv"
    file.write_text("id,category_id,probability\n103,c,0.5\n7,b3,1\n102,,\n100,a2a,0.9\n101,a2a,0.75\n")
    peer = read_answers(file).of(ROWS)
    assert (peer.name, peer.category_ids) == ("peer.csv", ("a2a", "a2a", None, "c"))
    found = compare(ROWS, peer, TREE)
    assert (found.versus.top1.mean_a, found.versus.top1.mean_b, found.unanswered) == (0.75, 0.75, 1)
    # of the three it answered, all right, at 0.9, 0.75 and 0.5, each in a bin of its own
    assert found.peer_ece == pytest.approx((0.1 + 0.25 + 0.5) / 3)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.string()])
def test_ids_of_any_type_are_the_same_id(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"sku": pa.array([100, 101, 102, 103]).cast(kind), "category_id": ["a", "a2a", "b3", "c"]})
    pq.write_table(table, tmp_path / "peer.parquet")
    peer = read_answers(tmp_path / "peer.parquet").of(ROWS)
    assert peer.category_ids == ("a", "a2a", "b3", "c")  # an inner node is an answer too
    found = compare(ROWS, peer, TREE)
    assert (found.versus.top1.mean_b, found.peer_ece) == (0.75, None)
    assert found.versus.hf1.mean_b == pytest.approx(2 * (1 + 3 + 3 + 1) / (8 + 10))


@pytest.mark.parametrize("column", ["predicted_id", "Prediction", "pred"])
def test_predictions_beside_the_truth_are_the_peers_answers(tmp_path: Path, column: str) -> None:
    rows = "".join(f"{100 + i},{truth},b3\n" for i, truth in enumerate(["a2a", "a2b", "b3", "c"]))
    (tmp_path / "peer.csv").write_text(f"id,category_id,{column}\n{rows}")
    assert read_answers(tmp_path / "peer.csv").of(ROWS).category_ids == ("b3",) * 4


def test_two_columns_of_predictions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "peer.csv").write_text("id,pred,prediction\n100,c,c\n")
    with pytest.raises(DataError, match="got the columns pred and prediction, expected one"):
        read_answers(tmp_path / "peer.csv")


def test_cells_may_hold_line_breaks_and_the_word_null(tmp_path: Path) -> None:
    rows = "".join(f'{100 + i},"a title\nof two lines",c\n' for i in range(4))
    (tmp_path / "peer.csv").write_text(f"id,title,category_id\n{rows}null,NA,c\n")
    assert read_answers(tmp_path / "peer.csv").of(ROWS).category_ids == ("c",) * 4


@pytest.mark.parametrize("sign", [";", "\t"])
def test_other_separators_are_read(tmp_path: Path, sign: str) -> None:
    lines = [["id", "title", "category_id"], *([str(i), "a, b", "c"] for i in range(100, 104))]
    (tmp_path / "peer.csv").write_text("\n".join(sign.join(line) for line in lines))
    assert read_answers(tmp_path / "peer.csv").of(ROWS).category_ids == ("c",) * 4


def some_without_ids(*ids: int | None, numbered: bool = False) -> Measured:
    """Rows numbered from 5 with these ids."""
    found = measured(["a2a"] * len(ids), ["a2a"] * len(ids), [0.9] * len(ids))
    rows = tuple(replace(row, row=5 + i, id=id) for i, (row, id) in enumerate(zip(found.rows, ids, strict=True)))
    return replace(found, rows=rows, numbered=numbered)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_row_without_an_id_is_not_the_row_whose_id_is_its_number(tmp_path: Path, kind: str) -> None:
    """Row 5 has no id, row 6 has the id 5: neither may take the other's answer."""
    rows = [{"id": None, "category_id": "b3", "row": 5}, {"id": 5, "category_id": "c", "row": 6}]
    file = tmp_path / f"peer.{kind}"
    if kind == "csv":
        file.write_text("id,category_id,row\n5,c,6\n,b3,5\n")
    else:
        pq.write_table(pa.Table.from_pylist(rows[::-1]), file)
    saved = read_answers(file)
    assert saved.of(some_without_ids(None, 5)).category_ids == ("b3", "c")
    with pytest.raises(DataError, match="no prediction for 1 of 2 rows, rows without an id, by number from 0: 6;"):
        saved.of(some_without_ids(5, None))
    file.with_suffix(".csv").write_text("id,category_id\n5,c\n6,b3\n")
    with pytest.raises(DataError, match="rows without an id, by number from 0: 5, 6"):  # ids of rows not measured
        read_answers(file.with_suffix(".csv")).of(some_without_ids(None, None))


def test_ids_are_numbers_where_no_row_of_the_data_has_one(tmp_path: Path) -> None:
    (tmp_path / "peer.csv").write_text("id,category_id\n6,b3\n5,c\n")
    rows = some_without_ids(None, None, numbered=True)
    assert read_answers(tmp_path / "peer.csv").of(rows).category_ids == ("c", "b3")
    (tmp_path / "peer.csv").write_text("id,category_id,row\n5,c,0\n,b3,5\n")
    with pytest.raises(DataError, match="more than one prediction for rows without an id, by number from 0: 5"):
        read_answers(tmp_path / "peer.csv").of(rows)


def test_without_a_column_of_rows_the_place_in_the_file_counts(tmp_path: Path) -> None:
    (tmp_path / "peer.csv").write_text("id,category_id\n" + "9,a1\n8,a1\n7,a1\n6,a1\n4,a1\n,c\n5,b3\n")
    assert read_answers(tmp_path / "peer.csv").of(some_without_ids(None, 5)).category_ids == ("c", "b3")


def test_answers_of_another_tree_are_refused_before_any_work() -> None:
    check_categories("old", ("x", None, "c"), TREE)  # one of the tree: the others may be of rows passed over
    with pytest.raises(DataError, match="old: answers with categories that this bundle's tree does not have, ids x, y"):
        check_categories("old", ("y", None, "x"), TREE)


def test_a_bundle_of_another_tree_is_refused_though_it_has_the_same_ids() -> None:
    def named(*names: str) -> Tree:
        return Tree([Node("t", "All", None), *(Node(str(i), name, "t") for i, name in enumerate(names))])

    tree = named("Dresses", "Shoes", "Bags")
    check_tree("old", named("Dresses", "Footwear", "Bags", "Belts"), tree)  # one named anew, one added
    with pytest.raises(DataError, match=r"old: got a bundle of another tree.*2 of 3 ids.*0: 'Milk' there, 'Dresses'"):
        check_tree("old", named("Milk", "Cheese", "Bags"), tree)
    with pytest.raises(DataError, match=r"they share no id of a leaf\. Compare systems of one tree"):
        check_tree("old", Tree([Node("t", "All", None), Node("x", "Bags", "t")]), tree)


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    lines = [f'{{"id": {i}, "category_id": "c"}}' for i in range(100, 104)]
    (tmp_path / "peer.jsonl").write_text("\n".join(lines))
    assert read_answers(tmp_path / "peer.jsonl").of(ROWS).category_ids == ("c",) * 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,category_id\n100,c\n103,c\n", "no prediction for 2 of 4 rows, ids 101, 102; expected one for each row"),
        ("id,category_id\n100,c\n100,a1\n101,c\n102,c\n103,c\n", "more than one prediction for ids 100; expected one"),
        ("id,category_id\n100,c\n101\n", "row 1: got 1 cells, expected 2 as in the header.*Correct that row"),
        ("id,id,category_id\n100,1,c\n", "got the column 'id' 2 times"),
        ("id,answer\n100,c\n", "expected the columns id and category_id.*found id, answer.*holds the category_id"),
        ("id,category_id,probability\n100,c,high\n", "row 0: could not convert .*high.*; expected probabilities"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "peer.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_answers(tmp_path / "peer.csv").of(ROWS)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "peer.xlsx").write_text("x")
    (tmp_path / "peer.parquet").write_text("x")
    with pytest.raises(InputError, match=r"suffix '.xlsx', expected a bundle's folder or saved predictions"):
        read_answers(tmp_path / "peer.xlsx")
    with pytest.raises(InputError, match="no such file"):
        read_answers(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="not readable as parquet"):
        read_answers(tmp_path / "peer.parquet")


def test_categories_of_another_tree_are_named() -> None:
    with pytest.raises(DataError, match="this bundle's tree does not have, ids x, y; expected ids of the same tree"):
        compare(ROWS, PeerAnswers("old", ("y", "x", "c", None)), TREE)

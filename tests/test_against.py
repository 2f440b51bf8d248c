"""A peer's saved predictions: matched by id, counted fairly, refused by name where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation_support import TREE, measured
from multimodal.errors import DataError, InputError
from multimodal.serving.against import compare, read_answers
from multimodal.serving.measured import PeerAnswers

ROWS = measured(["a2a", "a2a", "b3", "c"], ["a2a", "a2b", "b3", "c"], [0.9, 0.6, 0.8, 0.7])


def test_rows_are_matched_by_id_in_any_order_and_extra_ones_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "peer.csv"
    file.write_text("id,category_id,probability\n103,c,0.5\n7,b3,1\n102,,\n100,a2a,0.9\n101,a2a,0.75\n")
    peer = read_answers(file, ROWS)
    assert (peer.name, peer.category_ids) == ("peer.csv", ("a2a", "a2a", None, "c"))
    found = compare(ROWS, peer, TREE)
    assert (found.versus.top1.mean_a, found.versus.top1.mean_b, found.unanswered) == (0.75, 0.75, 1)
    # of the three it answered, all right, at 0.9, 0.75 and 0.5, each in a bin of its own
    assert found.peer_ece == pytest.approx((0.1 + 0.25 + 0.5) / 3)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.string()])
def test_ids_of_any_type_are_the_same_id(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"sku": pa.array([100, 101, 102, 103]).cast(kind), "category_id": ["a", "a2a", "b3", "c"]})
    pq.write_table(table, tmp_path / "peer.parquet")
    peer = read_answers(tmp_path / "peer.parquet", ROWS)
    assert peer.category_ids == ("a", "a2a", "b3", "c")  # an inner node is an answer too
    found = compare(ROWS, peer, TREE)
    assert (found.versus.top1.mean_b, found.peer_ece) == (0.75, None)
    assert found.versus.hf1.mean_b == pytest.approx(2 * (1 + 3 + 3 + 1) / (8 + 10))


@pytest.mark.parametrize("column", ["predicted_id", "Prediction", "pred"])
def test_predictions_beside_the_truth_are_the_peers_answers(tmp_path: Path, column: str) -> None:
    rows = "".join(f"{100 + i},{truth},b3\n" for i, truth in enumerate(["a2a", "a2b", "b3", "c"]))
    (tmp_path / "peer.csv").write_text(f"id,category_id,{column}\n{rows}")
    assert read_answers(tmp_path / "peer.csv", ROWS).category_ids == ("b3",) * 4


def test_two_columns_of_predictions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "peer.csv").write_text("id,pred,prediction\n100,c,c\n")
    with pytest.raises(DataError, match="got the columns pred and prediction, expected one"):
        read_answers(tmp_path / "peer.csv", ROWS)


def test_cells_may_hold_line_breaks_and_the_word_null(tmp_path: Path) -> None:
    rows = "".join(f'{100 + i},"a title\nof two lines",c\n' for i in range(4))
    (tmp_path / "peer.csv").write_text(f"id,title,category_id\n{rows}null,NA,c\n")
    assert read_answers(tmp_path / "peer.csv", ROWS).category_ids == ("c",) * 4


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    lines = [f'{{"id": {i}, "category_id": "c"}}' for i in range(100, 104)]
    (tmp_path / "peer.jsonl").write_text("\n".join(lines))
    assert read_answers(tmp_path / "peer.jsonl", ROWS).category_ids == ("c",) * 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,category_id\n100,c\n103,c\n", "no prediction for 2 of 4 rows, ids 101, 102; expected one for each row"),
        ("id,category_id\n100,c\n100,a1\n101,c\n102,c\n103,c\n", "1 ids stand there more than once, 100; expected one"),
        ("id,answer\n100,c\n", "expected the columns id and category_id.*found id, answer.*holds the category_id"),
        ("id,category_id,probability\n100,c,high\n", "expected ids, category ids and probabilities as numbers"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "peer.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_answers(tmp_path / "peer.csv", ROWS)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "peer.xlsx").write_text("x")
    (tmp_path / "peer.parquet").write_text("x")
    with pytest.raises(InputError, match=r"suffix '.xlsx', expected a bundle's folder or saved predictions"):
        read_answers(tmp_path / "peer.xlsx", ROWS)
    with pytest.raises(InputError, match="no such file"):
        read_answers(tmp_path / "gone.csv", ROWS)
    with pytest.raises(DataError, match="not readable as parquet"):
        read_answers(tmp_path / "peer.parquet", ROWS)


def test_categories_of_another_tree_are_named() -> None:
    with pytest.raises(DataError, match="this bundle's tree does not have, ids x, y; expected ids of the same tree"):
        compare(ROWS, PeerAnswers("old", ("y", "x", "c", None)), TREE)

"""A file in, a file out: order, ids, formats, errors beside the output, bounded batches."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.errors import DataError, InputError
from multimodal.serving import AnswerOptions
from multimodal.serving.files import FileReport, classify_file
from multimodal.types import (
    Answer,
    AttributeScore,
    CategoryScore,
    InputName,
    PathStep,
    Prediction,
    Product,
    RowError,
    TagScore,
)


def score(name: str, probability: float) -> CategoryScore:
    steps = (PathStep("1", "Wear", 0.99), PathStep(name, name.title(), probability))
    return CategoryScore(name, name.title(), True, probability, steps)


TAGS = (TagScore("floral", 0.9, True), TagScore("polka dot", 0.2, False), TagScore("checker", 0.8, True))
ATTRIBUTES = (AttributeScore("colour", "navy", 0.7), AttributeScore("pattern", "floral", 0.6))


_USUAL = AnswerOptions()


class Echo:
    """Answers with the title as the category, so that a row in another's place is seen."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def stream(
        self,
        products: Iterable[Product | RowError],
        options: AnswerOptions = _USUAL,
        *,
        explain: bool = False,
        batch_size: int = 64,
        inputs: frozenset[InputName] | None = None,
    ) -> Iterator[Answer]:
        waiting = iter(products)
        row = 0
        while batch := list(islice(waiting, batch_size)):
            self.batches.append(len(batch))
            for product in batch:
                yield self._one(product, row, options.min_confidence)
                row += 1

    def _one(self, product: Product | RowError, row: int, min_confidence: float | None) -> Answer:
        if isinstance(product, RowError):
            return replace(product, row=row)
        if product.title is None:
            return RowError(product.id, row, "predict", "nothing_usable", "got nothing, expected a title")
        best = score(product.title, 0.75)
        if min_confidence == 1.0:
            return Prediction(product.id, row, "abstain", None, (best,), "text", (), True)
        suggestions = (best, score("second", 0.125))
        return Prediction(
            product.id, row, "leaf", best, suggestions, "text", ("image",), False, tags=TAGS, attributes=ATTRIBUTES,
            warnings=("a", "b"),
        )  # fmt: skip


def write_parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def run(source: Path, output: Path, **options: Any) -> tuple[FileReport, Echo]:
    echo = Echo()
    config = SourceConfig(path=str(source), columns=options.pop("columns", ColumnMap()))
    return classify_file(echo, config, output, **options), echo


def read(output: Path) -> list[dict[str, Any]]:
    if output.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(output).to_pylist()
        return rows
    text = output.read_text(encoding="utf-8")
    if output.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_one_row_out_for_each_row_in_in_order(tmp_path: Path, suffix: str) -> None:
    titles = [f"title-{i}" for i in range(23)]
    source = write_parquet(tmp_path / "in.parquet", id=list(range(100, 123)), title=titles)
    done: list[int] = []
    report, echo = run(source, tmp_path / f"out{suffix}", batch_size=5, on_progress=done.append)
    rows = read(report.output)
    assert [row["category_id"] for row in rows] == titles
    assert [int(row["id"]) for row in rows] == list(range(100, 123))
    assert [int(row["row"]) for row in rows] == list(range(23))
    assert echo.batches == [5, 5, 5, 5, 3]
    assert done == [5, 10, 15, 20, 23]
    assert (report.rows, report.errors, report.errors_file) == (23, 0, None)


def test_an_answer_is_written_whole(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=["x"], title=["shirt"])
    report, _ = run(source, tmp_path / "out.jsonl")
    assert read(report.output) == [
        {
            "id": "x",
            "category_id": "shirt",
            "category_name": "Shirt",
            "category_path": "Wear > Shirt",
            "probability": 0.75,
            "decision": "leaf",
            "category_id_1": "shirt",
            "probability_1": 0.75,
            "category_id_2": "second",
            "probability_2": 0.125,
            "used": "text",
            "tags": "floral | checker",
            "attributes": "colour: navy / pattern: floral",
            "needs_review": False,
            "candidates": None,
            "conflict": None,
            "warnings": "a; b",
            "explanation": None,
            "error": None,
            "row": 0,
        }
    ]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([3, 1, 2], pa.int32()),
        pa.array([3, None, 2**63], pa.uint64()),
        pa.array(["007", "7", None], pa.string()),
        pa.array(["a", "b", "c"], pa.large_string()),
        pa.array([3.0, None, 2.0], pa.float64()),
    ],
    ids=str,
)
def test_ids_keep_their_name_type_and_nulls(tmp_path: Path, ids: pa.Array) -> None:
    source = write_parquet(tmp_path / "in.parquet", sku=ids, title=["a", "b", "c"])
    report, _ = run(source, tmp_path / "out.parquet")
    column = pq.read_table(report.output).column("sku")
    assert column.type == ids.type
    assert column.to_pylist() == ids.to_pylist()
    assert report.errors == 0


def test_csv_ids_keep_leading_zeros(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("Article,title\n007,a\n7,b\n", encoding="utf-8")
    report, _ = run(source, tmp_path / "out.csv")
    assert [row["Article"] for row in read(report.output)] == ["007", "7"]


def test_rows_without_ids_are_numbered(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", title=["a", "b"])
    report, _ = run(source, tmp_path / "out.parquet")
    assert [row["id"] for row in read(report.output)] == [0, 1]


def test_an_id_column_named_like_an_answer_does_not_collide(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", row=[5, 6], title=["a", "b"])
    report, _ = run(source, tmp_path / "out.parquet", columns=ColumnMap(id="row"))
    assert [(row["id"], row["row"]) for row in read(report.output)] == [(5, 0), (6, 1)]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_bad_row_keeps_its_place_and_is_listed(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b"id,title\n1,a\n2,\n3,\xff\xfe\n4,d\n1,again\n5\n6,f\n")
    report, _ = run(source, tmp_path / f"out{suffix}", batch_size=2)
    rows = read(report.output)
    assert [row["category_id"] or None for row in rows] == ["a", None, None, "d", None, None, "f"]
    assert [str(row["id"]) for row in rows] == ["1", "2", "3", "4", "1", "5", "6"]
    assert report.errors == 4
    assert report.errors_file == Path(f"{report.output}.errors.csv")
    listed = read(report.errors_file)
    assert [(e["row"], e["id"], e["code"]) for e in listed] == [
        ("1", "2", "nothing_usable"),
        ("2", "3", "not_utf8"),
        ("4", "1", "duplicate_id"),
        ("5", "5", "ragged_row"),
    ]
    assert list(listed[0]) == ["row", "id", "stage", "code", "message"]
    for error in listed:
        assert error["code"] in rows[int(error["row"])]["error"]


def test_repeated_ids_are_answered_when_asked(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=[1, 1], title=["a", "b"])
    report, _ = run(source, tmp_path / "out.parquet", repeated_ids=True)
    assert [row["category_id"] for row in read(report.output)] == ["a", "b"]


def test_an_errors_file_of_an_earlier_run_goes_away(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=[1], title=["a"])
    stale = tmp_path / "out.csv.errors.csv"
    stale.write_text("old", encoding="utf-8")
    run(source, tmp_path / "out.csv")
    assert not stale.exists()


def test_abstaining_is_an_answer(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=[1], title=["a"])
    report, _ = run(source, tmp_path / "out.parquet", options=AnswerOptions(min_confidence=1.0))
    (row,) = read(report.output)
    assert (row["decision"], row["category_id"], row["needs_review"], row["category_id_2"]) == (
        "abstain", None, True, None,
    )  # fmt: skip
    assert report.errors == 0


def test_quotes_newlines_and_scripts_survive_csv(tmp_path: Path) -> None:
    titles = ['say "hi"', "two\nlines", "платье, летнее", "👗"]
    source = write_parquet(tmp_path / "in.parquet", id=[1, 2, 3, 4], title=titles)
    report, _ = run(source, tmp_path / "out.csv")
    with report.output.open(encoding="utf-8", newline="") as stream:
        assert [row["category_id"] for row in csv.DictReader(stream)] == titles


def test_an_empty_file_gives_an_empty_file(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=pa.array([], pa.int64()), title=pa.array([], pa.string()))
    report, _ = run(source, tmp_path / "out.parquet")
    assert report.rows == 0
    assert pq.read_schema(report.output).names[:2] == ["id", "category_id"]


def test_rows_are_gathered_into_useful_row_groups(tmp_path: Path) -> None:
    n = 9000
    source = write_parquet(tmp_path / "in.parquet", id=list(range(n)), title=["a"] * n)
    report, _ = run(source, tmp_path / "out.parquet", batch_size=64)
    file = pq.ParquetFile(report.output)
    assert (file.metadata.num_rows, file.metadata.num_row_groups) == (n, 2)


def test_a_run_that_breaks_leaves_no_output_and_keeps_the_old_one(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=list(range(4000)), title=["a" * 50] * 4000)
    broken = bytearray(source.read_bytes())
    broken[200:1200] = bytes(1000)
    source.write_bytes(broken)
    output = tmp_path / "out.csv"
    output.write_text("the old one", encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        run(source, output)
    assert output.read_text(encoding="utf-8") == "the old one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.parquet", "out.csv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.xlsx", r"got the suffix '.xlsx', expected one of .parquet, .csv, .jsonl"),
        ("out", "got the suffix ''"),
        ("folder.csv", "got a folder, expected the name of a file"),
        ("in.parquet", "would overwrite the input"),
        ("file/out.csv", "cannot be written"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_work(tmp_path: Path, name: str, message: str) -> None:
    source = write_parquet(tmp_path / "in.parquet", id=[1], title=["a"])
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    before = source.read_bytes()
    with pytest.raises(InputError, match=message):
        run(source, tmp_path / name)
    assert source.read_bytes() == before

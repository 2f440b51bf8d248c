"""Columns of tags and attributes: what counts as yes, no and unknown, in every format, and across a join."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.config import load_config
from multimodal.config.models import ColumnMap, JoinConfig, SourceConfig
from multimodal.data import guess_columns, open_reader, read_source
from multimodal.data.values import tag_value
from multimodal.errors import ConfigError, DataError, InputError
from multimodal.types import Product, RowError
from reader_sources import Row, write_csv, write_json, write_lines, write_parquet

TAGGED = ColumnMap.model_validate({"tags": {"dots": "polka dot", "floral": "floral"}, "attributes": ["colour"]})


def read(source: SourceConfig, columns: ColumnMap = TAGGED, **more: Any) -> list[Product | RowError]:
    return list(read_source(source.model_copy(update={"columns": columns, **more}), labelled=False))


def told(items: list[Product | RowError]) -> list[tuple[object, object]]:
    return [(item.tags, item.attributes) if isinstance(item, Product) else (item.row, item.code) for item in items]


@pytest.mark.parametrize("value", [1, 1.0, True, "1", " yes ", "TRUE", "True", "1.0", Decimal(1)])
def test_what_counts_as_yes(value: object) -> None:
    assert tag_value(value) is True


@pytest.mark.parametrize("value", [0, 0.0, -0.0, False, "0", "no", "False", "FALSE\n", "0.0", Decimal("0.0")])
def test_what_counts_as_no(value: object) -> None:
    assert tag_value(value) is False


@pytest.mark.parametrize("value", [None, "", "  ", math.nan, "NaN", "nan", "N/A", "null", "None"])
def test_what_counts_as_unknown(value: object) -> None:
    assert tag_value(value) is None


@pytest.mark.parametrize("value", [2, -1, 0.5, "maybe", "floral", "10", "y", "true false"])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"got '.*', expected 0 or 1, or nothing where it is not known") as caught:
        tag_value(value)
    assert caught.value.code == "not_a_tag"


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_a_value_is_yes_no_unknown_or_refused(value: object) -> None:
    code = None
    try:
        found = tag_value(value)
    except InputError as error:
        found, code = None, error.code
    assert found in {True, False, None}
    assert code in {None, "not_a_tag"}


ROWS: list[Row] = [
    {"id": 1, "title": "a", "polka dot": 1, "floral": 0, "colour": "navy"},
    {"id": 2, "title": "b", "polka dot": None, "floral": 1, "colour": " red "},
    {"id": 3, "title": "c", "polka dot": None, "floral": None, "colour": None},
]
EXPECTED = [
    ({"dots": True, "floral": False}, {"colour": "navy"}),
    ({"floral": True}, {"colour": "red"}),
    (None, None),
]


def in_csv(folder: Path) -> SourceConfig:
    return write_csv(folder / "rows.csv", ROWS)


def in_csv_of_floats(folder: Path) -> SourceConfig:
    """As a program writes whole numbers with holes between them."""
    tags = ("polka dot", "floral")
    rows = [{**row, **{tag: "" if row[tag] is None else float(row[tag]) for tag in tags}} for row in ROWS]
    return write_csv(folder / "rows.csv", rows)


def in_lines(folder: Path) -> SourceConfig:
    return write_lines(folder / "rows.jsonl", [{k: v for k, v in row.items() if v is not None} for row in ROWS])


def in_json(folder: Path) -> SourceConfig:
    flags = [{**row, "floral": None if row["floral"] is None else bool(row["floral"])} for row in ROWS]
    return write_json(folder / "rows.json", flags)


def in_parquet(kind: pa.DataType) -> Any:
    def make(folder: Path) -> SourceConfig:
        columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
        tags = {name: pa.array(columns[name]).cast(kind) for name in ("polka dot", "floral")}
        return write_parquet(folder, **columns | tags)

    return make


MAKES = [in_csv, in_csv_of_floats, in_lines, in_json, *map(in_parquet, (pa.int8(), pa.bool_(), pa.float64()))]


@pytest.mark.parametrize("make", MAKES)
def test_every_format_tells_the_same(make: Any, tmp_path: Path) -> None:
    assert told(read(make(tmp_path))) == EXPECTED


def test_junk_costs_its_row_alone(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "id": i, "floral": value} for i, value in enumerate([1, "often", 0])]
    items = read(write_csv(tmp_path / "rows.csv", rows))
    assert [item.id for item in items] == ["0", "1", "2"]
    assert [isinstance(item, RowError) for item in items] == [False, True, False]
    (error,) = (item for item in items if isinstance(item, RowError))
    assert (error.row, error.stage, error.code) == (1, "read", "not_a_tag")
    for words in ("row 1", "column 'floral'", "got 'often', expected 0 or 1"):
        assert words in error.message


def test_a_list_is_no_attribute(tmp_path: Path) -> None:
    items = read(write_lines(tmp_path / "rows.jsonl", [{**ROWS[0], "colour": ["red", "blue"]}, ROWS[1]]))
    assert told(items) == [(0, "not_text"), EXPECTED[1]]


def test_nothing_is_told_unless_asked_for(tmp_path: Path) -> None:
    assert told(read(in_csv(tmp_path), ColumnMap())) == [(None, None)] * 3


@pytest.mark.parametrize(
    ("asked", "key", "near"),
    [
        ({"tags": {"floral": "florel"}}, "tags.floral", "floral"),
        ({"attributes": {"hue": "color"}}, "attributes.hue", "colour"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    asked: dict[str, Any], key: str, near: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        read(in_csv(tmp_path), ColumnMap.model_validate(asked))
    (wanted,) = next(iter(asked.values())).values()
    for words in (
        "rows.csv: ", f"columns.{key}: expected a column {wanted!r}", "found id, title, polka dot, floral, colour",
        f"Did you mean {near!r}", "Name one of these, or leave it out.",
    ):  # fmt: skip
        assert words in caught.value.message


def test_columns_are_found_up_to_case_and_serve_nothing_else(tmp_path: Path) -> None:
    found = ["Id", "Label", "Colour", "Floral"]
    asked = ColumnMap.model_validate({"tags": ["floral"], "attributes": {"kind": "label"}})
    columns = guess_columns(found, asked)
    assert columns.tags == (("floral", "Floral"),)
    assert columns.attributes == (("kind", "Label"),)
    assert columns.category_id is None  # it would be guessed from the name of that column
    assert columns.present() == {"id": "Id", "tags:floral": "Floral", "attributes:kind": "Label"}


def test_a_tag_called_like_a_field_is_no_field(tmp_path: Path) -> None:
    rows = [{"id": 1, "title": "a", "is title": 1, "b": "x"}]
    named = {"tags": {"title": "is title"}, "attributes": {"title": "b", "id": "id"}}
    asked = ColumnMap.model_validate({"id": "id", **named})
    (item,) = read(write_csv(tmp_path / "rows.csv", rows), asked)
    assert isinstance(item, Product)
    assert (item.id, item.title, item.tags) == ("1", "a", {"title": True})
    assert item.attributes == {"title": "x", "id": "1"}


CONFIG = """\
name: shop
output: out
tree: {path: tree.csv}
data:
  train:
    - {path: a.parquet, columns: {tags: [polka dot, floral], attributes: {colour: color1}}}
    - {path: b.parquet, columns: {tags: {polka dot: dots}}}
  val: [{path: c.parquet}]
"""


def test_a_list_names_columns_called_alike_and_a_mapping_any(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    first, second = (source.columns for source in load_config(file).data.train)
    assert first.tags == {"polka dot": "polka dot", "floral": "floral"}
    assert first.attributes == {"colour": "color1"}
    assert (second.tags, second.attributes) == ({"polka dot": "dots"}, {})
    with pytest.raises(ConfigError, match=r"val.0.columns.tags: Input should be a valid dictionary \(got 'dots'\)"):
        load_config(file, ["data.val.0.columns={tags: dots}"])


def test_a_join_gives_tags_by_id(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "titles.csv", [{"id": i, "title": "t"} for i in (3, 1, 9)])
    join = JoinConfig(path=str(in_csv(tmp_path).path), columns=TAGGED.model_copy(update={"title": ""}))
    items = read(source, ColumnMap(), join=join)
    assert [item.id for item in items] == ["3", "1"]
    assert told(items) == [EXPECTED[2], EXPECTED[0]]


def test_a_join_adds_to_the_tags_that_a_source_has(tmp_path: Path) -> None:
    own = [{"id": i, "title": "t", "striped": i % 2, "floral": 1} for i in (1, 2)]
    asked = ColumnMap.model_validate({"tags": ["striped", "floral"]})
    join = JoinConfig(path=str(in_csv(tmp_path).path), columns=TAGGED)
    items = read(write_csv(tmp_path / "own.csv", own), asked, join=join)
    assert told(items) == [
        ({"dots": True, "striped": True, "floral": True}, {"colour": "navy"}),  # its own word on floral stands
        ({"striped": False, "floral": True}, {"colour": "red"}),
    ]


def test_junk_in_the_joined_file_is_the_error_of_its_row(tmp_path: Path) -> None:
    other = write_csv(tmp_path / "tags.csv", [{"id": 1, "floral": "often"}, {"id": 2, "floral": 1}])
    source = write_csv(tmp_path / "titles.csv", [{"id": i, "title": "t"} for i in (2, 1)])
    asked = ColumnMap.model_validate({"tags": ["floral"]})
    items = read(source, ColumnMap(), join=JoinConfig(path=str(other.path), columns=asked))
    assert told(items) == [({"floral": True}, None), (1, "not_a_tag")]
    assert items[1].id == "1"


def test_parts_tell_their_tags_too(tmp_path: Path) -> None:
    for name, row in zip("ab", ROWS, strict=False):
        write_csv(tmp_path / f"part-{name}.csv", [row])
    source = SourceConfig(path=str(tmp_path / "part-*.csv"), columns=TAGGED)
    assert told(list(open_reader(source, labelled=False))) == EXPECTED[:2]

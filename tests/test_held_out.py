"""Rows held out of a source by their numbers: with the others they are everything, and no row is in both."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.config.models import SourceConfig
from multimodal.data import SourceTally, read_source, source_count
from multimodal.data.splits import held_out
from multimodal.errors import DataError
from multimodal.types import Product, RowError
from reader_sources import (
    ROWS,
    Make,
    csv_paths,
    drawings,
    idx_pair,
    json_lines,
    metadata_folder,
    parquet_bytes,
    parquet_parts,
    photo_folder,
    write_parquet,
)

WITH_A_COUNT: tuple[Make, ...] = (parquet_bytes, parquet_parts, idx_pair, photo_folder, drawings)


def ids(source: SourceConfig, **changes: object) -> list[str]:
    items = list(read_source(source.model_copy(update=changes), labelled=True))
    assert all(isinstance(item, Product) for item in items)
    return [str(item.id) for item in items]


@given(st.integers(0, 200), st.data())
def test_numbers_stay_held_out_when_more_are_asked_for(count: int, data: st.DataObject) -> None:
    fewer, more = sorted(data.draw(st.lists(st.integers(0, count), min_size=2, max_size=2)))
    small, large = held_out(count, fewer), held_out(count, more)
    assert (len(small), len(large)) == (fewer, more)
    assert small <= large <= set(range(count))


def test_numbers_held_out_are_the_same_everywhere() -> None:
    assert sorted(held_out(1000, 8)) == sorted(held_out(1000, 8))
    assert held_out(1000, 8) != held_out(1000, 8, "another purpose")
    assert held_out(1000, 8) != set(range(8))


@pytest.mark.parametrize("make", WITH_A_COUNT)
def test_rest_and_held_out_are_everything_and_disjoint(make: Make, tmp_path: Path) -> None:
    source = make(tmp_path)
    whole = ids(source)
    wanted = len(whole) // 5
    rest, held = ids(source, held_out=wanted), ids(source, held_out=wanted, take="held_out")
    assert len(held) == wanted
    assert not set(rest) & set(held)
    assert sorted([*rest, *held]) == sorted(whole)
    for part in (rest, held):
        assert part == [id for id in whole if id in set(part)]  # in the order of the source
    assert held != whole[:wanted]


@pytest.mark.parametrize("make", [csv_paths, json_lines, metadata_folder])
def test_a_file_that_does_not_say_how_many_rows_it_has_is_refused(make: Make, tmp_path: Path) -> None:
    source = make(tmp_path)
    with pytest.raises(DataError) as caught:
        read_source(source.model_copy(update={"held_out": 5}), labelled=True)
    for words in (str(tmp_path), "held_out: got 5 rows", "expected a parquet or IDX file", "save it as parquet"):
        assert words in caught.value.message


@pytest.mark.parametrize("wanted", [ROWS, ROWS + 1])
def test_something_must_be_left(wanted: int, tmp_path: Path) -> None:
    source = parquet_bytes(tmp_path).model_copy(update={"held_out": wanted})
    with pytest.raises(DataError, match=rf"held_out: got {wanted} of {ROWS} rows, expected fewer .*; hold fewer out"):
        read_source(source, labelled=True)
    assert len(ids(source, held_out=ROWS - 1)) == 1


def test_taking_what_is_held_out_needs_a_number() -> None:
    with pytest.raises(ValueError, match="got take: held_out without 'held_out', expected how many rows"):
        SourceConfig(path="rows.parquet", take="held_out")
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        SourceConfig(path="rows.parquet", held_out=0)


def test_errors_keep_the_numbers_they_have_in_the_file(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, id=[1, 2, 2, 3, 3, 4], title=list("abcdef"), category_id=list("xxxxxx"))
    found: dict[int, str] = {}
    for take in ("rest", "held_out"):
        tally = SourceTally()
        part = source.model_copy(update={"held_out": 3, "take": take})
        items = list(read_source(part, labelled=True, tally=tally))
        assert (tally.read, len(items)) == (3, 3)
        found |= {item.row: item.code for item in items if isinstance(item, RowError)}
    assert found == {2: "duplicate_id", 4: "duplicate_id"}
    assert source_count(source.model_copy(update={"held_out": 3})) is None

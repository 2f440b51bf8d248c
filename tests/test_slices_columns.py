"""The column that figures are told apart by: read row by row, refused where it says nothing of the rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import photos
from multimodal.config.models import ColumnMap
from multimodal.errors import DataError
from multimodal.serving.slices import column_values
from reader_sources import data_url, write_csv, write_lines, write_parquet, zip_of


def test_values_stand_at_their_rows_past_those_that_cannot_be_read(tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "rows.jsonl",
        [{"title": "a", "brand": "Ada"}, b"{", {"title": "b", "brand": None}, {"title": "c", "brand": 7}],
    )
    assert column_values(source, "brand") == ["Ada", None, None, "7"]


@pytest.mark.parametrize("column", ["image", "shot"])
def test_the_photos_are_no_values(column: str, tmp_path: Path) -> None:
    rows = [{"id": i, "title": "a", column: data_url(photos.encoded())} for i in range(2)]
    source = write_csv(tmp_path / "rows.csv", rows).model_copy(update={"columns": ColumnMap(image=column)})
    with pytest.raises(DataError, match=f"column '{column}' holds the photos, expected .*; the others are id, title"):
        column_values(source, column)


def test_ids_that_name_photos_are_values_still(tmp_path: Path) -> None:
    zip_of(tmp_path / "photos.zip", ["1.jpg"])
    source = write_csv(tmp_path / "rows.csv", [{"id": 1, "title": "a"}])
    assert column_values(source.model_copy(update={"images_root": str(tmp_path / "photos.zip")}), "id") == ["1"]


def test_bytes_lists_and_objects_are_no_values(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, title=["a"], raw=[b"x"], sizes=[["S"]], seller=["Ada"])
    for column, got in (("raw", "got bytes"), ("sizes", "got a list")):
        with pytest.raises(DataError, match=f"column '{column}': {got}.* Figures are by values that rows share"):
            column_values(source, column)
    assert column_values(source, "seller") == ["Ada"]


@pytest.mark.parametrize("empty", [None, "", "NaN"])
def test_a_column_without_a_value_is_refused(empty: str | None, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "rows.csv", [{"title": "a", "brand": empty}] * 3)
    with pytest.raises(DataError, match="column 'brand' is empty in all 3 rows, expected values to report by"):
        column_values(source, "brand")

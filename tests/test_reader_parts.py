"""Several files as one source: patterns of parts, and folders of photos described by metadata files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import photos
from multimodal.config import load_config
from multimodal.config.models import JoinConfig, SourceConfig
from multimodal.data import open_reader, read_source, source_count
from multimodal.errors import ConfigError, DataError
from multimodal.types import Product, RowError
from reader_sources import Row, write_csv, write_lines


def part(file: Path, **columns: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file)


def ids(path: Path | str, **options: Any) -> list[object]:
    return [item.id for item in read_source(SourceConfig(path=str(path), **options), labelled=False)]


def test_parts_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, first in (("b", 3), ("a", 1), ("c", 5)):
        part(tmp_path / f"{name}.parquet", id=[first, first + 1], title=["x", "y"])
    part(tmp_path / "sub" / "d.parquet", id=[7], title=["z"])
    (tmp_path / "e.parquet").mkdir()
    assert ids(tmp_path / "*.parquet") == [1, 2, 3, 4, 5, 6]
    assert ids(tmp_path / "[ac].parquet") == [1, 2, 5, 6]
    assert ids(tmp_path / "**" / "*.parquet") == [1, 2, 3, 4, 5, 6, 7]
    assert source_count(SourceConfig(path=str(tmp_path / "*.parquet"))) == 6
    assert source_count(SourceConfig(path=str(tmp_path / "a.parquet"))) == 2


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    part(tmp_path / "rows [1].parquet", id=[1], title=["x"])
    part(tmp_path / "rows 1.parquet", id=[2], title=["x"])
    assert ids(tmp_path / "rows [1].parquet") == [1]


def test_rows_are_counted_over_all_parts(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"id": 1, "title": "x"}, {"id": 2, "title": "y"}])
    (tmp_path / "b.csv").write_text("id,title\n3,z\n4\n1,again\n", encoding="utf-8")
    items = list(read_source(SourceConfig(path=str(tmp_path / "*.csv")), labelled=False))
    found = [(item.row, item.code) for item in items if isinstance(item, RowError)]
    assert found == [(3, "ragged_row"), (4, "duplicate_id")]
    assert isinstance(items[3], RowError)
    assert f"{tmp_path / 'b.csv'}, row 1:" in items[3].message  # in its own file, where it can be looked up


def test_a_pattern_without_files_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("part-1.parquet", "part-2.parquet", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(DataError) as caught:
        ids(tmp_path / "part_*.parquet")
    for words in ("part_*.parquet: matches no file, expected one or more", "holds", "notes.txt", "Did you mean 'part-"):
        assert words in caught.value.message
    with pytest.raises(DataError, match=r"gone.*matches no file.* holds "):
        ids(tmp_path / "gone" / "*.parquet")
    with pytest.raises(DataError, match=r"empty is empty, check the path"):
        ids(tmp_path / "empty" / "*.parquet")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"id": [2], "name": ["b"]}, r"lacks title; also has name"),
        ({"id": [2], "title": ["b"], "price": [1]}, r"also has price"),
        ({"id": [2]}, r"no usable input|lacks title"),
    ],
)
def test_parts_with_other_columns_are_named(other: dict[str, Any], message: str, tmp_path: Path) -> None:
    part(tmp_path / "a.parquet", id=[1], title=["a"])
    part(tmp_path / "b.parquet", title=["b"], id=[2])  # another order is the same columns
    assert ids(tmp_path / "*.parquet") == [1, 2]
    part(tmp_path / "c.parquet", **other)
    with pytest.raises(DataError, match=rf"c.parquet.*({message})"):
        ids(tmp_path / "*.parquet")


def test_json_parts_may_lack_names_that_nobody_reads(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [{"id": 1, "title": "a", "price": 1}])
    write_lines(tmp_path / "b.jsonl", [{"title": "b", "id": 2}])
    assert ids(tmp_path / "*.jsonl") == [1, 2]
    write_lines(tmp_path / "c.jsonl", [{"id": 3, "name": "c"}])
    with pytest.raises(DataError, match=r"c.jsonl: has other columns than .*a.jsonl \(lacks title; also has name\)"):
        ids(tmp_path / "*.jsonl")


def test_parts_of_two_formats_are_refused(tmp_path: Path) -> None:
    part(tmp_path / "a.parquet", id=["1"], title=["a"])
    write_csv(tmp_path / "b.csv", [{"id": 2, "title": "b"}])
    with pytest.raises(DataError, match=r"b.csv: has other columns than .* \(another format\)"):
        ids(tmp_path / "*.*")


def test_a_join_takes_parts_on_both_sides(tmp_path: Path) -> None:
    for i in range(3):
        part(tmp_path / "photos" / f"{i}.parquet", id=[i], image=[photos.encoded()])
        write_csv(tmp_path / f"text-{i}.csv", [{"id": i, "title": f"t{i}", "image": "unread.jpg"}])
    source = SourceConfig(
        path=str(tmp_path / "photos" / "*.parquet"), join=JoinConfig(path=str(tmp_path / "text-*.csv"))
    )
    items = [item for item in read_source(source, labelled=False) if isinstance(item, Product)]
    assert [(item.id, item.title) for item in items] == [(0, "t0"), (1, "t1"), (2, "t2")]
    assert {item.image.data for item in items if item.image} == {photos.encoded()}


def test_a_pattern_that_matches_a_test_split_is_refused(tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        part(tmp_path / "shop" / f"{name}.parquet", id=[1], title=["a"])
    config = tmp_path / "config.yaml"
    sources = f"{{train: [{{path: '{tmp_path / 'shop' / '*.parquet'}'}}], val: [{{path: v.csv}}]}}"
    config.write_text(f"{{name: x, output: o, tree: {{from_paths: true}}, data: {sources}}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"data.train.0.path: .*test.parquet names a test split"):
        load_config(config)


# --- folders with metadata -------------------------------------------------------------------------------------------


def described(folder: Path, rows: list[Row], kind: str = "csv") -> SourceConfig:
    """A folder of photos with the metadata file of one kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        name = folder / str(row.get("file_name"))
        name.parent.mkdir(exist_ok=True)
        name.write_bytes(photos.encoded())
    if kind == "csv":
        write_csv(folder / "metadata.csv", rows)
    elif kind == "jsonl":
        write_lines(folder / "metadata.jsonl", rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), folder / "metadata.parquet")
    return SourceConfig(path=str(folder))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_metadata_beside_the_photos(kind: str, tmp_path: Path) -> None:
    rows = [
        {"file_name": "1.jpg", "label": "hat", "title": "a"},
        {"file_name": "in/2.jpg", "label": "cap", "title": "b"},
    ]
    source = described(tmp_path / "photos", rows, kind)
    (tmp_path / "photos" / "unlisted.jpg").write_bytes(b"never read")
    items = [item for item in open_reader(source, labelled=True) if isinstance(item, Product)]
    assert [(item.title, item.category_id) for item in items] == [("a", "hat"), ("b", "cap")]
    paths = [item.image.path for item in items if item.image]
    assert paths == [str(tmp_path / "photos" / name) for name in ("1.jpg", "in/2.jpg")]


def test_nested_metadata_names_photos_below_its_own_folder(tmp_path: Path) -> None:
    for part_of in ("b", "a/deep", "c"):
        described(tmp_path / "photos" / part_of, [{"file_name": "1.jpg", "label": part_of, "image": "not the photo"}])
    described(tmp_path / "photos" / ".hidden", [{"file_name": "1.jpg", "other": "columns"}])
    items = list(open_reader(SourceConfig(path=str(tmp_path / "photos")), labelled=True))
    found = [(item.category_id, item.image and item.image.path) for item in items if isinstance(item, Product)]
    assert found == [(name, str(tmp_path / "photos" / name / "1.jpg")) for name in ("a/deep", "b", "c")]


def test_metadata_of_several_splits_wants_one_named(tmp_path: Path) -> None:
    for split in ("train", "test"):
        described(tmp_path / split, [{"file_name": "1.jpg", "label": "a"}])
    with pytest.raises(DataError, match=r"holds several splits \(test, train\), expected one; name its folder"):
        open_reader(SourceConfig(path=str(tmp_path)), labelled=True)
    assert len(list(open_reader(SourceConfig(path=str(tmp_path / "train")), labelled=True))) == 1


def test_metadata_without_file_names_or_labels(tmp_path: Path) -> None:
    write_csv(tmp_path / "metadata.csv", [{"filename": "1.jpg", "title": "a"}])
    source = SourceConfig(path=str(tmp_path))
    with pytest.raises(DataError, match=r"columns.image: expected a column 'file_name', found filename, title"):
        open_reader(source, labelled=False)
    write_csv(tmp_path / "metadata.csv", [{"file_name": "1.jpg", "title": "a"}])
    with pytest.raises(DataError, match="no column of categories"):
        open_reader(source, labelled=True)
    assert len(list(open_reader(source, labelled=False))) == 1


def test_classes_without_metadata_are_read_as_ever(tmp_path: Path) -> None:
    (tmp_path / "hat").mkdir()
    (tmp_path / "hat" / "1.jpg").write_bytes(photos.encoded())
    assert ids(tmp_path) == ["hat/1.jpg"]
    with pytest.raises(DataError, match="got a folder, expected a csv file"):
        ids(tmp_path, format="csv")

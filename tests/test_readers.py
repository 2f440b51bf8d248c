"""One contract for all readers, then what is each one's own."""

from __future__ import annotations

import csv
import gc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import photos
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import guess_columns, open_reader, unique_ids
from multimodal.data.columns import FIELDS, GUESSES
from multimodal.errors import DataError
from multimodal.image import ImageKitchen
from multimodal.protocols import Reader
from multimodal.types import Product, RowError

ROWS = 600  # more than two batches
BROKEN = 300
Make = Callable[[Path], SourceConfig]


def titles(rows: int = ROWS) -> list[str | None]:
    return [None if i % 7 == 3 else f"Red shirt № {i}" for i in range(rows)]


def labels(rows: int = ROWS) -> list[str]:
    return [f"c{i % 3}" for i in range(rows)]


def write_parquet(folder: Path, **columns: Any) -> SourceConfig:
    file = folder / "rows.parquet"
    pq.write_table(pa.table(columns), file, row_group_size=100)
    return SourceConfig(path=str(file))


def parquet_bytes(folder: Path) -> SourceConfig:
    photo = photos.encoded()
    return write_parquet(folder, id=range(ROWS), title=titles(), image=[photo] * ROWS, category_id=labels())


def parquet_struct(folder: Path) -> SourceConfig:
    photo = {"bytes": photos.encoded(), "path": None}
    return write_parquet(folder, id=range(ROWS), title=titles(), image=[photo] * ROWS, category_id=labels())


def parquet_paths(folder: Path) -> SourceConfig:
    (folder / "photos").mkdir()
    (folder / "photos" / "a.jpg").write_bytes(photos.encoded())
    paths = ["photos/a.jpg"] * ROWS
    return write_parquet(folder, id=range(ROWS), title=titles(), image=paths, category_id=labels())


def csv_paths(folder: Path) -> SourceConfig:
    (folder / "a.jpg").write_bytes(photos.encoded())
    with (folder / "rows.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title", "image", "category_id"])
        writer.writerows(zip(range(ROWS), titles(), ["a.jpg"] * ROWS, labels(), strict=True))
    return SourceConfig(path=str(folder / "rows.csv"))


def photo_folder(folder: Path) -> SourceConfig:
    for i in range(ROWS):
        file = folder / "photos" / f"c{i // 200}" / f"{i:04}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photos.encoded(photos.picture(8, 8)))
    return SourceConfig(path=str(folder / "photos"))


def drawings(folder: Path) -> SourceConfig:
    return SourceConfig(format="drawings", products=20, seed=3)


SOURCES: tuple[Make, ...] = (parquet_bytes, parquet_struct, parquet_paths, csv_paths, photo_folder, drawings)


@pytest.fixture(params=SOURCES, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> SourceConfig:
    return request.param(tmp_path)  # type: ignore[no-any-return]


def test_contract(source: SourceConfig) -> None:
    reader = open_reader(source, labelled=True)
    assert isinstance(reader, Reader)
    items = list(reader)
    expected = source.products or ROWS
    assert len(items) == expected
    assert reader.count() in {None, expected}
    assert all(isinstance(item, Product) for item in items)
    assert list(reader) == items  # readers can be read again, to the same items in the same order
    assert len({item.id for item in items}) == expected
    assert {type(item.category_id) for item in items if isinstance(item, Product)} == {str}


def test_contract_photos_decode(source: SourceConfig) -> None:
    kitchen = ImageKitchen(16, 12)
    seen = [item.image for item in islice(open_reader(source, labelled=True), 5) if isinstance(item, Product)]
    refs = [ref for ref in seen if ref is not None]
    assert refs
    assert {kitchen.prepare(ref).shape for ref in refs} == {(16, 12, 3)}


def test_contract_unlabelled_reads_no_label(source: SourceConfig) -> None:
    if source.format == "drawings":
        pytest.skip("drawings always know what they are")
    items = list(islice(open_reader(source, labelled=False), 5))
    assert [item.category_id for item in items if isinstance(item, Product)] == [None] * 5


@pytest.mark.parametrize("make", [parquet_bytes, csv_paths])
def test_rows_stay_in_order_with_their_values(make: Make, tmp_path: Path) -> None:
    items = list(open_reader(make(tmp_path), labelled=True))
    assert [str(item.id) for item in items] == [str(i) for i in range(ROWS)]
    assert [item.title for item in items if isinstance(item, Product)] == titles()
    assert [item.category_id for item in items if isinstance(item, Product)] == labels()


def broken_parquet(folder: Path) -> SourceConfig:
    lists: list[Any] = [None] * ROWS
    lists[BROKEN] = ["a", "b"]
    return write_parquet(folder, id=range(ROWS), title=titles(), description=lists)


def broken_utf8_parquet(folder: Path) -> SourceConfig:
    raw = [b"plain"] * ROWS
    raw[BROKEN] = b"\xff\xfe broken"
    offsets = pa.array([sum(map(len, raw[:i])) for i in range(ROWS + 1)], pa.int32())
    buffers = [None, offsets.buffers()[1], pa.py_buffer(b"".join(raw))]
    text = pa.Array.from_buffers(pa.string(), ROWS, buffers)
    return write_parquet(folder, id=range(ROWS), title=text)


def broken_csv(change: Callable[[bytes], bytes]) -> Make:
    def make(folder: Path) -> SourceConfig:
        lines = [b"id,title"] + [f"{i},shirt {i}".encode() for i in range(ROWS)]
        lines[BROKEN + 1] = change(lines[BROKEN + 1])
        (folder / "rows.csv").write_bytes(b"\n".join(lines))
        return SourceConfig(path=str(folder / "rows.csv"))

    return make


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (broken_parquet, "not_text"),
        (broken_utf8_parquet, "not_utf8"),
        (broken_csv(lambda line: line + b",extra"), "ragged_row"),
        (broken_csv(lambda line: b"300"), "ragged_row"),
        (broken_csv(lambda line: line + "рубашка".encode("cp1251")), "not_utf8"),
        (broken_csv(lambda line: line + b"x" * 200_000), "csv"),
    ],
)
def test_a_broken_row_costs_itself_alone(make: Make, code: str, tmp_path: Path) -> None:
    items = list(open_reader(make(tmp_path), labelled=False))
    assert len(items) == ROWS
    errors = [(row, item) for row, item in enumerate(items) if isinstance(item, RowError)]
    assert [(row, item.row, item.stage, item.code) for row, item in errors] == [(BROKEN, BROKEN, "read", code)]
    error = errors[0][1]
    assert "expected" in error.message
    assert f"row {BROKEN}" in error.message
    assert str(error.id) == str(BROKEN) if code != "csv" else error.id is None
    assert [str(items[row].id) for row in (BROKEN - 1, BROKEN + 1)] == ["299", "301"]


def test_parquet_streams(tmp_path: Path) -> None:
    rows = 8000
    noise = np.random.default_rng(1)  # nothing a file could store once
    file = tmp_path / "large.parquet"
    with pq.ParquetWriter(file, pa.schema({"id": pa.int64(), "image": pa.binary()})) as writer:
        for start in range(0, rows, 500):
            images = [noise.bytes(5000) for _ in range(500)]
            writer.write_table(pa.table({"id": range(start, start + 500), "image": images}, writer.schema))
    whole = file.stat().st_size
    gc.collect()
    before = pa.total_allocated_bytes()
    items = iter(open_reader(SourceConfig(path=str(file)), labelled=False))
    first = list(islice(items, 10))
    held = pa.total_allocated_bytes() - before
    assert [item.id for item in first] == list(range(10))
    assert whole > 30_000_000
    assert held < whole / 3


def test_csv_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = csv_paths(tmp_path)
    first = list(islice(open_reader(source, labelled=True), 3))
    assert [item.id for item in first] == ["0", "1", "2"]
    # what is read beyond the rows asked for is a buffer, not the file
    from multimodal.data import csv_file

    taken: list[list[str]] = []

    def watched(rows: Iterator[list[str]]) -> Iterator[list[str]]:
        for row in rows:
            taken.append(row)
            yield row

    monkeypatch.setattr(csv_file, "_cells", watched)
    list(islice(open_reader(source, labelled=True), 3))
    assert len(taken) == 3


def test_folder_opens_no_photo(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "a/10.png", "a/1.JPG", "a/more/3.webp", "a/.hidden", "a/Thumbs.db", ".git/x.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not read")
    items = list(open_reader(SourceConfig(path=str(tmp_path)), labelled=True))
    assert [(item.id, item.category_id) for item in items if isinstance(item, Product)] == [
        ("a/1.JPG", "a"), ("a/10.png", "a"), ("a/more/3.webp", "a"), ("b/2.jpg", "b"),
    ]  # fmt: skip


def test_ids_keep_their_type(tmp_path: Path) -> None:
    def ids(values: Any) -> list[object]:
        reader = open_reader(write_parquet(tmp_path, id=values, title=["x"] * len(values)), labelled=False)
        return [item.id for item in reader]

    assert ids([1, 2**60, None]) == [1, 2**60, None]
    assert ids(["0012", "12", " ", None]) == ["0012", "12", None, None]
    floats = ids([12.0, None, float("nan"), 1.5])
    assert floats == [12, None, None, "1.5"]
    assert type(floats[0]) is int


def test_csv_ids_and_numbers_are_text(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('sku;name;category\n0012;501;12\n13;"a;b";\n\n14; ;x\n', encoding="utf-8")
    items = list(open_reader(SourceConfig(path=str(tmp_path / "rows.csv")), labelled=True))
    assert items == [
        Product(id="0012", title="501", category_id="12"),
        Product(id="13", title="a;b"),
        Product(id="14", category_id="x"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([501, None], ["501", None]),
        ([501.0, float("nan"), 0.5], ["501", None, "0.5"]),
        (["", "  \t", "x ", "501.0"], [None, None, "x ", "501.0"]),
        ([True, False], ["True", "False"]),
        ([float("inf")], [None]),
    ],
)
def test_values_of_text_columns(values: list[Any], expected: list[str | None], tmp_path: Path) -> None:
    reader = open_reader(write_parquet(tmp_path, title=values), labelled=False)
    assert [item.title for item in reader if isinstance(item, Product)] == expected


@pytest.mark.parametrize("value", [["a"], b"a", {"a": 1}])
def test_values_that_are_no_text_are_errors_of_their_row(value: object, tmp_path: Path) -> None:
    items = list(open_reader(write_parquet(tmp_path, title=[value, None], id=[7, 8]), labelled=False))
    assert isinstance(items[0], RowError)
    assert (items[0].id, items[0].stage, items[0].code) == (7, "read", "not_text")
    assert "column 'title': got" in items[0].message
    assert items[1] == Product(id=8)


def test_characteristics_may_be_a_struct_or_a_map(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, attributes=[{"colour": "red", "size": None}, {"colour": None, "size": None}])
    items = list(open_reader(source, labelled=False))
    assert [item.characteristics for item in items if isinstance(item, Product)] == [{"colour": "red"}, None]
    pairs = pa.array([[("a", "1"), ("b", "2")], []], pa.map_(pa.string(), pa.string()))
    items = list(open_reader(write_parquet(tmp_path, attributes=pairs), labelled=False))
    assert isinstance(items[0], Product)
    assert items[0].characteristics == {"a": "1", "b": "2"}
    assert [item.code for item in items if isinstance(item, RowError)] == []


def test_category_ids_are_strings(tmp_path: Path) -> None:
    for values, expected in (([12, None], ["12", None]), ([12.0, float("nan")], ["12", None])):
        reader = open_reader(write_parquet(tmp_path, title=["a", "b"], category_id=values), labelled=True)
        assert [item.category_id for item in reader if isinstance(item, Product)] == expected


def test_category_path_is_joined_as_the_tree_joins_it(tmp_path: Path) -> None:
    from multimodal.taxonomy import tree_from_paths

    paths = ["Apparel/ Tops /Shirts", None, "Apparel//Shirts"]
    source = write_parquet(tmp_path, title=["a", "b", "c"], category_path=paths)
    source = source.model_copy(update={"path_separator": "/"})
    items = list(open_reader(source, labelled=True))
    assert [item.category_id for item in items[:2] if isinstance(item, Product)] == ["Apparel > Tops > Shirts", None]
    assert items[0].category_id in tree_from_paths(paths[:1], "/")  # type: ignore[union-attr,arg-type]
    assert isinstance(items[2], RowError)
    assert (items[2].stage, items[2].code) == ("label", "category_path")


def test_absent_photos_are_not_unreadable_ones(tmp_path: Path) -> None:
    structs = [{"bytes": None, "path": None}, {"bytes": b"", "path": None}, {"bytes": None, "path": "x.jpg"}, None]
    items = list(open_reader(write_parquet(tmp_path, image=structs), labelled=False))
    images = [item.image for item in items if isinstance(item, Product)]
    assert images[0] is None
    assert images[3] is None
    assert images[1] is not None
    assert images[1].data == b""
    assert images[2] is not None
    assert images[2].path == str(tmp_path / "x.jpg")


def test_images_root(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, image=["x.jpg", "/abs/y.jpg", " ", None, "https://a.b/c.jpg"])
    source = source.model_copy(update={"images_root": "/srv/photos"})
    refs = [item.image for item in open_reader(source, labelled=False) if isinstance(item, Product)]
    paths = [None if ref is None else ref.path for ref in refs]
    assert paths == ["/srv/photos/x.jpg", "/abs/y.jpg", None, None, "https://a.b/c.jpg"]


def test_unique_ids(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, id=["a", None, "b", "a", None, "a"], title=list("123456"))
    reader = unique_ids(open_reader(source, labelled=False))
    items = list(reader)
    assert reader.count() == len(items) == 6
    assert [item.title if isinstance(item, Product) else (item.code, item.row, item.id) for item in items] == [
        "1", "2", "3", ("duplicate_id", 3, "a"), "5", ("duplicate_id", 5, "a"),
    ]  # fmt: skip
    assert list(reader) == items


def test_an_asked_for_column_that_is_not_there(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, title=["a"], article_name=["b"])
    source = source.model_copy(update={"columns": ColumnMap(title="articlename")})
    with pytest.raises(DataError) as caught:
        open_reader(source, labelled=False)
    for part in (
        source.path,
        "columns.title",
        "'articlename'",
        "found title, article_name",
        "Did you mean 'article_name'",
    ):
        assert str(part) in caught.value.message


@pytest.mark.parametrize("labelled", [True, False])
def test_no_usable_input(labelled: bool, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no usable input.*found id, price, category_id"):
        open_reader(write_parquet(tmp_path, id=[1], price=[2], category_id=[3]), labelled=labelled)


def test_labels_asked_for_and_not_there(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, title=["a"], price=[2])
    with pytest.raises(DataError, match=r"no column of categories.*found title, price"):
        open_reader(source, labelled=True)
    open_reader(source, labelled=False)


def test_an_image_column_of_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'image' holds int64, expected photos"):
        open_reader(write_parquet(tmp_path, title=["a"], image=[2]), labelled=False)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("rows.parquet", b"PAR1 not really", "not readable as parquet"),
        ("rows.parquet", b"", "not readable as parquet"),
        ("rows.csv", b"", "empty file"),
        ("rows.csv", "id,title\n1,a\n".encode("utf-16"), "not UTF-8"),
        ("rows.csv", "название\n1\n".encode("cp1251"), "not UTF-8"),
        ("rows.xlsx", b"PK", "'.xlsx', expected one of .parquet"),
    ],
)
def test_files_that_are_not_what_they_say(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        open_reader(SourceConfig(path=str(tmp_path / name)), labelled=False)
    assert message in caught.value.message
    assert str(tmp_path / name) in caught.value.message


def test_a_parquet_file_damaged_in_the_middle_says_where(tmp_path: Path) -> None:
    source = parquet_bytes(tmp_path)
    file = Path(str(source.path))
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = b"\xff" * 3000
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"damaged after row \d+"):
        list(open_reader(source, labelled=True))


@pytest.mark.parametrize("path", ["gone.parquet", "gone"])
def test_missing(path: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder; expected"):
        open_reader(SourceConfig(path=str(tmp_path / path)), labelled=False)


def test_folders_without_photos_or_classes(tmp_path: Path) -> None:
    source = SourceConfig(path=str(tmp_path))
    with pytest.raises(DataError, match="without photos"):
        open_reader(source, labelled=False)
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DataError, match="one a class"):
        open_reader(source, labelled=True)
    assert [item.id for item in open_reader(source, labelled=False)] == ["a.jpg"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["id", "title", "short_description", "name_value_characteristics", "category_id"],
         {"id": "id", "title": "title", "description": "short_description",
          "characteristics": "name_value_characteristics", "category_id": "category_id"}),
        (["ID", "productDisplayName", "Image", "Label"],
         {"id": "ID", "title": "productDisplayName", "image": "Image", "category_id": "Label"}),
        (["SKU", "Product Name", "Image Path", "Category Path"],
         {"id": "SKU", "title": "Product Name", "image": "Image Path", "category_path": "Category Path"}),
        (["name", "title", "category_path", "cc3"], {"title": "title", "category_id": "cc3"}),
    ],
)  # fmt: skip
def test_guesses(found: list[str], expected: dict[str, str]) -> None:
    assert dict(guess_columns(found, ColumnMap()).present()) == expected


def test_asked_for_columns_are_not_guessed_again() -> None:
    asked = ColumnMap(title="description", id="", category_path="categories")
    resolved = guess_columns(["id", "title", "description", "categories", "label"], asked)
    assert dict(resolved.present()) == {"title": "description", "category_path": "categories"}


def test_both_kinds_of_category_cannot_be_asked_for() -> None:
    with pytest.raises(DataError, match="expected one of them"):
        guess_columns(["a", "b"], ColumnMap(category_id="a", category_path="b"))


@given(
    st.lists(st.sampled_from([g.upper() for names in GUESSES.values() for g in names]) | st.text(max_size=8)),
    st.sets(st.sampled_from(FIELDS)),
)
def test_guessing_never_invents_or_shares_a_column(found: list[str], off: set[str]) -> None:
    resolved = guess_columns(found, ColumnMap(**dict.fromkeys(off, "")))
    chosen = list(resolved.present().values())
    assert set(chosen) <= set(found)
    assert len(chosen) == len(set(chosen))
    assert not off & set(resolved.present())
    assert resolved.category_id is None or resolved.category_path is None

"""One contract for all readers; rows that are broken, files that are no such files, and streaming."""

from __future__ import annotations

import gc
import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.config.models import SourceConfig
from multimodal.data import open_reader, unique_ids
from multimodal.errors import DataError
from multimodal.image import ImageKitchen
from multimodal.protocols import Reader
from multimodal.types import Product, RowError
from reader_sources import (
    ROWS,
    SOURCES,
    Make,
    csv_paths,
    drawings,
    idx_pair,
    labels,
    parquet_bytes,
    photo_folder,
    titles,
    write_lines,
    write_parquet,
)

BROKEN = 300
SAME_ROWS = [make for make in SOURCES if make not in {photo_folder, idx_pair, drawings}]


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


def test_contract_repeated_ids_are_errors_of_the_later_rows(source: SourceConfig) -> None:
    reader = open_reader(source, labelled=True)
    expected = source.products or ROWS

    class Twice:
        """The same reader, read once more behind itself."""

        def __iter__(self) -> Iterator[Product | RowError]:
            yield from reader
            yield from reader

        def count(self) -> None:
            return None

    items = list(unique_ids(Twice()))
    assert all(isinstance(item, Product) for item in items[:expected])
    assert {item.code for item in items[expected:] if isinstance(item, RowError)} == {"duplicate_id"}
    assert [item.row for item in items[expected:] if isinstance(item, RowError)] == list(range(expected, 2 * expected))


def test_contract_unlabelled_reads_no_label(source: SourceConfig) -> None:
    if source.format == "drawings":
        pytest.skip("drawings always know what they are")
    items = list(islice(open_reader(source, labelled=False), 5))
    assert [item.category_id for item in items if isinstance(item, Product)] == [None] * 5


@pytest.mark.parametrize("make", SAME_ROWS)
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


def broken_lines(name: str, line: bytes) -> Make:
    def make(folder: Path) -> SourceConfig:
        lines: list[Any] = [{"id": i, "title": f"shirt {i}"} for i in range(ROWS)]
        lines[BROKEN] = line
        return write_lines(folder / name, lines)

    return make


def broken_array(item: bytes) -> Make:
    def make(folder: Path) -> SourceConfig:
        items = [json.dumps({"id": i, "title": f"shirt {i}"}).encode() for i in range(ROWS)]
        items[BROKEN] = item
        (folder / "rows.json").write_bytes(b"[" + b",\n".join(items) + b"]")
        return SourceConfig(path=str(folder / "rows.json"))

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
        (broken_lines("rows.jsonl", b'{"id": 300, "title": "shi'), "json"),
        (broken_lines("rows.jsonl.gz", b"300,shirt"), "json"),
        (broken_lines("rows.jsonl", b"[300]"), "json"),
        (broken_lines("rows.jsonl", b"[" * 100_000), "json"),
        (broken_lines("rows.jsonl", b'{"id": 300, "title": "\xff"}'), "not_utf8"),
        (broken_lines("rows.jsonl", b'{"id": 300, "title": ["a"]}'), "not_text"),
        (broken_array(b"[300]"), "json"),
        (broken_array(b'{"id": 300, "title": "\xff"}'), "not_utf8"),
        (broken_array(b'{"id": 300, "title": {"en": "a"}}'), "not_text"),
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
    assert error.id is None if code in {"csv", "json"} else str(error.id) == str(BROKEN)
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
    from multimodal.csv_reading import CsvRows

    taken: list[list[str] | Exception] = []
    rows = CsvRows.rows

    def watched(self: CsvRows, width: int) -> Iterator[list[str] | Exception]:
        for row in rows(self, width):
            taken.append(row)
            yield row

    monkeypatch.setattr(CsvRows, "rows", watched)
    list(islice(open_reader(source, labelled=True), 3))
    assert len(taken) == 3


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("array", [False, True])
def test_json_streams(array: bool, packed: bool, tmp_path: Path) -> None:
    """Beside the rows asked for, a buffer is read and not the file."""
    rows = [{"id": i, "title": "x" * 1000} for i in range(20_000)]
    lines = [json.dumps(row).encode() for row in rows]
    raw = b"[" + b",".join(lines) + b"]" if array else b"\n".join(lines)
    file = tmp_path / f"rows.{'json' if array else 'jsonl'}{'.gz' if packed else ''}"
    file.write_bytes(gzip.compress(raw, 1) if packed else raw)
    reader = open_reader(SourceConfig(path=str(file)), labelled=False)
    tracemalloc.start()
    try:
        first = list(islice(reader, 2000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [item.id for item in first] == list(range(2000))
    assert len(raw) > 20_000_000
    assert peak < 5_000_000


def test_folder_opens_no_photo(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "a/10.png", "a/1.JPG", "a/more/3.webp", "a/.hidden", "a/Thumbs.db", ".git/x.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not read")
    items = list(open_reader(SourceConfig(path=str(tmp_path)), labelled=True))
    assert [(item.id, item.category_id) for item in items if isinstance(item, Product)] == [
        ("a/1.JPG", "a"), ("a/10.png", "a"), ("a/more/3.webp", "a"), ("b/2.jpg", "b"),
    ]  # fmt: skip


def test_unique_ids(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, id=["a", None, "b", "a", None, "a"], title=list("123456"))
    reader = unique_ids(open_reader(source, labelled=False))
    items = list(reader)
    assert reader.count() == len(items) == 6
    assert [item.title if isinstance(item, Product) else (item.code, item.row, item.id) for item in items] == [
        "1", "2", "3", ("duplicate_id", 3, "a"), "5", ("duplicate_id", 5, "a"),
    ]  # fmt: skip
    assert list(reader) == items


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("rows.parquet", b"PAR1 not really", "not readable as parquet"),
        ("rows.parquet", b"", "not readable as parquet"),
        ("rows.csv", b"", "empty file"),
        ("rows.csv", "id,title\n1,a\n".encode("utf-16"), "not UTF-8"),
        ("rows.csv", "название\n1\n".encode("cp1251"), "not UTF-8"),
        ("rows.csv", b"\n;;\n , \n", "empty file"),
        ("rows.csv", b"id,Title,x,title, title ,x,,\n1,a,b,c,d,e,,\n", "the column 'x' 2 times and 'title' 2 times"),
        ("rows.csv", b'title,"' + b"x" * 200_000, "the header is no CSV (field larger"),
        ("rows.xlsx", b"PK", "'.xlsx', expected one of .parquet"),
        ("rows.xls", b"", "save the sheet as CSV in UTF-8"),
        ("rows.dat", b"a", "rename it, or name its format in a configuration: parquet, csv"),
        ("photos.zip", b"PK", "name the table here, and the zip as images_root"),
        ("rows.json", b"", "empty file, expected an array of objects"),
        ("rows.json", b"[]", "got no products; expected an array of objects"),
        ("rows.json", b"[1, 2]", "expected an object of names and values"),
        ("rows.json", b'"text"', "starts with '\"', expected an array of objects"),
        ("rows.json", b'{"id": 1, "title": "a"}', "object without a list of objects"),
        ("rows.json", b'{"a": [{"title": "x"}], "b": [{"title": "y"}]}', "got the lists 'a' and 'b', expected one"),
        ("rows.json", b'[{"title": "a"}][', "goes on after the end"),
        ("rows.json", '[{"title": "a"}]'.encode("utf-16"), "expected an array of objects"),
        ("rows.json.gz", b"[]", "damaged after row 0"),
        ("rows.jsonl", b"", "got no products; expected one object"),
        ("rows.jsonl", b"id,title\n1,a\n", "no JSON"),
        ("rows.jsonl.gz", b"plain text", "damaged after row 0"),
        ("rows.jsonl.gz", gzip.compress(b'{"title": "a"}\n' * 9, mtime=0)[:-9], "damaged after row"),
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


def test_columns_of_one_name_are_refused_in_parquet_too(tmp_path: Path) -> None:
    columns = [pa.array(["1"]), pa.array(["a"]), pa.array(["b"])]
    pq.write_table(pa.Table.from_arrays(columns, names=["id", "title", "title"]), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"rows.parquet: got the column 'title' 2 times, expected each name once"):
        open_reader(SourceConfig(path=str(tmp_path / "rows.parquet")), labelled=False)


@pytest.mark.parametrize("lead", ["\n\n", "\ufeff\r\n \r\n", ";;\n\n", '"";""\n'])
def test_blank_lines_before_the_header_are_passed_over(lead: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"{lead}id;title;;\n7;a, b;;\n\n8;c;;\n", encoding="utf-8", newline="")
    reader = open_reader(SourceConfig(path=str(tmp_path / "rows.csv")), labelled=False)
    assert list(reader) == [Product(id="7", title="a, b"), Product(id="8", title="c")]


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
    for answers in ("answers.csv", "answers.csv.errors.csv", "answers.parquet.part"):  # may lie beside the photos
        (tmp_path / answers).write_text("file\na.jpg\n", encoding="utf-8")
    assert [item.id for item in open_reader(source, labelled=False)] == ["a.jpg"]


@pytest.mark.parametrize("name", ["rows.json", "rows.json.gz"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_json_array_that_breaks_off_says_where(inside: bool, name: str, tmp_path: Path) -> None:
    document = [{"id": i, "title": "shirt " * 20} for i in range(3000)]
    raw = json.dumps({"products": document} if inside else document).encode()[:-5000]
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    reader = iter(open_reader(SourceConfig(path=str(tmp_path / name)), labelled=False))
    assert [item.id for item in islice(reader, 2900)] == list(range(2900))
    with pytest.raises(DataError, match=r"rows.json.*: damaged after row 29\d\d .*write it again"):
        list(reader)


def test_an_object_a_line_is_read_whatever_the_suffix_says(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "rows.json", [{"id": 1, "title": "a"}, {"id": 2, "title": "b"}])
    assert [item.id for item in open_reader(source, labelled=False)] == [1, 2]
    (tmp_path / "rows.json").rename(tmp_path / "rows.log")
    for kind, message in (("auto", "expected one of"), ("json", "without a list of objects")):
        with pytest.raises(DataError, match=message):
            open_reader(SourceConfig(path=str(tmp_path / "rows.log"), format=kind), labelled=False)
    lines = SourceConfig(path=str(tmp_path / "rows.log"), format="jsonl")
    assert [item.id for item in open_reader(lines, labelled=False)] == [1, 2]

"""A quote in a CSV file that never closes: its row is an error, and each row below is read as it is."""

from __future__ import annotations

import csv
import io
import re
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.config.models import SourceConfig
from multimodal.csv_reading import CsvRows, OpenQuote
from multimodal.data import open_reader
from multimodal.data.csv_file import csv_rows
from multimodal.errors import DataError
from multimodal.types import Product, RowError


def read(file: Path, data: str | bytes) -> list[Product | RowError]:
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(open_reader(SourceConfig(path=str(file)), labelled=False))


def told(items: Sequence[Product | RowError]) -> list[object]:
    """The title of each product, the place and code of each error."""
    return [(item.row, item.id, item.code) if isinstance(item, RowError) else item.title for item in items]


def test_the_row_of_an_open_quote_is_an_error_and_the_next_one_is_read(tmp_path: Path) -> None:
    error, shoe = read(tmp_path / "a.csv", 'id,title\n1,"dress\n2,shoe\n')
    assert isinstance(error, RowError)
    assert (error.id, error.row, error.stage, error.code) == ("1", 0, "read", "csv")
    assert error.message == (
        f"{tmp_path / 'a.csv'}, row 0: column 'title': got a quote that opens and does not close, expected quotes in "
        'pairs; close it, or double it ("") where it belongs to the text'
    )
    assert (shoe.id, told([shoe])) == ("2", ["shoe"])


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # what is whole stays so, at the end of the file too
        ('1,"long|dress"|2,"long|shoe"', ["long|dress", "long|shoe"]),
        ('1,"||dress, ""red""|"|2,shoe|', ['||dress, "red"|', "shoe"]),
        ('1,"long|dress" |2,"12" heel"|', ["long|dress ", '12 heel"']),
        # the file ends inside quotes
        ('1,dress|2,"shoe', ["dress", (1, "2", "csv")]),
        ('1,dress|2,"shoe|', ["dress", (1, "2", "csv")]),
        ('"1,dress|2,shoe|', [(0, None, "csv"), "shoe"]),
        ('1,"dress||2,shoe|||3,boot|', [(0, "1", "csv"), "shoe", "boot"]),
        # a quoted cell further down takes the quote for its own
        ('1,"dress|2,shoe|3,"boot, red"|4,hat', [(0, "1", "csv"), "shoe", "boot, red", "hat"]),
        ('1,"dress|2,shoe|3,"boot"|4,hat', [(0, "1", "csv"), "shoe", "boot", "hat"]),
        ('1,"dress|2,shoe|"3","boot|red"|4,hat', [(0, "1", "csv"), "shoe", "boot|red", "hat"]),
        ('1,"dress|2,"shoe|3,"boot|4,hat', [(0, "1", "csv"), (1, "2", "csv"), (2, "3", "csv"), "hat"]),
        ('1,"dress|"2","shoe|red"|"3","boot|red"', [(0, "1", "csv"), "shoe|red", "boot|red"]),
        # or a stray quote does
        ('1,x,"dress|2,shoe|3,tv 42"|4,hat', [(0, "1", "csv"), "shoe", 'tv 42"', "hat"]),
        # rows that are wrong otherwise are as before
        ('1,x,"long|dress"|2,shoe', [(0, "1", "ragged_row"), "shoe"]),
        ('1,"dress|2|3,shoe', [(0, "1", "csv"), (1, "2", "ragged_row"), "shoe"]),
    ],
)
def test_each_row_below_comes_back(lines: str, expected: list[object], start: str, end: str, tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", f"{start}id,title|{lines}".replace("|", end))
    assert told(items) == [one.replace("|", end) if isinstance(one, str) else one for one in expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # the quote opens below the line where its row begins
        ('1,"long|dress","red|2,shoe,blue|3,boot,"a, b"', [(0, "1", "csv"), "shoe", "boot"]),
        ('1,"long|dress","red|2,shoe,blue', [(0, "1", "csv"), "shoe"]),
        # a row too long, and no line of it a row by itself
        ('1,"long|dress",red,more,most|2,shoe,blue', [(0, "1", "ragged_row"), "shoe"]),
        # an open quote that the next row seems to close, with as many cells as expected
        ('1,dress,"red|2,shoe,"blue"|3,boot,red', [(0, "1", "csv"), "shoe", "boot"]),
        # the last cell that seems to be left open is not the one that is
        ('1,"dress,red|2,",",shoe|3,boot,red', [(0, "1", "csv"), ",", "boot"]),
    ],
)
def test_which_line_is_to_blame(lines: str, expected: list[object], tmp_path: Path) -> None:
    assert told(read(tmp_path / "a.csv", f"id,title,description|{lines}".replace("|", "\n"))) == expected


def test_the_cap_of_a_cell_gives_an_open_quote_away(tmp_path: Path) -> None:
    rows = [f"{i},shirt {i}" for i in range(20_000)]
    rows[1] = '1,"shirt 1'
    items = read(tmp_path / "a.csv", "\n".join(["id,title", *rows]))
    assert told(items) == ["shirt 0", (1, "1", "csv"), *(f"shirt {i}" for i in range(2, 20_000))]


def test_a_cell_over_the_cap_behind_one_of_several_lines_costs_its_row(tmp_path: Path) -> None:
    text = f'id,title,description\n1,"long\ndress",{"x" * 200_000}\n2,shoe,blue\n'
    error, shoe = read(tmp_path / "a.csv", text)
    assert isinstance(error, RowError)
    assert (error.code, "field larger" in error.message) == ("csv", True)
    assert told([shoe]) == ["shoe"]


@pytest.mark.parametrize("first", ["", "data:image/png;base64,AA"])
def test_a_file_of_embedded_photos_is_read_alike(first: str, tmp_path: Path) -> None:
    lines = ["id,title,image", f'0,"long\nshirt","{first}"', '1,"shirt,', *(f"{i},shirt," for i in range(2, 9_000))]
    items = read(tmp_path / "a.csv", "\n".join(lines))
    assert told(items) == ["long\nshirt", (1, "1", "csv"), *["shirt"] * 8998]


@pytest.mark.parametrize("header", ['id,"title\n1,dress\n2,shoe\n', 'id,"title\n1,"dress"\n', 'id,"title'])
def test_a_header_left_open_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the header is no CSV \(a quote opens and does not close\); expected quotes"):
        read(tmp_path / "a.csv", header)


def test_a_header_of_several_lines(tmp_path: Path) -> None:
    assert told(read(tmp_path / "a.csv", '\n"id","title","price,\nnet"\n1,dress,"2"\n')) == ["dress"]


def test_rows_for_a_split_are_counted_alike(tmp_path: Path) -> None:
    text = 'id;title\n1;"dress\n2;shoe\n3;"boot; red"\n'
    items = read(tmp_path / "a.csv", text)
    delimiter, header, rows = csv_rows(tmp_path / "a.csv")
    cells = list(rows)
    assert (delimiter, header, len(cells)) == (";", ["id", "title"], len(items))
    assert isinstance(cells[0], csv.Error)
    assert cells[1:] == [["2", "shoe"], ["3", "boot; red"]]


# A cell that begins with a delimiter or a line break is left out: behind an open quote, its own opening quote is one
# that closes as well as any, and nobody could tell.
_TEXT = st.text('ab", ;\né', max_size=6).filter(lambda text: not re.match(r'"* *[,;\n]', text))
_PLAIN = st.text("ab, ;é", max_size=6)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str, list[list[str]], int]:
    """A table as text, its delimiter, its rows, and the one of them with a quote left open."""
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n"]))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(_TEXT, min_size=width, max_size=width), min_size=1, max_size=8))
    bad, cell = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, width - 1))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    lines = []
    for number, row in enumerate(rows):
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=delimiter, quoting=quoting).writerow(row)
        left_open = delimiter.join(["x"] * cell + ['"' + draw(_PLAIN), *["x"] * (width - cell - 1)])
        lines.append(left_open if number == bad else stream.getvalue().removesuffix("\r\n"))
    return end.join(lines) + draw(st.sampled_from(["", end])), delimiter, rows, bad


@given(
    st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(st.text('ab", ;\r\né'), min_size=n, max_size=n), min_size=1))
)
def test_a_table_without_one_is_read_as_the_csv_module_reads_it(rows: list[list[str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    stream.seek(0)
    assert list(CsvRows(stream, ",").rows(len(rows[0]))) == rows


@given(damaged())
def test_an_open_quote_costs_no_other_row(table: tuple[str, str, list[list[str]], int]) -> None:
    text, delimiter, rows, bad = table
    found = list(CsvRows(io.StringIO(text, newline=""), delimiter).rows(len(rows[0])))
    assert len(found) == len(rows)
    assert isinstance(found[bad], OpenQuote)
    assert [row for i, row in enumerate(found) if i != bad] == [row for i, row in enumerate(rows) if i != bad]


@pytest.mark.parametrize("line", ['1,"x\n', 'a","b\n', 'x"y","b\n', ',"""\n', '1,"x,""\n'])
def test_a_file_of_nothing_but_open_quotes_takes_little_room_and_time(line: str) -> None:
    file = io.StringIO(line * 60_000, newline="")
    started = time.monotonic()
    tracemalloc.start()
    try:
        rows = CsvRows(file, ",").rows(3)
        seen = sum(1 for _ in rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen >= 30_000  # two lines may well be one row
    assert peak < 20_000_000
    assert time.monotonic() - started < 60

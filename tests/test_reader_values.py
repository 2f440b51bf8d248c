"""Single values and columns: ids, texts, labels, characteristics, and which column is taken for what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import guess_columns, open_reader
from multimodal.data.columns import FIELDS, GUESSES
from multimodal.data.missing import MISSING
from multimodal.errors import DataError
from multimodal.text.characteristics import parse_characteristics
from multimodal.types import Product, RowError
from reader_sources import write_csv, write_json, write_lines, write_parquet


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


GONE = ["", " ", "nan", "NaN", " NaN ", "null", "NULL", "None", "N/A", "n/a", "<NA>", "#N/A"]
WORDS = ["NA", "none", "Nan bread", "No", "0", "-", "null set"]
WRITE: dict[str, Callable[[Path, list[dict[str, Any]]], SourceConfig]] = {
    "csv": lambda folder, rows: write_csv(folder / "rows.csv", rows),
    "json": lambda folder, rows: write_json(folder / "rows.json", rows),
    "parquet": lambda folder, rows: write_parquet(folder, **{name: [row[name] for row in rows] for name in rows[0]}),
}


@pytest.mark.parametrize("kind", WRITE)
def test_words_for_nothing_are_nothing_in_every_form(kind: str, tmp_path: Path) -> None:
    names = ("id", "title", "description", "characteristics", "image", "group")
    rows = [{**dict.fromkeys(names, word), "category_id": "7"} for word in [*GONE, *WORDS]]
    items = list(open_reader(WRITE[kind](tmp_path, rows), labelled=True))
    assert items[: len(GONE)] == [Product(category_id="7")] * len(GONE)
    for item, word in zip(items[len(GONE) :], WORDS, strict=True):
        assert isinstance(item, Product)
        assert (item.id, item.title, item.description, item.group) == (word,) * 4
        assert item.image is not None


@pytest.mark.parametrize("kind", WRITE)
def test_a_category_may_be_called_none_and_no_path_is(kind: str, tmp_path: Path) -> None:
    rows = [{"title": "a", "category_id": word} for word in ("None", "nan", "N/A", " ")]
    items = list(open_reader(WRITE[kind](tmp_path, rows), labelled=True))
    assert [item.category_id for item in items if isinstance(item, Product)] == ["None", "nan", "N/A", None]
    rows = [{"title": "a", "category_path": path} for path in ("Wear > None", "nan")]
    items = list(open_reader(WRITE[kind](tmp_path, rows), labelled=True))
    assert [item.category_id for item in items if isinstance(item, Product)] == ["Wear > None", None]


def test_the_words_for_nothing_are_those_of_pandas_but_for_one(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is in the extra [train]")
    words = sorted({*MISSING - {""}, *WORDS, "nil", "NONE", "NAN", "missing", "-", "?", "N.A."})
    (tmp_path / "rows.csv").write_text("title,x\n" + "".join(f"{word},1\n" for word in words))
    gone = {word for word, there in zip(words, pandas.read_csv(tmp_path / "rows.csv")["title"].notna(), strict=True)
            if not there}  # fmt: skip
    assert gone == (MISSING - {""}) | {"NA"}


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
    assert items[0].characteristics == (("a", "1"), ("b", "2"))
    assert [item.code for item in items if isinstance(item, RowError)] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("colour: red / size: M", "colour: red / size: M"),
        ({"colour": "red", "size": None, "cut": ["slim", "long"]}, "colour: red / cut: slim | long"),
        ({"sole": {"material": "rubber", "mm": 12.0}}, "sole material: rubber / sole mm: 12"),
        ([["colour", "red"], ["colour", "blue"], ["size", None]], "colour: red | blue"),
        ([{"name": "colour", "value": "red"}, {"name": "size", "value": 42}, None], "colour: red / size: 42"),
        ([{"key": "colour", "value": ["red", "blue"], "order": 1}], "colour: red | blue"),
        ([{"colour": "red"}, {"size": "M"}], "colour: red / size: M"),
        (["colour: red", "size: M"], "colour: red / size: M"),
        ([], ""), ({}, ""), ([None], ""), (float("nan"), ""), (501, ": 501"),
    ],
)  # fmt: skip
def test_characteristics_of_json_are_what_their_text_would_be(value: object, expected: str, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "rows.jsonl", [{"title": "a", "characteristics": value}])
    (item,) = open_reader(source, labelled=False)
    assert isinstance(item, Product)
    assert item.characteristics or item.characteristics is None
    assert set(parse_characteristics(item.characteristics)) == set(parse_characteristics(expected.removeprefix(": ")))


@pytest.mark.parametrize("value", [[1, 2], [["a", "b", "c"]], [{"name": "a", "value": 1}, 5]])
def test_lists_that_are_no_characteristics_cost_their_row(value: object, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "rows.jsonl", [{"title": "a", "characteristics": value}, {"title": "b"}])
    error, item = open_reader(source, labelled=False)
    assert isinstance(error, RowError)
    assert error.code == "not_text"
    assert "expected pairs, objects with name and value" in error.message
    assert isinstance(item, Product)


@pytest.mark.parametrize("array", [False, True])
def test_json_values_keep_their_types(array: bool, tmp_path: Path) -> None:
    rows = [
        {"id": 7, "title": 501, "price": 1}, {"id": "007", "title": float("nan")}, {"id": 7.0, "title": 0.5},
        {"title": None}, {"id": None, "title": " "}, {}, {"id": True, "title": True},
    ]  # fmt: skip
    write = write_json(tmp_path / "rows.json", rows) if array else write_lines(tmp_path / "rows.jsonl", rows)
    items = list(open_reader(write, labelled=False))
    assert items == [
        Product(id=7, title="501"), Product(id="007"), Product(id=7, title="0.5"), Product(), Product(), Product(),
        Product(id="True", title="True"),
    ]  # fmt: skip


def test_columns_of_json_are_the_names_of_its_first_thousand_rows(tmp_path: Path) -> None:
    rows: list[Any] = [{"id": i, "title": "a"} for i in range(1000)]
    rows[999]["description"] = "late"
    reader = open_reader(write_lines(tmp_path / "rows.jsonl", rows), labelled=False)
    assert reader.rules.found == ("id", "title", "description")
    assert [item.description for item in reader if isinstance(item, Product)][-2:] == [None, "late"]


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
    ("found", "expected"),
    [
        (["id", "title", "short_description", "name_value_characteristics", "category_id"],
         {"id": "id", "title": "title", "description": "short_description",
          "characteristics": "name_value_characteristics", "category_id": "category_id"}),
        (["ID", "productDisplayName", "Image", "Label"],
         {"id": "ID", "title": "productDisplayName", "image": "Image", "category_id": "Label"}),
        (["SKU", "Product Name", "Image Path", "Category Path"],
         {"id": "SKU", "title": "Product Name", "image": "Image Path", "category_path": "Category Path"}),
        (["text", "label"], {"title": "text", "category_id": "label"}),
        (["Артикул", "Название товара", "Описание", "Характеристики", "Фото", "Категория", "Цена"],
         {"id": "Артикул", "title": "Название товара", "description": "Описание",
          "characteristics": "Характеристики", "image": "Фото", "category_id": "Категория"}),
        (["Наименование", "name", "Путь категории"], {"title": "name", "category_path": "Путь категории"}),
        (["text", "name", "image"], {"title": "name", "image": "image"}),
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


def test_a_cell_in_an_older_encoding_is_shown_as_it_reads(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("id,title\n1,Рубашка мужская\n2,shirt\n".encode("cp1251"))
    error, shirt = open_reader(SourceConfig(path=str(tmp_path / "rows.csv")), labelled=False)
    assert isinstance(error, RowError)
    assert error.code == "not_utf8"
    assert "(in windows-1251 they are 'Рубашка мужская'); save the file again in UTF-8" in error.message
    assert shirt.id == "2"
    (tmp_path / "rows.csv").write_bytes(b"id,title\n1,caf\xe9 au lait\n")  # no Russian: shown as bytes
    (error,) = open_reader(SourceConfig(path=str(tmp_path / "rows.csv")), labelled=False)
    assert isinstance(error, RowError)
    assert "in b'caf? au lait'; save the file again" in error.message

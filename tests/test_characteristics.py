"""The grammar of characteristics."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.errors import InputError
from multimodal.text import parse_characteristics
from multimodal.text.characteristics import render_characteristics


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Бренд: Пр!ст / Размер: 700 гр", [("Бренд", "Пр!ст"), ("Размер", "700 гр")]),
        ("a: v1 | v2 / b: v", [("a", "v1"), ("a", "v2"), ("b", "v")]),
        (
            "Размер: 42/44 / Состав: хлопок 95% / эластан 5%",
            [("Размер", "42/44"), ("Состав", "хлопок 95% / эластан 5%")],
        ),
        ("url: http://x/y / b: c", [("url", "http://x/y"), ("b", "c")]),
        ("https://x.y/z", [("", "https://x.y/z")]),
        ("Бренд: 17:17 / Размер: 70 гр", [("Бренд", "17:17"), ("Размер", "70 гр")]),
        ("Часы: 10:00 / 22:30", [("Часы", "10:00 / 22:30")]),
        ("Цвет:красный / Пол:женский", [("Цвет", "красный"), ("Пол", "женский")]),
        ("a: / b: x / c:", [("a", ""), ("b", "x"), ("c", "")]),
        ("a: 1 / a: 2 / a: 1", [("a", "1"), ("a", "2"), ("a", "1")]),
        ("Хлопок / лён", [("", "Хлопок / лён")]),
        ("Хлопок / Размер: 42", [("", "Хлопок"), ("Размер", "42")]),
        ("Цвет: синий\nРазмер: 42\r\nПол: м", [("Цвет", "синий"), ("Размер", "42"), ("Пол", "м")]),
        ("a: | | x |", [("a", "x")]),
        ("a: 1 / b: 2 / a: 3", [("a", "1"), ("b", "2"), ("a", "3")]),
        ("Вид: и/или / Масштаб: 1:18 / Ссылка: a/b:c", [("Вид", "и/или"), ("Масштаб", "1:18"), ("Ссылка", "a/b:c")]),
        ("Размер (см): 10 / 20 / Вес: 5", [("Размер (см)", "10 / 20"), ("Вес", "5")]),
        ("Цвет： синий", [("Цвет", "синий")]),
        (": x", [("", ": x")]),
        ("", []),
        (" \n ", []),
    ],
)
def test_strings(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(parse_characteristics(text)) == pairs


def test_mappings_and_lists() -> None:
    mapping = {"Цвет": ["синий", "белый"], "Размер": 42.0, "Год": 2021, "Нет": None, "d": {"w": 1, "h": [2]}}
    expected = (
        ("Цвет", "синий"),
        ("Цвет", "белый"),
        ("Размер", "42"),
        ("Год", "2021"),
        ("Нет", ""),
        ("d w", "1"),
        ("d h", "2"),
    )
    assert parse_characteristics(mapping) == expected
    assert parse_characteristics([("a", "1 | 2"), ["b", None]]) == (("a", "1"), ("a", "2"), ("b", ""))  # type: ignore[list-item]
    assert parse_characteristics([{"name": "a", "value": 1.5}]) == (("a", "1.5"),)  # type: ignore[list-item]
    assert parse_characteristics(["a: 1 / b: 2", "c"]) == (("a", "1"), ("b", "2"), ("", "c"))  # type: ignore[list-item]
    assert parse_characteristics({"x": float("nan")}) == (("x", ""),)
    listed = [{"name": "a", "value": ["x", "y"]}, {"value": None, "name": "b"}, {"key": "c", "value": {"d": "e"}}]
    assert parse_characteristics(listed) == (("a", "x"), ("a", "y"), ("b", ""), ("c d", "e"))  # type: ignore[arg-type]
    assert parse_characteristics([("a", "1"), ("b", "2"), ("a", "1")]) == (("a", "1"), ("b", "2"), ("a", "1"))
    assert parse_characteristics([("a", ["x / y", ""]), (None, 3)]) == (("a", "x / y"), ("a", ""), ("", "3"))  # type: ignore[list-item]
    assert parse_characteristics(None) == ()


def test_a_mapping_nested_too_deep_is_that_rows_error() -> None:
    value: object = 1
    for _ in range(5_000):
        value = [value]
    with pytest.raises(InputError, match="deeper than 8 levels") as error:
        parse_characteristics({"a": value})
    assert error.value.code == "characteristics_too_deep"


@given(st.text() | st.text(alphabet="ab:/| \n0х"))
def test_never_raises_and_loses_no_letter(text: str) -> None:
    pairs = parse_characteristics(text)
    kept = {c for pair in pairs for part in pair for c in part if c.isalnum()}
    assert kept == {c for c in text if c.isalnum()}
    assert all(part == part.strip() for pair in pairs for part in pair)


WORDS = st.text(alphabet="abcя 42%-", min_size=1, max_size=8).map(str.strip).filter(bool)
NAMES = st.text(alphabet="abcя", min_size=2, max_size=8)


@given(st.lists(st.tuples(NAMES, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=6))
def test_what_is_written_by_the_grammar_is_read_back(rows: list[tuple[str, list[str]]]) -> None:
    text = " / ".join(f"{name}: {' | '.join(values)}" for name, values in rows)
    assert parse_characteristics(text) == tuple((name, v) for name, values in rows for v in values)


def test_rendering() -> None:
    assert render_characteristics({"a": [1, 2], "b": "x"}) == "a: 1 | 2 / b: x"
    assert render_characteristics([("a", "1"), ("b", ""), ("a", "2"), ("a", "")]) == "a: 1 / b:  / a: 2 / a: "
    assert render_characteristics([("", "Хлопок"), ("a", "1")]) == "Хлопок / a: 1"
    assert render_characteristics("a: 1") == "a: 1"
    assert render_characteristics(None) == ""


def is_one_value(text: str) -> bool:
    return parse_characteristics(f"n: {text}") == (("n", text),)


FREE_NAMES = st.text(min_size=1, max_size=12).map(lambda name: " ".join(name.split())).filter(
    lambda name: any(map(str.isalpha, name)) and not any(sign in name for sign in ":：|/")
)
FREE_VALUES = (st.text(max_size=12) | st.text(alphabet="ab:/ х4", max_size=12)).map(str.strip).filter(is_one_value)


@given(st.lists(st.tuples(FREE_NAMES, FREE_VALUES), max_size=6))
def test_what_is_rendered_is_read_back(pairs: list[tuple[str, str]]) -> None:
    """Slashes and colons inside values, repeats and empty values too, whatever form they came in."""
    assert parse_characteristics(render_characteristics(pairs)) == tuple(pairs)
    listed = [{"name": name, "value": value} for name, value in pairs]
    assert parse_characteristics(listed) == tuple(pairs)  # type: ignore[arg-type]
    mapping = dict(pairs)
    assert parse_characteristics(render_characteristics(mapping)) == tuple(mapping.items())


@pytest.mark.parametrize("unit", ["a: b / ", " / ", "\n", "a:", "a/ ", " ", "| ", "x"])
def test_time_grows_with_length_only(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    start = time.process_time()
    parse_characteristics(text)
    assert time.process_time() - start < 2  # quadratic patterns take far longer

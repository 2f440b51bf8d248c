"""The kitchen's steps: what each changes, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.config.text import StepName
from multimodal.text import TextKitchen, TextKitchenConfig
from multimodal.text.abbreviation_table import DOTTED, PREFIXES, SLASHED
from multimodal.text.abbreviations import write_out
from multimodal.text.brands import plain_names, split_capitals
from multimodal.text.hyphens import split_hyphens
from multimodal.text.leftovers import drop_leftovers
from multimodal.text.lookalikes import own_alphabet
from multimodal.text.steps import Steps
from multimodal.text.units import split_measures
from multimodal.types import Product

ALL = get_args(StepName)
PLAIN = (
    "Платье женское летнее с поясом",
    "Nike Air Max running shoes",
    "Чехол для iPhone чёрный",
    "Кружка керамическая и/или стакан",
    "Сладости: конфеты, печенье. Для детей и взрослых.",
    "AC/DC 1/2 no/yes",
    "",
)


def words(text: str, *steps: StepName) -> list[str]:
    return list(Steps("regex", steps).words(text))


@pytest.mark.parametrize("step", ALL)
@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_text_stays_as_it_is(text: str, step: StepName) -> None:
    assert words(text, step) == words(text)


def test_the_order_of_the_switches_is_no_matter() -> None:
    text = "Mолоко &amp;amp; слив.-ванильное 0,5 л б/сахара Coca-Cola"
    assert words(text, *ALL) == words(text, *reversed(ALL))
    assert TextKitchenConfig(steps=ALL) == TextKitchenConfig(steps=tuple(reversed(ALL)))


# --- html


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("&amp;quot;Молоко&amp;quot;", "Молоко"),
        ("&amp;amp;amp;laquo;Молоко&raquo", "Молоко"),
        ("Молоко&nbsp;3&nbspл", "Молоко 3 л"),
        ("Tom &amp;amp; Jerry", "Tom Jerry"),
        ("quot;Молоко quot; &mdash сыр", "Молоко сыр"),
        ("&amp;lt;b&amp;gt;Молоко&amp;lt;/b&amp;gt;<br/>сыр", "Молоко сыр"),
        (r"Состав:\nмолоко\r\n\tсоль", "Состав молоко соль"),
        ("nМолоко, сливкиnсахар", "Молоко сливки сахар"),
        (r"C:\new n nylon; guitar amp; minus", "C new n nylon guitar amp minus"),
    ],
)
def test_html(text: str, clean: str) -> None:
    assert " ".join(words(text, "html")) == clean


def test_html_ends_a_pair_of_characteristics() -> None:
    raw = r"<p>Цвет: синий</p><li>Размер: 42</li>Пол: муж.<br>Сезон: лето\nВес: 2"
    kitchen = TextKitchen(TextKitchenConfig(steps=("html",)))
    found = kitchen.fields(Product(characteristics=raw)).characteristics
    expected = (("цвет", "синий"), ("размер", "42"), ("пол", "муж"), ("сезон", "лето"), ("вес", "2"))
    assert found == tuple((name, (value,)) for name, value in expected)


# --- lookalikes


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Mолоко", "Молоко"),
        ("Nikе", "Nike"),
        ("СHARDONNAY cоль", "CHARDONNAY соль"),
        ("Т-shirt", "T-shirt"),
        ("C-образный", "С-образный"),
        ("Coca-Cоla", "Coca-Cola"),
        ("тëплый", "тёплый"),
        ("глaзирoвaнный", "глазированный"),
    ],
)
def test_lookalikes(text: str, own: str) -> None:
    assert own != text
    assert own_alphabet(text) == own


@pytest.mark.parametrize(
    "text",
    ["iPhone 3D-принтер USB-кабель", "USBшнур", "Vитамин", "Сахарoff кремBB", "PC-корпус", "XО", "COCA СОСА", "café é"],
)
def test_what_is_mixed_on_purpose_stays(text: str) -> None:
    assert own_alphabet(text) == text


# --- units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300г", ["300", "г"]),
        ("300 г.", ["300", "г"]),
        ("300ГР", ["300", "г"]),
        ("300 gr", ["300", "г"]),
        ("0,3 кг", ["300", "г"]),
        ("1 000 г", ["1000", "г"]),
        ("1.50 л", ["1500", "мл"]),
        ("2шт и 2 шт.", ["2", "шт", "и", "2", "шт"]),
        ("10х15 см 10 x 15см 10×15 cm", ["10x15", "см"] * 3),
        ("6х1,5 л", ["6x1500", "мл"]),
        ("1–2 кг", ["1000-2000", "г"]),
        ("42-44 и 42–44", ["42-44", "и", "42-44"]),
        ("3,2% 40°", ["3.2", "%", "40", "°"]),
        ("3D-принтер 4K 3Д", ["3D", "принтер", "4K", "3D"]),
        ("220В 20W 128Gb 5000 мАч", ["220", "в", "20", "вт", "128", "гб", "5000", "мач"]),
    ],
)
def test_units(text: str, expected: list[str]) -> None:
    assert words(text, "units") == expected


@pytest.mark.parametrize(
    "text",
    ["mp3 A4 XX-200", "10-летний", "3в1", "12 в подарок", "2 L", "300 мг/л", "1.2.3", "12345678901 г", "5 гвоздей"],
)
def test_what_is_no_amount_stays(text: str) -> None:
    assert words(text, "units") == words(text)


def test_a_preposition_behind_a_range_is_kept() -> None:
    assert words("10-12 в ряд", "units") == ["10-12", "в", "ряд"]


@given(st.text(alphabet="0123456789.,xх-– гкл%мшт°D/", max_size=30))
def test_pieces_and_measures_hold_every_digit(text: str) -> None:
    """Where nothing is converted, cutting loses and adds no number."""
    if "к" in text or "л" in text or "000" in text:
        return
    digits = [c for piece, measure in split_measures(text) for part in (piece, *measure) for c in part if c.isdigit()]
    assert len(digits) <= sum(map(str.isdigit, text))
    assert [c for c in digits if c != "0"] == [c for c in text if c.isdigit() and c != "0"]


# --- abbreviations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Футболка муж. х/б", "Футболка мужской хлопок"),
        ("Куртка ЖЕН.,п/э", "Куртка женский полиэстер"),
        ("Колбаса с/к в/с.", "Колбаса сырокопчёный высший сорт"),
        ("Пиво б/а ж/б", "Пиво безалкогольный жестяная банка"),
        ("Крем д/лица б/отдушек", "Крем для лица без отдушек"),
        ("Мука в/c", "Мука высший сорт"),  # with a Latin c
        ("2 уп. дет.пюре", "2 упаковка детский пюре"),
        ("телефон б/у", "телефон бывший в употреблении"),
    ],
)
def test_abbreviations(text: str, expected: str) -> None:
    assert " ".join(words(text, "abbreviations")) == expected


@pytest.mark.parametrize(
    "text", ["муж и жена", "c/c", "44/46", "и/или", "х/б/у", "т.д. и т.п.", "мг/л", "д/п", "ах/б", "а-муж.", "1/уп."]
)
def test_other_dots_and_slashes_stay(text: str) -> None:
    assert write_out(text) == text


def test_the_table_can_be_found_as_it_is_written() -> None:
    for mark, meaning in DOTTED.items():
        assert words(f"a {mark}. b", "abbreviations") == ["a", *meaning.split(), "b"]
        assert words(f"a {mark} b", "abbreviations") == words(f"a {mark} b")
    for mark, meaning in SLASHED.items():
        assert words(f"a {mark} b", "abbreviations") == ["a", *words(meaning), "b"]
    for mark, meaning in PREFIXES.items():
        assert words(f"a {mark}/лица b", "abbreviations") == ["a", meaning, "лица", "b"]


# --- brands and hyphens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nestlé L'Oréal Häagen", ["Nestle", "LOreal", "Haagen"]),
        ("O’Neill O'Neill ONeill", ["ONeill"] * 3),
        ("Lay`s Lay's", ["Lay", "Lay"]),
        ("Пр!ст M&M's H&M", ["Пр!ст", "M&M", "H&M"]),
        ("томаты&чеснок Wow! Да!нет", ["томаты", "чеснок", "Wow", "Да!нет"]),
        ("КокаКола CoolCola", ["Кока", "Кола", "Cool", "Cola"]),
        ("iPhone КотоПёс MacBook YouTube ёлкой Й", ["iPhone", "КотоПёс", "MacBook", "YouTube", "ёлкой", "Й"]),
    ],
)
def test_brands(text: str, expected: list[str]) -> None:
    assert words(text, "brands") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("юбка-шорты тёмно-синие Coca-Cola", ["юбка", "шорты", "тёмно", "синие", "Coca", "Cola"]),
        ("USB-кабель XX-200", ["USB", "кабель", "XX", "200"]),
        ("T-shirt X-образный e-mail", ["T-shirt", "X-образный", "e-mail"]),
    ],
)
def test_hyphens(text: str, expected: list[str]) -> None:
    assert words(text, "hyphens") == expected


def test_ways_to_write_a_brand_meet() -> None:
    kitchen = TextKitchen(TextKitchenConfig(steps=("lookalikes", "brands", "hyphens")))
    with_cyrillic = "C\N{CYRILLIC SMALL LETTER O}ca-Col\N{CYRILLIC SMALL LETTER A}"
    ways = ("Coca-Cola", "COCA COLA", "coca cola", "CocaCola", with_cyrillic)
    assert {kitchen.fields(Product(title=way)).title for way in ways} == {("coca", "cola")}


# --- laws

PURE: dict[str, Callable[[str], object]] = {
    "html": drop_leftovers,
    "lookalikes": own_alphabet,
    "abbreviations": write_out,
    "names": plain_names,
}
PIECES = ("&amp;", "quot;", "&nbsp", "муж.", "х/б", "д/", "лица", "Mолоко", "L'O", "é", " ", "-", "\\n")
TEXTS = (
    st.text(max_size=40)
    | st.text(alphabet="аб уэcоHН/.-'`&;nd\\", max_size=40)
    | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
)


@pytest.mark.parametrize("name", list(PURE))
@given(text=TEXTS)
def test_a_step_done_twice_is_done_once(name: str, text: str) -> None:
    step = PURE[name]
    once = step(text)
    assert isinstance(once, str)
    assert step(once) == once


@given(st.text(max_size=20))
def test_parts_of_words_have_no_parts(word: str) -> None:
    for split, sign in ((split_hyphens, "-"), (split_capitals, "")):
        parts = split(word)
        assert sign.join(parts) == word
        assert [part for one in parts for part in split(one)] == parts


@given(TEXTS)
def test_all_steps_take_everything(text: str) -> None:
    for word in words(text, *ALL):
        assert word
        assert not any(map(str.isspace, word))

"""Every lemmatizer keeps one contract; the Russian ones run for real where [ru] is installed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.config.text import LemmasName
from multimodal.data.sample.catalog import draw_rows
from multimodal.errors import ConfigError, MissingExtraError
from multimodal.protocols import Lemmatizer
from multimodal.text import TextKitchen, TextKitchenConfig, get_lemmatizer, normalise, tokenise
from multimodal.text.dictionary import LONGEST
from multimodal.text.lemmas import LEMMATIZERS
from multimodal.types import Product

RU = ("pymorphy3", "pymorphy3_dicts_ru", "natasha", "slovnet")
TITLES = (
    "Красные кожаные туфли на каблуке, размеры 37-39",
    "Чехлы для телефонов Samsung чёрного цвета",
    "Мыла детские с ромашкой без отдушек 3 штуки",
    "Тёмно-синие джинсы мужские зимние тёплые",
    "Women's running shoes Nike Air Max",
    "USB-кабели и 3D-очки для игр",
    "Стекло защитное, стекла тонированные, стали нержавеющей",
    "Платье",
    "42",
    "",
)
"""Texts of several lengths, so that a batch has gaps and padding to get wrong."""


@cache
def lemmatizer(name: LemmasName) -> Lemmatizer:
    if name != "none":
        for package in RU:
            pytest.importorskip(package, reason="needs the [ru] extra")
    return get_lemmatizer(name)


@pytest.fixture(params=get_args(LemmasName))
def name(request: pytest.FixtureRequest) -> LemmasName:
    found: LemmasName = request.param
    lemmatizer(found)
    return found


def tokens_of(titles: tuple[str, ...]) -> list[list[str]]:
    return [tokenise(normalise(title)) for title in titles]


def words() -> st.SearchStrategy[str]:
    russian = st.text(alphabet="абвгдеёжзийлмнорстяАЁ-", min_size=1, max_size=12)
    return st.sampled_from([w for text in tokens_of(TITLES) for w in text]) | russian | st.text(min_size=1, max_size=8)


def test_the_names_are_those_of_the_configuration() -> None:
    assert tuple(LEMMATIZERS) == get_args(LemmasName)
    with pytest.raises(ConfigError, match=r"unknown lemmatizer 'tager'; expected one of none.*Did you mean 'tagger'"):
        get_lemmatizer("tager")


def test_it_keeps_the_protocol(name: LemmasName) -> None:
    assert isinstance(lemmatizer(name), Lemmatizer)
    assert lemmatizer(name).name == name


def test_as_many_out_as_in_and_lower_case(name: LemmasName) -> None:
    texts = tokens_of(TITLES)
    found = lemmatizer(name).lemmas_of(texts)
    assert [len(lemmas) for lemmas in found] == [len(tokens) for tokens in texts]
    for lemma in (one for lemmas in found for one in lemmas):
        assert lemma
        assert lemma == lemma.casefold()
        assert "ё" not in lemma
    assert lemmatizer(name).lemmas_of([]) == []


@settings(max_examples=60)
@given(data=st.data())
def test_a_text_does_not_depend_on_its_batch(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.lists(words(), max_size=12), max_size=8))
    for each in get_args(LemmasName):
        lemmas = lemmatizer(each)
        assert lemmas.lemmas_of(texts) == [lemmas.lemmas(tokens) for tokens in texts]


def test_a_long_batch_is_its_texts(name: LemmasName) -> None:
    """Several passes of a model, cut anywhere between the texts."""
    rng = np.random.default_rng(4)
    pool = [w for text in tokens_of(TITLES) for w in text]
    texts = [[pool[i] for i in rng.integers(0, len(pool), rng.integers(0, 30))] for _ in range(200)]
    assert lemmatizer(name).lemmas_of(texts) == [lemmatizer(name).lemmas(tokens) for tokens in texts]


def test_it_can_be_shared_by_threads(name: LemmasName) -> None:
    texts = tokens_of(TITLES) * 3
    expected = get_lemmatizer(name).lemmas_of(texts)
    fresh = get_lemmatizer(name)  # its caches are empty: the threads fill them together
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fresh.lemmas_of, [texts] * 8)) == [expected] * 8


def test_lemmas_of_lemmas_are_mostly_themselves(name: LemmasName) -> None:
    """Not always: a lemma may be a form of another word too (мыло: soap, or washed)."""
    titles = [row.product.title or "" for row in draw_rows(80, seed=3)]
    words = sorted({word for title in titles for word in tokenise(normalise(title))})
    once = [lemmatizer(name).lemmas([word])[0] for word in words]
    twice = [lemmatizer(name).lemmas([lemma])[0] for lemma in once]
    assert np.mean([a == b for a, b in zip(once, twice, strict=True)]) >= 0.95


@pytest.mark.parametrize("name", ["dictionary", "tagger"])
def test_forms_of_a_word_meet(name: LemmasName) -> None:
    forms = ("футболка", "футболки", "Футболкой", "ФУТБОЛКУ")
    assert {lemmatizer(name).lemmas([form])[0] for form in forms} == {"футболка"}
    assert lemmatizer(name).lemmas(["Тёплые", "зелёные", "куртки"]) == ["теплый", "зеленый", "куртка"]


@pytest.mark.parametrize("name", ["dictionary", "tagger"])
def test_hyphens_and_other_scripts(name: LemmasName) -> None:
    tokens = ["Тёмно-синие", "юбки-шорты", "USB-кабели", "Shoes", "300г", "İğne", "сукні", "O'Neill"]
    expected = ["темно-синий", "юбка-шорты", "usb-кабель", "shoes", "300г", "i̇ğne", "сукні", "o'neill"]
    assert lemmatizer(name).lemmas(tokens) == expected


@pytest.mark.parametrize("name", ["dictionary", "tagger"])
def test_what_is_too_long_for_a_word_is_folded(name: LemmasName) -> None:
    long = "Футболками" * 5
    assert len(long) > LONGEST
    assert lemmatizer(name).lemmas([long, "Футболками"]) == [long.casefold(), "футболка"]


def test_the_tagger_looks_at_the_neighbours() -> None:
    """«пила» is a saw, or drank; a dictionary answers alike in both texts."""
    tagger, dictionary = lemmatizer("tagger"), lemmatizer("dictionary")
    saw, drank = ["Пила", "для", "дерева"], ["Кошка", "пила", "молоко"]
    assert (tagger.lemmas(saw)[0], tagger.lemmas(drank)[1]) == ("пила", "пить")
    assert dictionary.lemmas(saw)[0] == dictionary.lemmas(drank)[1]


def test_scores_do_not_see_the_texts_beside() -> None:
    """A gap between two texts of a pass is to the model what the end of a text is, but for rounding."""
    lemmatizer("tagger")
    from multimodal.text.tagger import _shared

    texts = [tokens for tokens in tokens_of(TITLES) if tokens]
    together, start = _shared()._scores(texts), 0
    for tokens in texts:
        alone = _shared()._scores([tokens])
        np.testing.assert_allclose(together[start : start + len(tokens)], alone, rtol=0, atol=1e-4)
        start += len(tokens) + 1


def test_a_near_tie_is_settled_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a threshold so wide that all words are close, every text takes the way of a text by itself."""
    lemmatizer("tagger")
    from multimodal.text import tagger

    passes: list[int] = []
    original = tagger._Model._scores

    def counted(model: tagger._Model, texts: list[list[str]]) -> npt.NDArray[np.float32]:
        passes.append(len(texts))
        return original(model, texts)

    monkeypatch.setattr(tagger, "_CLOSE", 1e6)
    monkeypatch.setattr(tagger._Model, "_scores", counted)
    tagger.TaggerLemmas().lemmas_of(tokens_of(TITLES[:3]))
    assert passes == [3, 1, 1, 1]


@pytest.mark.parametrize(("name", "package"), [("dictionary", p) for p in RU[:2]] + [("tagger", p) for p in RU])
def test_a_missing_package_names_the_extra(name: LemmasName, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lemmatizer(name)
    from multimodal.text import dictionary, tagger

    dictionary.analyzer.cache_clear()
    monkeypatch.setattr(tagger, "_models", [])
    for module in [m for m in sys.modules if m.partition(".")[0] in RU]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"'{name}' needs.*\[ru\].*pip install 'multimodal\[ru\]'") as error:
        TextKitchen(TextKitchenConfig(lemmas=name))
    assert error.value.extra == "ru"


def test_nothing_russian_is_imported_until_a_kitchen_asks(name: LemmasName) -> None:
    code = (
        "import sys; from multimodal.text import TextKitchen, TextKitchenConfig as C; TextKitchen();"
        f"early = {{m.partition('.')[0] for m in sys.modules}} & set({RU!r});"
        f"TextKitchen(C(lemmas={name!r}));"
        f"print(sorted(early), sorted({{m.partition('.')[0] for m in sys.modules}} & set({RU!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    late = {"none": [], "dictionary": sorted(RU[:2]), "tagger": sorted(RU)}[name]
    assert done.stdout.strip() == f"[] {late}"


def test_a_kitchen_with_lemmas_travels_to_workers(name: LemmasName) -> None:
    kitchen = TextKitchen(TextKitchenConfig(lemmas=name))
    copy = pickle.loads(pickle.dumps(kitchen))
    rows = [Product(title=title) for title in TITLES]
    assert copy.fields_of(rows) == kitchen.fields_of(rows) == [kitchen.fields(row) for row in rows]

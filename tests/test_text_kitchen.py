"""From products to hashed features: cleaning, tokens, caps, hashes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from typing import get_args
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from multimodal.config.models import NgramsConfig, TextConfig
from multimodal.config.text import LemmasName, StepName
from multimodal.errors import InputError, MissingExtraError
from multimodal.text import TextFields, TextKitchen, TextKitchenConfig, normalise, tokenise
from multimodal.text.hashing import TokenHashes, char_hashes, follow
from multimodal.types import Product, TextFeatures

KITCHEN = TextKitchen()
PRODUCT = Product(
    title="Nike Men's T-shirt, Ёлка 300г",
    description="<b>Soft&nbsp;cotton</b> shirt",
    characteristics="Цвет: тёмно-синий | белый / Состав: хлопок 95%",
)


def texts() -> st.SearchStrategy[str]:
    return st.text(max_size=40) | st.text(alphabet="ab- ё1,'<>&;\ud800\u200b🙂", max_size=40)


def products() -> st.SearchStrategy[Product]:
    optional = st.none() | texts()
    pairs = (
        st.none() | texts() | st.dictionaries(st.text(max_size=4), st.lists(texts(), max_size=2), max_size=3)
    )
    return st.builds(Product, title=optional, description=optional, characteristics=pairs)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  Nike\t\nShirt ", "Nike Shirt"),
        ("Tom &amp; Jerry&#39;s <br/>mug", "Tom & Jerry's mug"),
        ("ｆｕｌｌ ｗｉｄｔｈ №5 ½", "full width No5 1⁄2"),
        ("a\u200bb\u00adc\ufeff\x00d", "abcd"),
        ("\ud800x\udfff", "x"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("e\u0301te\u0301", "été"),
        ("\u3164\u115f", ""),
        ("", ""),
    ],
)
def test_normalise(text: str, clean: str) -> None:
    assert normalise(text) == clean


@given(texts())
def test_normalise_takes_everything_and_its_result_can_be_encoded(text: str) -> None:
    clean = normalise(text)
    clean.encode("utf-8")
    assert clean == " ".join(clean.split())
    assert not any(c in clean for c in "\t\n\u200b\x00")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("T-shirt iPhone 300г 3,2% 0.5 л", ["T-shirt", "iPhone", "300", "г", "3.2", "0.5", "л"]),
        ("mp3 A4 2x4 XX-200 30-50", ["mp3", "A4", "2", "x4", "XX-200", "30", "50"]),
        ("Men's women’s O'Neill", ["Men", "women", "O'Neill"]),
        ("🙂❤️ ok 👍🏽 ©™", ["ok"]),
        ("blue_shirt -- ... -a-", ["blue", "shirt", "a"]),
        ("हिन्दी ชุดเดรส 日本語", ["हिन्दी", "ชุดเดรส", "日本語"]),
        ("", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokenise(text) == tokens


def test_razdel_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "razdel", None)
    with pytest.raises(MissingExtraError, match=r"\[ru\].*pip install"):
        TextKitchen(TextKitchenConfig(tokenizer="razdel"))
    with pytest.raises(ValueError, match="expected 'regex' or 'razdel'"):
        tokenise("x", "words")


def test_razdel_leaves_punctuation_out() -> None:
    pytest.importorskip("razdel", reason="needs the [ru] extra")
    assert tokenise("Кукла, 30 см!", "razdel") == ["Кукла", "30", "см"]


def test_settings_come_from_the_run_configuration() -> None:
    ngrams = NgramsConfig(word_ngrams=1, char_min=3, char_max=4)
    config = TextConfig(ngrams=ngrams, lemmas="dictionary", steps=("units", "html"))
    assert TextKitchenConfig.from_text_config(config) == TextKitchenConfig(
        word_ngrams=1, char_min=3, char_max=4, lemmas="dictionary", steps=("html", "units")
    )
    with pytest.raises(ValidationError, match="char_max 2 is below char_min 3"):
        TextKitchenConfig(char_min=3, char_max=2)


def test_a_manifest_written_before_the_steps_gives_the_kitchen_of_then() -> None:
    old = {"tokenizer": "regex", "lemmas": "none", "word_ngrams": 2, "char_min": 2, "char_max": 5}
    assert TextKitchenConfig.model_validate(old) == TextKitchenConfig()
    assert TextKitchen.VERSION == 1  # raised whenever the defaults give other features
    new = TextKitchenConfig(steps=("units",), lemmas="tagger")
    assert TextKitchenConfig.model_validate_json(new.model_dump_json()) == new


def test_a_kitchen_says_which_extras_it_needs() -> None:
    assert TextKitchenConfig(steps=("units",)).extras == ()
    for config in (TextKitchenConfig(tokenizer="razdel"), TextKitchenConfig(lemmas="dictionary")):
        assert config.extras == ("ru",)


@pytest.mark.parametrize("steps", [("units", "units"), ("emoji",)])
def test_steps_that_do_not_exist_or_stand_twice_are_refused(steps: tuple[StepName, ...]) -> None:
    with pytest.raises(ValidationError, match="steps"):
        TextKitchenConfig(steps=steps)
    with pytest.raises(ValidationError, match="steps"):
        TextConfig(steps=steps)


def test_fields() -> None:
    fields = KITCHEN.fields(PRODUCT)
    assert fields.title == ("nike", "men", "t-shirt", "елка", "300", "г")
    assert fields.description == ("soft", "cotton", "shirt")
    assert fields.characteristics == (
        ("цвет", ("темно-синий",)),
        ("цвет", ("белый",)),
        ("состав", ("хлопок", "95")),
    )
    assert fields.present == {"title", "description", "characteristics"}
    assert fields.warnings == ()
    assert fields.title_words == ("Nike", "Men", "T-shirt", "Ёлка", "300", "г")
    assert fields.description_words == ("Soft", "cotton", "shirt")
    assert fields.characteristic_words == (("тёмно-синий",), ("белый",), ("хлопок", "95"))


@given(products())
def test_every_lemma_has_its_word(product: Product) -> None:
    kitchen = TextKitchen(TextKitchenConfig(steps=get_args(StepName)))
    for fields in (KITCHEN.fields(product), kitchen.fields(product)):
        assert [word.casefold().replace("ё", "е") for word in fields.title_words] == list(fields.title)
        assert len(fields.description_words) == len(fields.description)
        lengths = [len(value) for _, value in fields.characteristics]
        assert list(map(len, fields.characteristic_words)) == lengths


@settings(max_examples=60)
@given(st.lists(products() | st.just(Product(title="x" * 1_001)), max_size=6))
def test_products_are_read_together_as_they_are_one_at_a_time(rows: list[Product]) -> None:
    assert [told(found) for found in KITCHEN.fields_of(rows)] == [told(alone(row)) for row in rows]


def alone(product: Product) -> TextFields | InputError:
    try:
        return KITCHEN.fields(product)
    except InputError as error:
        return error


def told(found: TextFields | InputError) -> object:
    return (found.code, found.message) if isinstance(found, InputError) else found


def test_an_error_stands_in_its_row() -> None:
    rows = [PRODUCT, Product(title="x" * 1_001), Product(title=b"x"), Product(title="Nike")]  # type: ignore[arg-type]
    first, long, odd, last = KITCHEN.fields_of(rows)
    assert isinstance(long, InputError)
    assert isinstance(odd, InputError)
    assert (long.code, odd.code) == ("title_too_long", "not_text")
    assert (first, last) == (KITCHEN.fields(PRODUCT), KITCHEN.fields(Product(title="Nike")))


@pytest.mark.parametrize("title", ["🙂🙂", "\x00\x01", "\u200b", "!!!", "<br>"])
def test_a_title_without_a_token_is_absent_with_a_warning(title: str) -> None:
    fields = KITCHEN.fields(Product(title=title))
    assert fields.present == frozenset()
    assert "no word or number" in fields.warnings[0]


@pytest.mark.parametrize("title", [None, "", "  ", float("nan")])
def test_no_title_is_no_warning(title: str | None) -> None:
    assert KITCHEN.fields(Product(title=title)) == TextFields()


def test_numbers_in_text_columns_are_text() -> None:
    product = Product(title=501, description=1.5, characteristics=float("nan"))  # type: ignore[arg-type]
    assert KITCHEN.fields(product) == TextFields(
        ("501",), ("1.5",), (), frozenset({"title", "description"}), (), ("501",), ("1.5",)
    )


@pytest.mark.parametrize(
    ("field", "cap", "value"),
    [
        ("title", 1_000, "a" * 1_001),
        ("description", 20_000, "a" * 20_001),
        ("characteristics", 20_000, "a" * 20_001),
        ("characteristics", 20_000, {"a": "b" * 19_998}),
    ],
)
def test_caps(field: str, cap: int, value: object) -> None:
    with pytest.raises(
        InputError, match=rf"{field}: got {cap + 1:,} characters, expected at most {cap:,}"
    ) as error:
        KITCHEN.fields(Product(**{field: value}))  # type: ignore[arg-type]
    assert error.value.code == f"{field}_too_long"
    at_cap = {"a": "b" * 19_997} if isinstance(value, dict) else "a" * cap
    assert KITCHEN.fields(Product(**{field: at_cap})).present == {field}  # type: ignore[arg-type]


def test_golden_features() -> None:
    features = KITCHEN.features([KITCHEN.fields(PRODUCT)])
    assert len(features.hashes) == 160
    assert crc32(features.hashes.astype("<u4").tobytes()) == 227211439  # trained tables depend on it
    assert np.bincount(features.fields).tolist() == [88, 5, 67]


def test_features_by_hand() -> None:
    kitchen = TextKitchen(TextKitchenConfig(word_ngrams=3, char_max=0))
    features = kitchen.features([TextFields(("a", "b", "c"), ("a", "b"), (("n", ("a", "b")),))])
    a, b, c = (crc32(w, crc32(b"t")) for w in (b"a", b"b", b"c"))
    assert features.hashes[:3].tolist() == [a, b, c]
    ab = follow(np.array([a], np.uint32), np.array([b], np.uint32))
    assert features.hashes[3] == ab[0]
    assert features.hashes[5] == follow(ab, np.array([c], np.uint32))[0]
    assert features.tokens.tolist() == [0, 1, 2, 0, 1, 0, 3, 4, 3, 5, 6, 7, 6, 7]
    assert features.fields.tolist() == [0] * 6 + [1] * 3 + [2] * 5
    assert features.hashes[9] == crc32(b"n=a b", crc32(b"p"))
    assert len(set(features.hashes.tolist())) == len(features.hashes)  # fields and kinds stay apart


@pytest.mark.parametrize("lemmas", ["dictionary", "tagger"])
def test_words_are_lemmas_and_letters_are_as_written(lemmas: LemmasName) -> None:
    pytest.importorskip("natasha", reason="needs the [ru] extra")
    kitchen = TextKitchen(TextKitchenConfig(lemmas=lemmas, word_ngrams=2))
    product = Product(title="Красные футболки", characteristics={"вид": "футболки"})
    features = kitchen.features([kitchen.fields(product)])
    words = TextKitchen(TextKitchenConfig(char_max=0))
    found = Product(title="красный футболка")
    letters = KITCHEN.features([KITCHEN.fields(product)])
    plain = words.features([words.fields(Product(title=product.title))])
    expected = {
        *words.features([words.fields(found)]).hashes.tolist(),
        *(set(letters.hashes[letters.fields == 0].tolist()) - set(plain.hashes.tolist())),
    }
    assert set(features.hashes[features.fields == 0].tolist()) == expected
    value = [crc32("вид=футболка".encode(), crc32(prefix)) for prefix in (b"p", b"c")]
    assert features.hashes[features.fields == 2][:2].tolist() == value
    grams = {int(h) for h in char_hashes(["футболки"], 3, 5, 64)[0]}
    assert set(features.hashes[features.fields == 2][2:].tolist()) == grams


def test_character_ngrams_by_hand() -> None:
    one, two = char_hashes(["ab", "q"], 2, 3, 0)
    assert len(one) == len(["<a", "<ab", "ab", "ab>", "b>"])
    assert len(two) == len(["<q", "<q>", "q>"])
    assert len(char_hashes(["ab"], 1, 2, 0)[0]) == len(["<a", "a", "ab", "b", "b>"])
    alone = char_hashes(["q"], 2, 8, 0)[0]
    np.testing.assert_array_equal(alone, two)
    shared = set(char_hashes(["shirt"], 3, 3, 0)[0]) & set(char_hashes(["shirts"], 3, 3, 0)[0])
    assert len(shared) == len(["<sh", "shi", "hir", "irt"])
    assert not set(char_hashes(["shirt"], 3, 5, 0)[0]) & set(char_hashes(["shirt"], 3, 5, 64)[0])


@given(
    st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=4), st.integers(1, 3), st.integers(3, 8)
)
def test_character_ngrams_against_one_at_a_time(tokens: list[str], shortest: int, longest: int) -> None:
    def scalar(gram: str) -> int:
        h = 0
        for character in gram:
            h = (h * 0x01000193 + ord(character)) % 2**32
        h ^= (len(gram) + 7) * 0x9E3779B1 % 2**32
        h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
        h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
        return h ^ h >> 16

    for token, hashes in zip(tokens, char_hashes(tokens, shortest, longest, 7), strict=True):
        text = f"<{token}>"
        grams = [
            text[i : i + n]
            for i in range(len(text))
            for n in range(shortest, min(longest, len(text) - i) + 1)
        ]
        if shortest == 1:  # the first and the last are lone boundary markers
            grams = grams[1:-1]
        assert hashes.tolist() == [scalar(g) for g in grams]


@settings(max_examples=60)
@given(st.lists(products(), max_size=6))
def test_a_batch_is_its_singles(rows: list[Product]) -> None:
    fields = [KITCHEN.fields(row) for row in rows]
    batch = KITCHEN.features(fields)
    assert len(batch) == len(rows)
    fresh = TextKitchen()  # an empty cache gives the same
    for i, one in enumerate(fields):
        single = fresh.features([one])
        part = slice(batch.offsets[i], batch.offsets[i + 1])
        for name in ("hashes", "tokens", "fields"):
            np.testing.assert_array_equal(getattr(batch, name)[part], getattr(single, name))
        assert (len(single.hashes) > 0) == bool(one.present)


def test_nothing_at_all() -> None:
    for empty in (KITCHEN.features([]), KITCHEN.features([TextFields(), TextFields()])):
        assert isinstance(empty, TextFeatures)
        assert len(empty.hashes) == 0
    assert len(KITCHEN.features([])) == 0


def test_the_cache_is_bounded_and_forgets_nothing_it_computes() -> None:
    cache = TokenHashes(b"t", 2, 5, 0, bound=20)
    words = [f"w{i}" for i in range(100)]
    first = cache.get(words)
    assert len(cache) <= 20
    for again, hashes in zip(cache.get(words), first, strict=True):
        np.testing.assert_array_equal(again, hashes)
    before = len(cache)
    cache.get(["x" * 500])
    assert len(cache) == before


def test_hashes_are_the_same_in_another_process() -> None:
    code = (
        "import sys;from multimodal.text import *;from multimodal.types import Product;k=TextKitchen();"
        "f=k.features([k.fields(Product(title='Nike Ёлка 300г'))]);sys.stdout.write(f.hashes.tobytes().hex())"
    )
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    out = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert out == KITCHEN.features([KITCHEN.fields(Product(title="Nike Ёлка 300г"))]).hashes.tobytes().hex()


def test_a_kitchen_travels_to_workers() -> None:
    copy = pickle.loads(pickle.dumps(KITCHEN))
    assert copy.config == KITCHEN.config
    assert copy.fields(PRODUCT) == KITCHEN.fields(PRODUCT)


@pytest.mark.parametrize(
    "unit",
    ["<a", "&amp", "\u0345\u0300", "ﷺ", "a-", "1,", "'s ", "\u200b", "<!--", "1х", "1 000", "х/", "aа", "a&", "Аа"],
)
@pytest.mark.parametrize("steps", [(), get_args(StepName)], ids=["plain", "all steps"])
def test_hostile_texts_take_no_time(unit: str, steps: tuple[StepName, ...]) -> None:
    text = (unit * 20_000)[:20_000]
    kitchen = TextKitchen(TextKitchenConfig(steps=steps))
    start = time.process_time()
    kitchen.features([kitchen.fields(Product(title=text[:1_000], description=text, characteristics=text))])
    assert time.process_time() - start < 3  # quadratic patterns take far longer

"""Bad rows of every kind through the predictor: each costs itself alone, and no neighbour's answer moves."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import photos
from api_support import BUNDLE
from multimodal.serving import Predictor
from multimodal.serving.core import STRANGER
from multimodal.types import INPUTS, Answer, ImageRef, Prediction, Product, RowError
from predictor_support import same_answer

pytestmark = [
    pytest.mark.skipif(not (BUNDLE / "manifest.json").exists(), reason="artifacts/fashion is not in this checkout"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

TITLE = "Women red floral dress"
PHOTO = ImageRef(data=photos.encoded())
MISSING: list[Any] = [
    None, float("nan"), np.float32("nan"), np.float64("nan"), Decimal("NaN"), pd.NA, pd.NaT, float("inf"), "", " \n",
]  # fmt: skip
NUMBERS: list[Any] = [
    501, 501.0, np.int64(501), np.float32(501), Decimal(501), 0, True, np.bool_(True), date(2024, 5, 1),
]  # fmt: skip
NO_TEXT: list[Any] = [b"dress", ["dress"], {"a": "dress"}, object(), np.array(["a", "b"]), 1j]
BROKEN_PHOTOS = {
    "truncated": ImageRef(data=photos.encoded(photos.noise())[:3000]),
    "empty": ImageRef(data=b""),
    "huge": ImageRef(data=photos.png_with_size(10_000, 6_000)),
    "no photo": ImageRef(data=b"%PDF-1.7"),
    "missing": ImageRef(path="nowhere/at/all.jpg"),
    "an address": ImageRef(path="https://example.org/a.jpg"),
}


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor(BUNDLE, threads=1)


def _ask(predictor: Predictor, **fields: Any) -> Answer:
    [answer] = predictor.classify([Product(**fields)])
    return answer


# --- values of tables and callers


@pytest.mark.parametrize("field", ["title", "characteristics", "description"])
@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_missing_values_are_absent(shipped: Predictor, field: str, value: Any) -> None:
    photo = _ask(shipped, image=PHOTO)
    assert _ask(shipped, image=PHOTO, **{field: value}) == photo
    alone = _ask(shipped, **{field: value})
    assert isinstance(alone, RowError)
    assert alone.code == "nothing_usable"


@pytest.mark.parametrize("value", [*MISSING[:7]], ids=repr)
def test_missing_photos_are_absent(shipped: Predictor, value: Any) -> None:
    assert _ask(shipped, title=TITLE, image=value) == _ask(shipped, title=TITLE)


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_numbers_are_written_out(shipped: Predictor, value: Any) -> None:
    text = "501" if value == 501 else str(value)
    for field in ("title", "characteristics"):
        fields = {"title": TITLE, field: value}
        same_answer(_ask(shipped, **fields), _ask(shipped, **{**fields, field: text}))


@pytest.mark.parametrize("field", ["title", "description"])
@pytest.mark.parametrize("value", NO_TEXT, ids=lambda value: type(value).__name__)
def test_what_is_no_text_costs_its_row_or_is_not_used(shipped: Predictor, field: str, value: Any) -> None:
    good = Product(title=TITLE)
    before, answer, after = shipped.classify([good, Product(**{"title": "x", field: value}), good])
    if field in shipped.inputs:
        assert isinstance(answer, RowError)
        assert (answer.row, answer.stage, answer.code) == (1, "text", "not_text")
        assert f"{field}: got {type(value).__name__}, expected text or a number" in answer.message
    else:
        assert isinstance(answer, Prediction | RowError)
    same_answer(after, replace(before, row=2))


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["plus", "minus"])
def test_endless_numbers_cost_their_row(shipped: Predictor, value: int) -> None:
    for fields in ({"title": value}, {"characteristics": {"year": value}}, {"characteristics": value}):
        answer = _ask(shipped, **fields)
        assert isinstance(answer, RowError)
        assert answer.code == f"{next(iter(fields))}_too_long"


@pytest.mark.parametrize("value", [b"\xff\xd8\xff", "photo.jpg", 5, np.zeros((2, 2)), Path("a.jpg")], ids=repr)
def test_a_photo_that_is_no_reference_says_how_to_give_one(shipped: Predictor, value: Any) -> None:
    alone = _ask(shipped, image=value)
    assert isinstance(alone, RowError)
    assert (alone.stage, alone.code) == ("image", "not_an_image")
    assert "ImageRef(data=...)" in alone.message
    beside = _ask(shipped, title=TITLE, image=value)
    assert isinstance(beside, Prediction)
    assert beside.warnings[0].startswith("the photo was left out: got ")


# --- photos


@pytest.mark.parametrize("mode", photos.MODES)
def test_every_mode_answers(shipped: Predictor, mode: str) -> None:
    answer = _ask(shipped, image=ImageRef(data=photos.in_mode(mode)[0]))
    assert isinstance(answer, Prediction)
    assert answer.used == "image"
    assert set(answer.warnings) <= {STRANGER}  # these are no photos of products


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_is_its_first_frame(shipped: Predictor, kind: str) -> None:
    first = photos.encoded(photos.Image.new("RGB", (40, 30), photos.RED), kind)
    moving, still = (_ask(shipped, image=ImageRef(data=d)) for d in (photos.animated(kind), first))
    assert isinstance(moving, Prediction)
    assert isinstance(still, Prediction)
    assert moving.suggestions[0].probability == pytest.approx(still.suggestions[0].probability, abs=0.1)


def test_a_photo_turned_by_exif_answers_as_the_upright_one(shipped: Predictor) -> None:
    turned = photos.picture(60, 80).transpose(photos.Image.Transpose.ROTATE_90)
    exif = photos.Image.Exif()
    exif[0x0112] = 6
    upright, lying = photos.encoded(kind="PNG"), photos.encoded(turned, "PNG", exif=exif)
    same_answer(_ask(shipped, image=ImageRef(data=lying)), _ask(shipped, image=ImageRef(data=upright)))


@pytest.mark.parametrize("name", BROKEN_PHOTOS)
def test_a_broken_photo_is_told_alone_and_left_out_beside_text(shipped: Predictor, name: str) -> None:
    photo = BROKEN_PHOTOS[name]
    alone, beside = _ask(shipped, id=1, image=photo), _ask(shipped, id=1, title=TITLE, image=photo)
    assert isinstance(alone, RowError)
    assert (alone.id, alone.stage) == (1, "image")
    assert isinstance(beside, Prediction)
    assert any(alone.message in warning for warning in beside.warnings)
    same_answer(beside, replace(_ask(shipped, id=1, title=TITLE), warnings=beside.warnings))  # type: ignore[type-var]


def test_labels_and_groups_change_nothing(shipped: Predictor) -> None:
    plain = _ask(shipped, title=TITLE)
    for label in ("no such category", "", "1129"):
        assert _ask(shipped, title=TITLE, category_id=label, group="g") == plain


# --- neighbours


def _pool() -> list[Product | RowError]:
    texts = ["red dress", "👗 платье dress", "Men's\x00 shoes", "!!", "👗", "x" * 1001, "a" * 1000, "ᚠᚢᚦ", "\u202e"]
    modes = ("1", "LA", "P clear", "CMYK jpeg", "F unit")
    made: list[Product | RowError] = [Product(id=f"t{i}", title=text) for i, text in enumerate(texts)]
    made += [Product(id=f"b{name}", image=photo) for name, photo in BROKEN_PHOTOS.items()]
    made += [Product(id=f"m{name}", title=TITLE, image=photo) for name, photo in BROKEN_PHOTOS.items()]
    made += [Product(id=m, image=ImageRef(data=photos.in_mode(m)[0])) for m in modes]
    made += [Product(id=f"n{i}", title=value, characteristics=value) for i, value in enumerate(MISSING)]
    made += [Product(id=f"w{i}", title=value) for i, value in enumerate(NO_TEXT)]
    made += [
        Product(),
        Product(id=0, title=TITLE, image=PHOTO, characteristics={"Colour": "red", "Year": 2012}),
        Product(id=0, title=TITLE, category_id="no such category"),
        Product(id="0", characteristics="Colour: red / Gender: women", image=PHOTO),
        Product(id="deep", characteristics={"a": [[[[[[[[[["x"]]]]]]]]]]}),
        RowError("unread", 3, "read", "ragged_row", "could not be read"),
    ]
    return made


POOL = _pool()


@pytest.fixture(scope="module")
def alone(shipped: Predictor) -> Iterator[list[Answer]]:
    """The answer to each row of the pool, asked by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield [shipped.classify([item])[0] for item in POOL]


@settings(max_examples=40)
@given(picked=st.lists(st.integers(0, len(POOL) - 1), max_size=20), batch=st.integers(1, 12))
def test_no_order_batch_or_broken_neighbour_changes_an_answer(
    shipped: Predictor, alone: list[Answer], picked: list[int], batch: int
) -> None:
    answers = list(shipped.stream((POOL[i] for i in picked), batch_size=batch))
    assert [(answer.row, answer.id) for answer in answers] == [(row, POOL[i].id) for row, i in enumerate(picked)]
    for row, (i, answer) in enumerate(zip(picked, answers, strict=True)):
        same_answer(answer, replace(alone[i], row=row))


@settings(max_examples=60)
@given(
    title=st.none() | st.text(max_size=80),
    characteristics=st.none()
    | st.text(max_size=80)
    | st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3),
    photo=st.none() | st.binary(max_size=60),
)
def test_any_row_gets_an_answer_or_its_own_error(
    shipped: Predictor, title: str | None, characteristics: Any, photo: bytes | None
) -> None:
    row = Product(
        id="odd", title=title, characteristics=characteristics, image=None if photo is None else ImageRef(data=photo)
    )
    first, answer, last = shipped.classify([Product(id="a", title=TITLE), row, Product(id="a", title=TITLE)])
    same_answer(last, replace(first, row=2))
    assert (answer.id, answer.row) == ("odd", 1)
    if isinstance(answer, Prediction):
        assert answer.used == "text"
        assert set(answer.missing) <= set(INPUTS)
        assert 0 <= answer.suggestions[0].probability <= 1
    else:
        assert answer.message
        assert answer.code in {"nothing_usable", "image_empty", "image_truncated", "image_unreadable"}

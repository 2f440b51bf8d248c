"""Rows the predictor can use in part or not at all: each is told apart, and costs nobody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from multimodal.errors import InputError
from multimodal.serving import Predictor
from multimodal.types import ImageRef, Prediction, Product, RowError
from predictor_support import BROKEN, UNKNOWN, answer_of, error_of, only, same_answer


def test_unreadable_photo_beside_text_is_left_out_and_said(predictor: Predictor, full: list[Product]) -> None:
    text = only(full[0], frozenset({"title", "characteristics"}))
    answer, plain = predictor.classify([replace(text, image=BROKEN), text])
    assert isinstance(answer, Prediction)
    assert isinstance(plain, Prediction)
    assert answer.used == "text"
    assert answer.missing == ("image",)
    assert len(answer.warnings) == 1
    assert answer.warnings[0].startswith("the photo was left out: ")
    assert "broken.jpg" in answer.warnings[0]
    same_answer(answer, replace(plain, row=0, warnings=answer.warnings))


def test_title_without_a_word_beside_a_photo_counts_as_absent_and_is_said(
    predictor: Predictor, full: list[Product]
) -> None:
    photo = only(full[0], frozenset({"image"}))
    for title in ("!!! ---", "\x00\x07\x1b"):
        answer = answer_of(predictor, replace(photo, title=title))
        assert answer.used == "image"
        assert answer.missing == ("title", "characteristics")
        assert any("the title has no word" in w for w in answer.warnings)


@pytest.mark.parametrize("title", [UNKNOWN, "ꙮꙮꙮꙮ", "ሀሁሂሃ ለሉሊ"])
def test_text_of_which_nothing_is_known_counts_as_absent(
    predictor: Predictor, full: list[Product], title: str
) -> None:
    photo = only(full[0], frozenset({"image"}))
    answer, plain = predictor.classify([replace(photo, title=title), photo])
    assert isinstance(answer, Prediction)
    assert isinstance(plain, Prediction)
    assert answer.used == "image"
    assert answer.missing == ("title", "characteristics")
    assert answer.warnings == ("nothing in the text is known to this bundle, so it counts as absent",)
    same_answer(answer, replace(plain, row=0, warnings=answer.warnings))
    alone = error_of(predictor, Product(id=7, title=title))
    assert (alone.id, alone.stage, alone.code) == (7, "predict", "nothing_usable")
    assert "Nothing in the text is known to this bundle" in alone.message


def test_known_words_beside_unknown_ones_are_enough(predictor: Predictor, full: list[Product]) -> None:
    answer = answer_of(predictor, Product(title=f"{UNKNOWN} {full[0].title} 😀"))
    assert (answer.used, answer.warnings) == ("text", ())


@pytest.mark.parametrize(
    ("product", "stage", "code", "said"),
    [
        (Product(id="a"), "predict", "nothing_usable", "expected at least one of: title, characteristics, image"),
        (Product(id="a", title="", characteristics=""), "predict", "nothing_usable", "Add a title"),
        (Product(id="a", title="😀 !!"), "predict", "nothing_usable", "The title has no word or number"),
        (Product(id="a", image=BROKEN), "image", "image_truncated", "broken.jpg"),
        (Product(id="a", title=UNKNOWN, image=BROKEN), "predict", "nothing_usable", "The photo was left out"),
        (Product(id="a", title="x" * 1001), "text", "title_too_long", "got 1,001 characters, expected at most 1,000"),
        (Product(id="a", title="x", characteristics="a: b / " * 3000), "text", "characteristics_too_long", "20,000"),
        (Product(id="a", description="a long story"), "predict", "nothing_usable", "does not use the description"),
        (Product(id="a"), "predict", "nothing_usable", "Add a title, characteristics or a photo."),
        (Product(id="a", title="x", description="a" * 20_001), "text", "description_too_long", "20,001 characters"),
    ],
)
def test_product_that_cannot_be_used(
    predictor: Predictor, product: Product, stage: str, code: str, said: str
) -> None:
    error = error_of(predictor, product)
    assert (error.id, error.row, error.stage, error.code) == ("a", 0, stage, code)
    assert said in error.message


def test_missing_photo_file_costs_its_row_alone(predictor: Predictor, full: list[Product], tmp_path: Path) -> None:
    gone = Product(id="gone", image=ImageRef(path=str(tmp_path / "gone.jpg")))
    first, error, last = predictor.classify([full[0], gone, full[1]])
    assert isinstance(error, RowError)
    assert (error.id, error.row, error.stage) == ("gone", 1, "image")
    assert "gone.jpg" in error.message
    same_answer(first, answer_of(predictor, full[0]))
    same_answer(last, replace(answer_of(predictor, full[1]), row=2))


def test_missing_values_of_tables_are_absent(predictor: Predictor, full: list[Product]) -> None:
    nan = float("nan")
    plain = answer_of(predictor, only(full[0], frozenset({"title"})))
    odd = replace(only(full[0], frozenset({"title"})), characteristics=nan, description=nan)  # type: ignore[arg-type]
    assert answer_of(predictor, odd) == plain
    assert answer_of(predictor, Product(title=501)).used == "text"  # type: ignore[arg-type]


def test_input_the_bundle_was_not_trained_on_is_said(predictor: Predictor, full: list[Product]) -> None:
    answer = answer_of(predictor, replace(full[0], description="Made of fine cotton"))
    assert answer.warnings == ("this bundle does not use the description",)
    same_answer(answer, replace(answer_of(predictor, full[0]), warnings=answer.warnings))


def test_what_is_no_product_is_an_error_in_its_place(predictor: Predictor, full: list[Product]) -> None:
    odd: list[Any] = [full[0], None, {"title": "Blue shirt"}, full[1]]
    first, nothing, mapping, last = predictor.classify(odd)
    assert isinstance(nothing, RowError)
    assert isinstance(mapping, RowError)
    assert (nothing.row, nothing.code, mapping.row, mapping.code) == (1, "not_a_product", 2, "not_a_product")
    assert "got NoneType, expected a Product" in nothing.message
    same_answer(first, answer_of(predictor, full[0]))
    same_answer(last, replace(answer_of(predictor, full[1]), row=3))
    one: Any = full[0]
    with pytest.raises(InputError, match="got one Product, expected several"):
        predictor.classify(one)
    several: Any = "2"
    with pytest.raises(InputError, match="top_k: got '2', expected 1 to 10"):
        predictor.classify(full, top_k=several)

"""The forms of answers as rows of a file: their columns, what stands in them, and what `predict` may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.cli.train import check_plan
from multimodal.config.models import PredictConfig, RunConfig
from multimodal.errors import DataError, InputError
from multimodal.serving.forms import AnswerForm, Form, TagForm, TwoCategoriesForm, form_of
from multimodal.types import (
    AttributeScore,
    CandidateSet,
    CategoryScore,
    Conflict,
    PathStep,
    Prediction,
    RowError,
    TagScore,
)

TAGS, ATTRIBUTES = ("polka dot", "floral"), ("colour",)
ERROR = RowError("7", 3, "image", "image_unreadable", "got no photo, expected one")


def score(name: str, probability: float) -> CategoryScore:
    return CategoryScore(name, name.title(), True, probability, (PathStep(name, name.title(), probability),))


def answer(**changes: Any) -> Prediction:
    values: dict[str, Any] = {
        "id": "a", "row": 2, "decision": "leaf", "category": score("dress", 0.7), "used": "image", "missing": (),
        "suggestions": (score("dress", 0.7), score("skirt", 0.2), score("coat", 0.1)), "needs_review": False,
        "tags": (TagScore("polka dot", 0.25, False), TagScore("floral", 0.75, True)),
        "attributes": (AttributeScore("colour", "navy", 0.5),),
    }  # fmt: skip
    return Prediction(**{**values, **changes})


def row(form: Form, given: Prediction | RowError) -> dict[str, object]:
    return dict(zip((column.name for column in form.columns), form.values(given), strict=True))


def test_answers_list_the_tags_that_hold_and_every_attribute() -> None:
    found = row(AnswerForm(), answer())
    assert (found["tags"], found["attributes"], found["row"]) == ("floral", "colour: navy", 2)
    several = (TagScore("polka dot", 0.9, True), TagScore("floral", 0.8, True))
    assert row(AnswerForm(), answer(tags=several))["tags"] == "polka dot | floral"
    assert row(AnswerForm(), answer(tags=several[:0], attributes=()))["attributes"] is None
    names = [column.name for column in AnswerForm().columns]
    assert names.index("tags") == names.index("used") + 1 == names.index("attributes") - 1


def test_every_suggestion_has_columns_though_the_category_stands_above_them() -> None:
    branch, best, other = (
        CategoryScore(name, name, leaf, chance, (PathStep(name, name, chance),))
        for name, leaf, chance in (("1", False, 0.9), ("12", True, 0.5), ("13", True, 0.4))
    )
    found = row(AnswerForm(3), answer(decision="ancestor", category=branch, suggestions=(best, other)))
    assert (found["category_id"], found["probability"]) == ("1", 0.9)
    assert [found[f"category_id_{i}"] for i in (1, 2, 3)] == ["12", "13", None]
    assert [found[f"probability_{i}"] for i in (1, 2, 3)] == [0.5, 0.4, None]
    assert "category_id_2" not in row(AnswerForm(1), answer(suggestions=(best, other)))


def test_candidates_and_a_conflict_are_written_out() -> None:
    shoes, dress = PathStep("3", "Footwear", 0.9), PathStep("1", "Apparel", 0.8)
    found = row(AnswerForm(), answer(candidates=CandidateSet(0.95, ("12", "30")), conflict=Conflict(shoes, dress)))
    assert (found["candidates"], found["conflict"]) == ("12 | 30", "Footwear / Apparel")


def test_tags_stand_beside_their_probabilities() -> None:
    assert row(TagForm(TAGS, ATTRIBUTES), answer()) == {
        "polka dot": False, "polka dot probability": 0.25, "floral": True, "floral probability": 0.75,
        "colour": "navy", "colour probability": 0.5, "error": None, "row": 2,
    }  # fmt: skip


def test_a_photo_that_told_nothing_has_empty_cells() -> None:
    found = row(TagForm(TAGS, ATTRIBUTES), answer(tags=(), attributes=()))
    assert [found[name] for name in (*TAGS, "floral probability", "colour", "error")] == [None] * 5


def test_two_categories_and_every_tag_as_a_number() -> None:
    form = TwoCategoriesForm(TAGS)
    assert row(form, answer()) == {"category1": "dress", "category2": "skirt", "polka dot": 0, "floral": 1}
    alone = answer(suggestions=(score("dress", 1.0),), tags=())  # a tree of one leaf, a row without a photo
    assert row(form, alone) == {"category1": "dress", "category2": None, "polka dot": None, "floral": None}


@pytest.mark.parametrize(
    "form", [AnswerForm(), TagForm(TAGS, ATTRIBUTES), TwoCategoriesForm(TAGS), TwoCategoriesForm(())]
)
def test_an_error_has_as_many_values_as_an_answer(form: Form) -> None:
    found = row(form, ERROR)
    told = {name: value for name, value in found.items() if value is not None}
    why = "image_unreadable: got no photo, expected one"
    assert told == ({} if isinstance(form, TwoCategoriesForm) else {"error": why, "row": 3})
    assert len(form.values(answer())) == len(form.values(ERROR)) == len(form.columns)


@pytest.mark.parametrize(
    ("name", "tags", "attributes", "twice"),
    [
        ("tags", ("error",), (), "error"),
        ("tags", ("floral", "floral probability"), (), "floral probability"),
        ("tags", ("colour",), ("colour",), "colour, colour probability"),
        ("tags", ("floral",), ("row",), "row"),
        ("tags", ("id",), (), "id"),  # rows without an id column get one of that name
        ("two_categories", ("category1",), (), "category1"),
        ("two_categories", ("id",), (), "id"),
    ],
)
def test_a_tag_called_like_a_column_is_refused(
    name: Any, tags: tuple[str, ...], attributes: tuple[str, ...], twice: str
) -> None:
    with pytest.raises(InputError) as caught:
        form_of(name, tags, attributes)
    for words in (f"got {twice} twice among the columns", "expected each name once", "other names of tags"):
        assert words in caught.value.message
    assert isinstance(form_of("answers", tags, attributes), AnswerForm)  # which lists them in a column of its own


def test_without_tags_and_attributes_there_is_nothing_to_write() -> None:
    with pytest.raises(InputError, match="got neither tags nor attributes to write, expected some; train the bundle"):
        form_of("tags", (), ())


def run(**changes: Any) -> RunConfig:
    values: dict[str, Any] = {
        "name": "shop", "output": "out", "tree": {"from_labels": True}, "data": {"train": [{"path": "a.parquet"}]},
        "text": None, "tags": {"names": list(TAGS)}, "attributes": {"colour": {}, "style": {"answered": False}},
    }  # fmt: skip
    return RunConfig.model_validate({**values, **changes})


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"id": [1], "title": ["a"]}), tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def plan(rows: Path, output: str = "out.csv", form: str = "tags", **changes: Any) -> None:
    asked = {"input": {"path": str(rows)}, "output": str(rows.parent / output), "form": form}
    check_plan(PredictConfig.model_validate(asked), run(**changes))


def test_a_sound_plan_is_checked_without_writing_anything(rows: Path) -> None:
    for form in ("answers", "tags", "two_categories"):
        plan(rows, form=form)
    plan(rows, attributes={"style": {"answered": True}}, tags=None)
    assert sorted(file.name for file in rows.parent.iterdir()) == ["rows.parquet"]


def test_what_would_fail_after_the_training_fails_before_it(rows: Path) -> None:
    with pytest.raises(InputError, match=r"got the suffix '.xlsx', expected one of .parquet"):
        plan(rows, "out.xlsx")
    with pytest.raises(InputError, match="would overwrite the input"):
        plan(rows, "rows.parquet")
    with pytest.raises(DataError, match=r"no such file or folder"):
        plan(rows.with_name("none.parquet"))
    with pytest.raises(InputError, match="got category1 twice"):
        plan(rows, form="two_categories", tags={"names": ["category1"]})
    with pytest.raises(InputError, match="got neither tags nor attributes"):
        plan(rows, tags=None, attributes={"style": {"answered": False}})

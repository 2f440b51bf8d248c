"""Why an answer is what it is: the parts of the text that are left out in turn, and what that moves."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from multimodal.serving import Predictor
from multimodal.serving.explain import MOST_PARTS, MOST_SHOWN
from multimodal.serving.reasons import reasons
from multimodal.types import Prediction, Product, RowError, TextEffect


def _explained(predictor: Predictor, *products: Product) -> list[Prediction]:
    answers = predictor.classify(products, explain=True)
    assert all(isinstance(a, Prediction) for a in answers)
    return [a for a in answers if isinstance(a, Prediction)]


def test_an_effect_is_what_leaving_the_word_out_moves(predictor: Predictor, full: list[Product]) -> None:
    for product in full[:6]:
        plain = Product(title=product.title)
        (answer,) = _explained(predictor, plain)
        assert answer.category is not None
        assert answer.explanation
        leaf = predictor.tree.leaf_index[answer.category.id]
        for effect in answer.explanation:
            words = (product.title or "").split()
            rest = " ".join(w for w in words if w.strip(",.").casefold() != effect.text.casefold())
            if len(rest.split()) != len(words) - 1:
                continue  # the word stands twice, or inside another
            with_it, without = (
                float(predictor.leaf_probabilities([Product(title=t)], head="text")[0, leaf])
                for t in (plain.title, rest)
            )
            assert effect.effect == pytest.approx(_log_odds(with_it) - _log_odds(without), abs=1e-2)


def _log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def test_the_strongest_come_first_and_are_few(predictor: Predictor, full: list[Product]) -> None:
    for answer in _explained(predictor, *full[:20]):
        assert answer.explanation is not None
        strengths = [abs(e.effect) for e in answer.explanation]
        assert strengths == sorted(strengths, reverse=True)
        assert len(strengths) <= MOST_SHOWN
        assert {e.input for e in answer.explanation} <= {"title", "characteristics"}


def test_explaining_changes_nothing_else(predictor: Predictor, full: list[Product]) -> None:
    products = [*full[:5], Product(), Product(image=full[0].image), *full[5:9]]
    plain = predictor.classify(products)
    told = predictor.classify(products, explain=True)
    assert [replace(a, explanation=None, heat_map=None) if isinstance(a, Prediction) else a for a in told] == plain
    assert all(a.explanation is None for a in plain if isinstance(a, Prediction))
    assert isinstance(told[5], RowError)
    assert isinstance(told[6], Prediction)
    assert told[6].explanation == (), "a photo alone has no words"


def test_neighbours_change_no_explanation(predictor: Predictor, full: list[Product]) -> None:
    together = _explained(predictor, *full[:70])
    for number in (0, 33, 69):
        (alone,) = _explained(predictor, full[number])
        assert alone.explanation is not None
        told = together[number].explanation
        assert told is not None
        assert {(e.input, e.text) for e in told} == {(e.input, e.text) for e in alone.explanation}
        ours = np.array([e.effect for e in told])
        np.testing.assert_allclose(ours, [e.effect for e in alone.explanation], atol=1e-3)


def test_a_characteristic_is_one_part(predictor: Predictor) -> None:
    (answer,) = _explained(predictor, Product(title="blue dress", characteristics="colour: blue / season: Summer 2012"))
    assert answer.explanation is not None
    whole = {e.text for e in answer.explanation if e.input == "characteristics"}
    assert whole <= {"colour: blue", "season: Summer 2012"}
    assert whole


def test_a_very_long_text_is_explained_by_its_first_parts(predictor: Predictor) -> None:
    title = " ".join(f"word{i}" for i in range(MOST_PARTS)) + " dress"
    (answer,) = _explained(predictor, Product(title=title))
    assert answer.explanation is not None
    assert "dress" not in {e.text for e in answer.explanation}


def test_the_shipped_bundle_names_the_word_that_says_it() -> None:
    bundle = Path(__file__).parents[1] / "artifacts" / "fashion"
    (answer,) = _explained(Predictor(bundle, threads=1), Product(title="Puma Men Red Polo T-shirt"))
    assert answer.explanation is not None
    strongest = answer.explanation[0]
    assert (strongest.input, strongest.text) == ("title", "T-shirt")
    assert strongest.effect > 1


def test_reasons_read_as_times() -> None:
    effects = [TextEffect("title", "shirt", math.log(3.2)), TextEffect("title", "set", -math.log(20))]
    assert reasons([*effects, TextEffect("title", "dress", 50.0)]) == "shirt (×3.2), set (÷20), dress (×over 1000)"
    assert reasons([]) == ""

"""Figures of tags and attributes against numbers worked by hand, against scikit-learn, and by laws."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from multimodal.evaluation import attribute_metrics, tag_metrics, threshold_for
from multimodal.evaluation.labels import average_precision, precision_recall

PROBABILITY = np.array([0.9, 0.8, 0.8, 0.4, 0.1])
SHOWN = np.array([True, True, False, True, False])


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N] with ties, and some neighbours among floats, beside whether the tag holds."""
    rows = draw(st.integers(1, 40))
    kind: Any = draw(st.sampled_from([np.float32, np.float64]))
    next_to_half = 0.5 + float(np.finfo(kind).eps) / 2
    levels = st.sampled_from([0.0, 0.1, 0.25, 0.5, next_to_half, 0.7, 0.9, 1.0])
    value = st.one_of(levels, st.floats(0, 1, width=32))
    probability = np.array(draw(st.lists(value, min_size=rows, max_size=rows)), kind)
    shown = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    shown[draw(st.integers(0, rows - 1))] = True
    return probability, shown


def reached(probability: np.ndarray, shown: np.ndarray, threshold: float) -> tuple[float, float, float]:
    """Precision, recall and F1 of answering from a threshold on, counted one by one."""
    answered = [float(p) >= threshold for p in probability]
    hits = sum(a and bool(s) for a, s in zip(answered, shown, strict=True))
    told, there = sum(answered), int(shown.sum())
    return hits / told if told else 0.0, hits / there, 2 * hits / (told + there)


def every(probability: np.ndarray, shown: np.ndarray, which: int) -> list[tuple[float, float, float]]:
    """What each threshold that answers something reaches, sorted by one of its figures."""
    return sorted((reached(probability, shown, float(t)) for t in set(probability.tolist())), key=lambda f: f[which])


def test_precision_and_recall_by_hand() -> None:
    thresholds, precision, recall = precision_recall(PROBABILITY, SHOWN)
    assert thresholds.tolist() == [0.9, 0.8, 0.4, 0.1]
    np.testing.assert_allclose(precision, [1, 2 / 3, 3 / 4, 3 / 5])
    np.testing.assert_allclose(recall, [1 / 3, 2 / 3, 1, 1])
    # recall's steps are 1/3, 1/3, 1/3 and 0
    assert average_precision(PROBABILITY, SHOWN) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


@given(answers())
def test_average_precision_is_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    probability, shown = case
    assert average_precision(probability, shown) == pytest.approx(average_precision_score(shown, probability))


@given(answers(), st.randoms())
def test_the_order_of_rows_makes_no_difference(case: tuple[np.ndarray, np.ndarray], random: Random) -> None:
    probability, shown = case
    order = list(range(len(shown)))
    random.shuffle(order)
    for figure in (average_precision, threshold_for):
        assert figure(probability[order], shown[order]) == figure(probability, shown)


def test_the_threshold_by_hand() -> None:
    assert threshold_for(PROBABILITY, SHOWN) == pytest.approx((0.4 + 0.1) / 2)  # F1 6/7, before 4/6 and 2/4
    assert threshold_for(PROBABILITY, SHOWN, precision=0.7) == pytest.approx((0.4 + 0.1) / 2)  # 0.75 with all of them
    assert threshold_for(PROBABILITY, SHOWN, precision=0.9) == pytest.approx((0.9 + 0.8) / 2)
    never = np.array([False, True, False, False, False])  # at best one of three: nearest to what is asked for
    assert threshold_for(PROBABILITY, never, precision=0.9) == pytest.approx((0.8 + 0.4) / 2)
    assert threshold_for(np.array([0.6, 0.5]), np.array([True, True])) == pytest.approx(0.25)  # below the last, 0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_between_neighbouring_numbers_the_upper_one_is_the_threshold(kind: Any) -> None:
    probability = np.array([np.nextafter(kind(0.5), kind(1)), 0.5], kind)
    threshold = threshold_for(probability, np.array([True, False]))  # midway would round down to the lower
    assert [float(p) >= threshold for p in probability] == [True, False]


@given(answers())
def test_no_other_threshold_has_a_better_f1(case: tuple[np.ndarray, np.ndarray]) -> None:
    probability, shown = case
    threshold = threshold_for(probability, shown)
    assert 0 <= threshold <= 1
    best = every(probability, shown, 2)[-1][2]
    assert reached(probability, shown, threshold)[2] == pytest.approx(best)
    assert f1_score(shown, probability >= threshold) == pytest.approx(best)  # as arrays compare, too


@given(answers(), st.floats(0.05, 0.99))
def test_the_precision_asked_for_is_reached_with_the_best_recall(
    case: tuple[np.ndarray, np.ndarray], asked: float
) -> None:
    probability, shown = case
    precision, recall, _ = reached(probability, shown, threshold_for(probability, shown, asked))
    able = [figures for figures in every(probability, shown, 1) if figures[0] >= asked]
    if able:
        assert precision >= asked
        assert recall == pytest.approx(able[-1][1])
    else:
        assert precision == pytest.approx(every(probability, shown, 0)[-1][0])


@pytest.mark.parametrize("figure", [average_precision, threshold_for, precision_recall])
def test_rows_that_cannot_be_measured_are_refused(figure: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="got no row that shows the tag, expected some"):
        figure(PROBABILITY, np.zeros(5, np.bool_))
    with pytest.raises(ValueError, match=r"got shapes \(5,\) and \(4,\), expected \[N\] twice"):
        figure(PROBABILITY, SHOWN[:4])


def test_tags_by_hand_without_the_rows_that_are_not_known() -> None:
    probability = {"a": np.array([0.9, 0.6, 0.2, 0.7, 0.99]), "b": np.array([0.1, 0.8, 0.3, 0.4, 0.0])}
    truth = {"a": np.array([1, 0, 1, 1, -1]), "b": np.array([0, 1, 0, -1, 0])}
    found = tag_metrics(probability, truth, {"a": 0.5, "b": 0.8})
    a, b = found["by_tag"]["a"], found["by_tag"]["b"]
    # a: answered 0.9, 0.6, 0.7 of four known rows; the one at 0.99 is not known
    assert (a["rows"], a["positives"]) == (4, 3)
    assert (a["precision"], a["recall"], a["f1"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert a["average_precision"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert b == {"rows": 4, "positives": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0, "average_precision": 1.0}
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)
    # both are known in the first three rows: right are the first alone
    assert found["exact_match"] == pytest.approx(1 / 3)


def test_a_tag_never_shown_or_never_answered() -> None:
    quiet = {"a": np.array([0.1, 0.2]), "b": np.array([0.9, 0.1])}
    found = tag_metrics(quiet, {"a": np.array([1, 0]), "b": np.array([0, 0])}, {"a": 0.5, "b": 0.5})
    assert found["by_tag"]["a"] == {
        "rows": 2, "positives": 1, "precision": None, "recall": 0.0, "f1": 0.0, "average_precision": 0.5,
    }  # fmt: skip
    assert found["by_tag"]["b"] == {
        "rows": 2, "positives": 0, "precision": 0.0, "recall": None, "f1": None, "average_precision": None,
    }  # fmt: skip
    assert found["macro_f1"] == 0.0  # of those that have one
    assert found["exact_match"] == 0.5  # of the second row nothing is shown, and nothing answered


def test_nothing_known_is_no_figure() -> None:
    found = tag_metrics({"a": np.array([0.9])}, {"a": np.array([-1])}, {"a": 0.5})
    assert found["macro_f1"] is None
    assert set(found["by_tag"]["a"].values()) == {0, None}
    assert "exact_match" not in found


def test_tags_of_other_rows_have_no_exact_match() -> None:
    probability = {"a": np.array([0.9]), "b": np.array([0.9, 0.1])}
    found = tag_metrics(probability, {"a": np.array([1]), "b": np.array([1, 0])}, {"a": 0.5, "b": 0.5})
    assert (found["macro_f1"], "exact_match" in found) == (1.0, False)


def test_a_threshold_is_answered_at_itself() -> None:
    found = tag_metrics({"a": np.array([0.5, 0.4])}, {"a": np.array([1, 0])}, {"a": 0.5})
    assert found["by_tag"]["a"]["f1"] == 1.0


def test_attributes_by_hand() -> None:
    probability = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.3, 0.6], [0.6, 0.3, 0.1]], np.float32)
    found = attribute_metrics(probability, np.array([0, 1, 2, 2]))
    # answered 0, 0, 2, 0: F1 of 0 is 2/4, of 1 is 0, of 2 is 2/3
    assert found == pytest.approx(
        {
            "rows": 4, "values": 3, "top1": 0.5, "top2": 0.75, "macro_f1": (0.5 + 0 + 2 / 3) / 3,
            "nll": -np.log([0.7, 0.4, 0.6, 0.1]).mean(), "majority": 0.5,
        }
    )  # fmt: skip


def test_attributes_without_a_row_are_refused() -> None:
    with pytest.raises(ValueError, match="got 0 rows, expected at least 1"):
        attribute_metrics(np.zeros((0, 3)), np.array([], np.int64))

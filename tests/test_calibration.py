"""Reliability figures by hand and against scikit-learn; temperature and mix recover what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.evaluation import (
    brier,
    ece,
    fit_mix,
    fit_row_temperature,
    fit_temperature,
    leaf_ece,
    level_ece,
    log_softmax,
    mix_log_scores,
    nll,
    reliability_table,
    softmax,
)
from multimodal.numeric import entropy
from multimodal.taxonomy import Node, Tree

SKLEARN = "scikit-learn is in the extras [train] and [bench]"


def drawn(seed: int, rows: int = 4000, leaves: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels drawn from their own softmax: calibrated as they are."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, leaves))
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


# --- softmax, NLL, Brier ---------------------------------------------------------------------------------


def test_softmax_is_stable_and_takes_a_temperature() -> None:
    big = np.array([[1e4, 1e4 - np.log(3)]])
    assert softmax(big)[0] == pytest.approx([0.75, 0.25])
    assert softmax(big, temperature=0.5)[0] == pytest.approx([0.9, 0.1])
    assert log_softmax(big.T, axis=0)[:, 0] == pytest.approx(np.log([0.75, 0.25]))


def test_nll_and_brier_by_hand() -> None:
    probs, labels = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]), np.array([0, 1])
    assert nll(probs, labels) == pytest.approx(np.log(2) / 2)
    assert brier(probs, labels) == pytest.approx((0.25 + 2 * 0.0625) / 2)


def test_a_probability_of_zero_costs_much_but_not_infinity() -> None:
    assert nll(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(1e-12))


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(deadline=None)  # the first call imports scikit-learn
def test_nll_and_brier_are_scikit_learns(seed: int, rows: int) -> None:
    sk = pytest.importorskip("sklearn.metrics", reason=SKLEARN)
    logits, labels = drawn(seed, rows, 5)
    probs = softmax(logits)
    assert nll(probs, labels) == pytest.approx(sk.log_loss(labels, probs, labels=np.arange(5)))
    expected = sk.brier_score_loss(labels, probs, labels=np.arange(5), scale_by_half=False)
    assert brier(probs, labels) == pytest.approx(expected)


# --- expected calibration error --------------------------------------------------------------------------


def test_ece_by_hand_with_equal_mass_bins() -> None:
    confidence = np.array([0.9, 0.2, 0.8, 0.4])
    correct = np.array([True, False, False, True])
    table = reliability_table(confidence, correct, bins=2)
    assert [(b.count, b.accuracy) for b in table] == [(2, 0.5), (2, 0.5)]
    assert [b.confidence for b in table] == pytest.approx([0.3, 0.85])
    assert ece(confidence, correct, bins=2) == pytest.approx((0.2 + 0.35) / 2)


def test_equal_confidences_stay_in_one_bin_whatever_their_order() -> None:
    confidence = np.array([0.7] * 8 + [0.9] * 2)
    correct = np.array([True] * 4 + [False] * 4 + [True] * 2)
    table = reliability_table(confidence, correct, bins=5)
    assert [(b.count, b.accuracy) for b in table] == [(8, 0.5), (2, 1.0)]
    order = np.random.default_rng(0).permutation(10)
    assert ece(confidence[order], correct[order], 5) == pytest.approx(0.8 * 0.2 + 0.2 * 0.1)


@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_bins_hold_like_numbers_of_distinct_confidences(rows: int, bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.permutation(np.linspace(0.1, 0.9, rows))
    table = reliability_table(confidence, rng.random(rows) < 0.5, bins)
    counts = [b.count for b in table]
    assert sum(counts) == rows
    assert len(counts) == min(rows, bins)
    assert max(counts) - min(counts) <= 1
    assert [b.confidence for b in table] == sorted(b.confidence for b in table)


def test_ece_is_small_for_calibrated_rows_and_large_for_boasting_ones() -> None:
    # of calibrated rows only sampling noise is left: 0.8 standard errors of a bin's accuracy, here 0.003
    logits, labels = drawn(1, 200_000)
    assert leaf_ece(softmax(logits), labels) < 0.006
    assert leaf_ece(softmax(logits, temperature=0.3), labels) > 0.1


def test_level_ece_by_hand_sums_leaves_and_lets_short_ones_stand() -> None:
    tree = Tree(
        [
            *(Node("a", "A", None), Node("a1", "A1", "a"), Node("a2", "A2", "a"), Node("a2a", "x", "a2")),
            *(Node("a2b", "y", "a2"), Node("b", "B", None), Node("b1", "B1", "b"), Node("b1a", "z", "b1")),
        ]
    )
    assert tree.leaves == ("a1", "a2a", "a2b", "b1a")
    probs, labels = np.array([[0.1, 0.3, 0.2, 0.4]]), np.array([1])
    # a 0.6 is right; a2 0.5 is right; at the bottom b1a 0.4 wins and is wrong
    assert level_ece(probs, labels, tree) == pytest.approx((0.4, 0.5, 0.4))


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        (np.zeros(0), np.zeros(0, bool)),
        (np.zeros(3), np.zeros(2, bool)),
        (np.array([np.nan]), np.array([True])),
    ],
)
def test_bad_confidences_are_refused(confidence: np.ndarray, correct: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        ece(confidence, correct)


# --- temperature -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_temperature_recovers_the_scale(temperature: float) -> None:
    logits, labels = drawn(2)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_temperature_is_the_minimum_of_the_nll() -> None:
    logits, labels = drawn(3, 500)
    found = fit_temperature(logits * 2.5, labels, prior_rows=0.0)
    best = nll(softmax(logits * 2.5, found), labels)
    for other in (found * 0.99, found * 1.01, 0.05, 1.0, 20.0):
        assert best <= nll(softmax(logits * 2.5, other), labels)


@pytest.mark.parametrize("labels", [[0, 1, 2], [1, 2, 0], [0, 0, 0]])
def test_temperature_of_three_rows_stays_usable(labels: list[int]) -> None:
    found = fit_temperature(np.eye(3, dtype=np.float32) * 8, np.array(labels))
    assert 0.05 < found < 20
    assert (found > 1) == (labels != [0, 1, 2])


def test_temperature_of_constant_logits_is_one() -> None:
    assert fit_temperature(np.zeros((3, 4)), np.array([0, 1, 2])) == pytest.approx(1.0, abs=1e-3)


def test_temperature_refuses_rows_a_head_cannot_answer() -> None:
    with pytest.raises(ValueError, match=r"logits: 1 of 2 rows hold NaN.*leave out"):
        fit_temperature(np.array([[0.0, 1.0], [np.nan, 0.0]]), np.array([0, 1]))


# --- mix -------------------------------------------------------------------------------------------------


def views(seed: int, rows: int = 4000) -> tuple[list[np.ndarray], np.ndarray]:
    """Two heads whose log scores, weighted 0.7 and 1.6, are the truth's, and one of noise."""
    rng = np.random.default_rng(seed)
    a, b, noise = rng.normal(0, 1.5, (3, rows, 5))
    labels = (0.7 * a + 1.6 * b + rng.gumbel(size=a.shape)).argmax(axis=1)
    return [log_softmax(a), log_softmax(b), log_softmax(noise)], labels


def test_mix_recovers_the_weights_and_drops_noise() -> None:
    scores, labels = views(1)
    assert fit_mix(scores, labels) == pytest.approx([0.7, 1.6, 0.0], abs=0.08)


def test_mix_is_the_minimum_over_non_negative_weights() -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="scipy comes with [train] and [bench]")
    for seed in range(5):
        scores, labels = views(seed, 150)
        scores[2] = -scores[1] + scores[2]

        def loss(weights: np.ndarray, scores: list[np.ndarray] = scores, labels: np.ndarray = labels) -> float:
            return nll(softmax(mix_log_scores(scores, weights)), labels)

        found = fit_mix(scores, labels, prior_rows=0.0)
        assert (found >= 0).all()
        best = optimize.minimize(loss, np.ones(3), bounds=[(0, None)] * 3, tol=1e-12)
        assert loss(found) <= best.fun + 1e-8


def test_mix_does_not_depend_on_the_order_of_heads_or_rows() -> None:
    scores, labels = views(4, 300)
    rows = np.random.default_rng(0).permutation(300)
    expected = fit_mix(scores, labels)
    assert fit_mix(scores[::-1], labels) == pytest.approx(expected[::-1], abs=1e-6)
    assert fit_mix([s[rows] for s in scores], labels[rows]) == pytest.approx(expected, abs=1e-6)


def test_mix_of_one_head_is_its_temperature() -> None:
    logits, labels = drawn(5)
    found = fit_mix([logits * 2], labels, prior_rows=0.0)
    assert 1 / found[0] == pytest.approx(fit_temperature(logits * 2, labels, prior_rows=0.0), rel=1e-3)


def test_mix_of_three_rows_and_of_equal_heads_stays_usable() -> None:
    sure = np.log(np.eye(3) * 0.94 + 0.02)
    found = fit_mix([sure, sure], np.array([0, 1, 2]))
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(found[1])
    assert 0 < found[0] < 5
    wrong = fit_mix([sure, sure], np.array([1, 2, 0]))
    assert (wrong >= 0).all()
    assert (wrong < 0.2).all()


def test_mix_leaves_no_room_for_a_head_that_is_always_wrong() -> None:
    logits, labels = drawn(6, 1000)
    assert fit_mix([log_softmax(logits), log_softmax(-logits)], labels)[1] == 0.0


def test_mix_says_what_is_wrong_with_its_input() -> None:
    with pytest.raises(ValueError, match="got no heads, expected at least one"):
        fit_mix([], np.array([0]))
    with pytest.raises(ValueError, match=r"log_scores\[1\]: got shape \[2, 4\], expected \[2, 3\]"):
        fit_mix([np.zeros((2, 3)), np.zeros((2, 4))], np.array([0, 1]))
    with pytest.raises(ValueError, match=r"log_scores\[0\]: 1 of 2 rows hold NaN or infinity"):
        fit_mix([np.array([[0.0, -np.inf], [0.0, 0.0]])], np.array([0, 1]))
    with pytest.raises(ValueError, match="got 1 weights for 2 heads"):
        mix_log_scores([np.zeros((1, 2))] * 2, np.ones(1))


# --- a temperature that depends on the row -----------------------------------------------------------------


def test_one_temperature_for_all_where_no_slope_is_told_from_chance() -> None:
    logits, labels = drawn(3)
    assert fit_row_temperature(2.0 * logits, labels) == (fit_temperature(2.0 * logits, labels), 0.0)


@pytest.mark.parametrize(("temperature", "slope"), [(1.5, -0.3), (0.7, 0.25)])
def test_a_slope_put_in_is_found(temperature: float, slope: float) -> None:
    """Labels come from the calibrated scores, so the fit must undo what made the logits of them."""
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (20_000, 6))
    true = logits / (temperature * np.exp(slope * entropy(logits)))[:, None]
    labels = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
    found = fit_row_temperature(logits, labels)
    assert found == (pytest.approx(temperature, rel=0.1), pytest.approx(slope, abs=0.06))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
@settings(deadline=None, max_examples=40)
def test_a_fit_is_finite_and_never_worse_than_one_temperature(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(0, 8, (rows, 5)), rng.integers(0, 5, rows)
    temperature, slope = fit_row_temperature(logits, labels, prior_rows=0.0)
    single = fit_temperature(logits, labels, prior_rows=0.0)
    assert abs(slope) <= 0.5
    ours = softmax(logits, (temperature * np.exp(slope * entropy(logits)))[:, None])
    assert nll(ours, labels) <= nll(softmax(logits, single), labels) + 1e-9


def test_entropy_by_hand() -> None:
    assert entropy(np.log([[0.5, 0.5], [1.0, 1e-300]])) == pytest.approx([np.log(2), 0.0])

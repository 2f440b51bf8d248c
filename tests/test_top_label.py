"""The second step of calibration: its laws, its fit, and when it is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from multimodal.artifact.top_label import Rest, TopLabel, apply_top_label, top_features
from multimodal.evaluation import leaf_ece, nll
from multimodal.export.top_label import chosen_top_label, fit_top_label

AS_IT_IS = TopLabel(bias=0.0, logit=1.0, margin=0.0)
FLAT1, FLAT3, FLAT8 = (np.zeros((0, leaves), np.int64) for leaves in (1, 3, 8))
"""Trees of one level: no leaf has an ancestor."""
BRANCHES = np.array([[0, 0, 0, 0, 1, 1], [2, 2, 3, 3, 4, 5]])
"""Six leaves of three levels: two pairs of siblings below one root, two only children below another."""

logits = arrays(np.float64, (5, 6), elements=st.floats(-6, 6))
specs = st.builds(
    TopLabel,
    bias=st.floats(-3, 3),
    logit=st.floats(-1, 2),
    margin=st.floats(-1, 2),
    rest_temperature=st.floats(0.2, 4),
    rest_rank=st.floats(-1, 2),
    rest_kin=st.floats(-2, 4),
)


def softmax(scores: np.ndarray) -> np.ndarray:
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def test_features_by_hand() -> None:
    odds, margin = top_features(np.array([[0.2, 0.5, 0.3], [0.999999, 1e-7, 0.0]]))
    assert odds[0] == pytest.approx(0.0)
    assert margin[0] == pytest.approx(np.log(0.5 / 0.3))
    assert margin[1] == 8.0


def test_the_rest_is_shared_by_rank_and_temperature() -> None:
    probs = np.array([[0.6, 0.1, 0.3]])
    rest = Rest(probs, FLAT3)
    assert rest.order.tolist() == [[0, 2, 1]]
    np.testing.assert_allclose(rest.shares(1.0, 0.0, 0.0), [[0.75, 0.25]])
    np.testing.assert_allclose(rest.shares(1.0, 1.0, 0.0), [[0.3 / 0.35, 0.05 / 0.35]])
    np.testing.assert_allclose(rest.shares(0.5, 0.0, 0.0), [[0.9, 0.1]])
    np.testing.assert_allclose(rest.shares(1.0, 0.0, 3.0), [[0.75, 0.25]])


def test_relatives_of_the_likeliest_leaf_get_more_of_the_rest() -> None:
    # The likeliest is the third: its sibling has two ancestors in common with it, its cousins one.
    rest = Rest(np.array([[0.1, 0.1, 0.5, 0.1, 0.1, 0.1]]), BRANCHES)
    assert rest.order.tolist() == [[2, 0, 1, 3, 4, 5]]
    np.testing.assert_allclose(rest.shares(1.0, 0.0, np.log(3)), np.array([[3, 3, 9, 1, 1]]) / 17)


@given(logits, specs, st.permutations(range(6)))
def test_the_order_of_leaves_and_the_names_of_branches_change_nothing(
    scores: np.ndarray, spec: TopLabel, order: list[int]
) -> None:
    probs = softmax(scores + np.arange(6) * 1e-3)  # no ties: those are broken by the order
    after = apply_top_label(probs, spec, BRANCHES)
    again = apply_top_label(probs[:, order], spec, (7 * BRANCHES + 1)[:, order])
    ranks = np.sort(probs, axis=1)
    distinct = (np.diff(ranks, axis=1) > 1e-7).all(axis=1)
    np.testing.assert_allclose(again[distinct], after[distinct][:, order], atol=1e-6)


def test_by_hand() -> None:
    spec = TopLabel(bias=np.log(3), logit=0.0, margin=0.0)
    np.testing.assert_allclose(
        apply_top_label(np.array([[0.6, 0.1, 0.3]], np.float32), spec, FLAT3), [[0.75, 0.0625, 0.1875]]
    )


@given(logits, specs)
def test_answers_stay_and_sums_are_one(scores: np.ndarray, spec: TopLabel) -> None:
    probs = softmax(scores)
    after = apply_top_label(probs, spec, BRANCHES)
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
    assert (after >= 0).all()
    first = probs.argmax(axis=1)
    assert (after[np.arange(len(after)), first] >= after.max(axis=1) - 1e-6).all()


@given(logits)
def test_it_can_leave_everything_as_it_is(scores: np.ndarray) -> None:
    probs = softmax(scores)
    np.testing.assert_allclose(apply_top_label(probs, AS_IT_IS, BRANCHES), probs, atol=3e-6)


def test_one_leaf_stays_certain() -> None:
    one = np.ones((2, 1), np.float32)
    np.testing.assert_array_equal(apply_top_label(one, AS_IT_IS, FLAT1), one)
    assert chosen_top_label(one, np.zeros(2, np.int64), np.arange(2), np.arange(2), FLAT1) is None


def drawn(rows: int, seed: int, between: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels that follow them, but for the best two: those are right half the time each where
    they lie closer than ``between``."""
    rng = np.random.default_rng(seed)
    probs = softmax(rng.normal(0, 2, (rows, 8)))
    labels = np.array([rng.choice(8, p=p / p.sum()) for p in probs.astype(np.float64)])
    order = np.argsort(-probs, axis=1)
    _, margin = top_features(probs)
    close = (margin < between) & np.isin(labels, order[:, 0]) | (margin < between) & (labels == order[:, 1])
    flip = rng.random(rows) < 0.5
    labels[close] = np.where(flip, order[:, 0], order[:, 1])[close]
    return probs, labels


def test_the_fit_finds_that_close_calls_are_less_sure() -> None:
    probs, labels = drawn(6000, 0, between=1.5)
    held, select = np.arange(3000), np.arange(3000, 6000)
    spec = chosen_top_label(probs, labels, select, held, FLAT8)
    assert spec is not None
    assert spec.margin > 0
    after = apply_top_label(probs[select], spec, FLAT8)
    assert nll(after, labels[select]) < nll(probs[select], labels[select])
    assert leaf_ece(after, labels[select]) < leaf_ece(probs[select], labels[select])


def test_honest_probabilities_are_left_alone() -> None:
    probs, labels = drawn(6000, 1, between=0.0)
    fit = fit_top_label(probs[:3000], labels[:3000], FLAT8)
    after = apply_top_label(probs[3000:], fit, FLAT8)
    assert nll(after, labels[3000:]) == pytest.approx(nll(probs[3000:], labels[3000:]), abs=0.01)
    assert chosen_top_label(probs, labels, np.arange(3000, 6000), np.arange(3000), FLAT8) is None


def test_few_rows_change_little() -> None:
    probs, labels = drawn(20, 2, between=0.0)
    after = apply_top_label(probs, fit_top_label(probs, labels, FLAT8), FLAT8)
    assert np.abs(after - probs).max() < 0.35


def test_the_fit_finds_that_the_right_leaf_is_a_relative_and_levels_become_honest() -> None:
    """Mistakes stay in the branch nine times in ten, which the probabilities of leaves do not tell."""
    branches, rng, rows = np.array([[0, 0, 0, 0, 1, 1, 1, 1]]), np.random.default_rng(3), 6000
    probs = softmax(rng.normal(0, 1.5, (rows, 8)))
    best = probs.argmax(axis=1)
    inside = branches[0][None, :] == branches[0][best][:, None]
    kin = inside & (np.arange(8) != best[:, None])
    wrong = np.where(rng.random(rows)[:, None] < 0.9, kin, ~inside) * probs
    others = np.array([rng.choice(8, p=p / p.sum()) for p in wrong.astype(np.float64)])
    labels = np.where(rng.random(rows) < probs.max(axis=1), best, others)
    select, held = np.arange(3000), np.arange(3000, rows)
    spec = chosen_top_label(probs, labels, select, held, branches)
    assert spec is not None
    assert spec.rest_kin > 0.5
    flat = chosen_top_label(probs, labels, select, held, FLAT8)
    assert flat is None or flat.rest_kin == 0

    def of_branches(leaves: np.ndarray) -> float:
        told = np.stack([leaves[:, :4].sum(axis=1), leaves[:, 4:].sum(axis=1)], axis=1)
        return leaf_ece(told.astype(np.float32), branches[0][labels[select]])

    after = apply_top_label(probs[select], spec, branches)
    assert of_branches(after) < 0.5 * of_branches(probs[select])
    assert nll(after, labels[select]) < nll(probs[select], labels[select]) - 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_where_relatives_are_no_likelier_the_tree_is_left_out(seed: int) -> None:
    probs, labels = drawn(400, seed, between=1.5)
    held, select, pairs = np.arange(200), np.arange(200, 400), np.array([np.arange(8) // 2])
    spec = chosen_top_label(probs, labels, select, held, pairs)
    assert spec is not None
    assert spec == chosen_top_label(probs, labels, select, held, FLAT8)
    fitted = fit_top_label(probs[held], labels[held], pairs)
    assert fitted.rest_kin != 0
    ours, theirs = (nll(apply_top_label(probs[select], one, pairs), labels[select]) for one in (spec, fitted))
    assert ours < theirs

"""The second step of calibration: its laws, its fit, and when it is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from multimodal.artifact.top_label import TopLabel, apply_top_label, share_rest, top_features
from multimodal.evaluation import leaf_ece, nll
from multimodal.export.top_label import chosen_top_label, fit_top_label

AS_IT_IS = TopLabel(bias=0.0, logit=1.0, margin=0.0)

logits = arrays(np.float64, (5, 6), elements=st.floats(-6, 6))
specs = st.builds(
    TopLabel,
    bias=st.floats(-3, 3),
    logit=st.floats(-1, 2),
    margin=st.floats(-1, 2),
    rest_temperature=st.floats(0.2, 4),
    rest_rank=st.floats(-1, 2),
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
    np.testing.assert_allclose(share_rest(probs, 1.0, 0.0), [[0, 0.25, 0.75]])
    np.testing.assert_allclose(share_rest(probs, 1.0, 1.0), [[0, 0.05 / 0.35, 0.3 / 0.35]])
    np.testing.assert_allclose(share_rest(probs, 0.5, 0.0), [[0, 0.1, 0.9]])


def test_by_hand() -> None:
    spec = TopLabel(bias=np.log(3), logit=0.0, margin=0.0)
    np.testing.assert_allclose(apply_top_label(np.array([[0.6, 0.1, 0.3]], np.float32), spec), [[0.75, 0.0625, 0.1875]])


@given(logits, specs)
def test_answers_stay_and_sums_are_one(scores: np.ndarray, spec: TopLabel) -> None:
    probs = softmax(scores)
    after = apply_top_label(probs, spec)
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
    assert (after >= 0).all()
    first = probs.argmax(axis=1)
    assert (after[np.arange(len(after)), first] >= after.max(axis=1) - 1e-6).all()


@given(logits)
def test_it_can_leave_everything_as_it_is(scores: np.ndarray) -> None:
    probs = softmax(scores)
    np.testing.assert_allclose(apply_top_label(probs, AS_IT_IS), probs, atol=3e-6)


def test_one_leaf_stays_certain() -> None:
    one = np.ones((2, 1), np.float32)
    np.testing.assert_array_equal(apply_top_label(one, AS_IT_IS), one)
    assert chosen_top_label(one, np.zeros(2, np.int64), np.arange(2), np.arange(2)) is None


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
    spec = chosen_top_label(probs, labels, select, held)
    assert spec is not None
    assert spec.margin > 0
    after = apply_top_label(probs[select], spec)
    assert nll(after, labels[select]) < nll(probs[select], labels[select])
    assert leaf_ece(after, labels[select]) < leaf_ece(probs[select], labels[select])


def test_honest_probabilities_are_left_alone() -> None:
    probs, labels = drawn(6000, 1, between=0.0)
    fit = fit_top_label(probs[:3000], labels[:3000])
    after = apply_top_label(probs[3000:], fit)
    assert nll(after, labels[3000:]) == pytest.approx(nll(probs[3000:], labels[3000:]), abs=0.01)
    assert chosen_top_label(probs, labels, np.arange(3000, 6000), np.arange(3000)) is None


def test_few_rows_change_little() -> None:
    probs, labels = drawn(20, 2, between=0.0)
    after = apply_top_label(probs, fit_top_label(probs, labels))
    assert np.abs(after - probs).max() < 0.35

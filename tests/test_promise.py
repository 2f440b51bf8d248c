"""Promises of accuracy: what is counted, what is found, and that they are kept on new rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multimodal.export.promise import GRID, RISK, Votes, count_votes, keep_promise
from multimodal.export.trust import candidate_rules, promises
from multimodal.taxonomy import Node, Tree

TREE = Tree([Node("a", "A", None), *(Node(f"a{i}", "x", "a") for i in range(4)),
             Node("b", "B", None), *(Node(f"b{i}", "x", "b") for i in range(4))])  # fmt: skip


def drawn(rows: int, rng: np.random.Generator, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that come from them; ``sharper`` above 1 makes the model too sure of itself."""
    branch = rng.normal(0, 3, (rows, 2)).repeat(4, axis=1)
    logits = branch + rng.normal(0, 2.5, (rows, 8))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    said = np.exp(sharper * logits)
    return said / said.sum(axis=1, keepdims=True), labels


def votes_of(answers: np.ndarray, mistakes: np.ndarray) -> Votes:
    return Votes(answers, mistakes, mistakes.astype(float))


def test_votes_by_hand() -> None:
    probs = np.array([[0.97, 0.03, 0, 0, 0, 0, 0, 0], [0.5, 0.4, 0, 0, 0.1, 0, 0, 0]])
    votes = count_votes(probs, np.array([1, 4]), TREE)
    for i, threshold in enumerate(GRID):
        answers = [threshold <= 0.97 or threshold <= 1.0, threshold <= 0.9 + 1e-6]
        # the first answers "a", which is right, until 0.97 makes it the leaf a0, which is wrong
        wrong = [threshold <= 0.97 + 1e-6, threshold <= 0.9 + 1e-6]
        assert votes.answers[i] == sum(answers)
        assert votes.mistakes[i] == sum(wrong)
        doubts = [0.03 if threshold <= 0.97 + 1e-6 else 0.0, 0.5 if threshold <= 0.5 + 1e-6 else 0.1 * answers[1]]
        assert votes.doubt[i] == pytest.approx(sum(doubts), abs=1e-6)


def test_the_last_threshold_before_the_first_failure() -> None:
    answers = np.full(len(GRID), 1000)
    mistakes = np.zeros(len(GRID), int)
    most = max(k for k in range(50) if stats.binom.cdf(k, 1000, 0.05) <= RISK)
    mistakes[40:] = most
    mistakes[60:] = most + 1
    mistakes[80:] = 0  # what comes after a failure is not looked at
    votes = votes_of(answers, mistakes)
    assert keep_promise(votes, votes, 0.95) == pytest.approx(GRID[59])
    assert most == 38  # 5 % of 1,000 would be 50


def test_too_few_rows_promise_nothing() -> None:
    few = votes_of(np.full(len(GRID), 58), np.zeros(len(GRID), int))  # 0.95 ** 58 is above 0.05
    enough = votes_of(np.full(len(GRID), 59), np.zeros(len(GRID), int))
    assert keep_promise(few, few, 0.95) is None
    assert keep_promise(enough, enough, 0.95) == pytest.approx(GRID[-1])
    none = votes_of(np.zeros(len(GRID), int), np.zeros(len(GRID), int))
    assert keep_promise(none, none, 0.9) is None


@pytest.mark.parametrize("accuracy", [0.9, 0.95])
def test_promises_are_kept_even_by_a_model_that_is_too_sure(accuracy: float) -> None:
    """Of 120 draws at most a few break the promise on the population: RISK, and three deviations of the count."""
    rng = np.random.default_rng(11)
    population = count_votes(*drawn(20_000, rng, sharper=1.7), TREE)
    true = 1 - population.mistakes / population.answers
    broken = promised = 0
    for _ in range(120):
        select, calibrate = (count_votes(*drawn(600, rng, sharper=1.7), TREE) for _ in range(2))
        threshold = keep_promise(select, calibrate, accuracy)
        if threshold is not None:
            promised += 1
            broken += bool(true[int(np.argmin(np.abs(GRID - threshold)))] < accuracy)
    assert promised > 100
    assert broken <= RISK * 120 + 3 * np.sqrt(120 * RISK * (1 - RISK))


def test_what_a_mix_of_inputs_is_trusted_with() -> None:
    """Each row stands thrice in its group: three times the rows, and not one vote more."""
    rng = np.random.default_rng(5)
    probs, labels = (values.repeat(3, axis=0) for values in drawn(6000, rng))
    groups, rows = np.arange(6000).repeat(3), np.arange(18000)
    select, held = rows[:9000], rows[9000:]
    found = promises(probs, labels, groups, select, held, TREE)
    assert [p.accuracy for p in found] == [0.9, 0.95, 0.99]
    for one in found:
        assert 0 < one.votes <= 3000
        assert stats.binom.cdf(one.mistakes, one.votes, 1 - one.accuracy) <= RISK
        assert 1 <= one.mean_depth <= 2
    assert [p.threshold for p in found] == sorted(p.threshold for p in found)
    assert [p.leaf_coverage for p in found] == sorted((p.leaf_coverage for p in found), reverse=True)
    rules = candidate_rules(probs, labels, groups, held)
    assert [rule.coverage for rule in rules] == [0.9, 0.95, 0.99]
    assert [rule.mean_size for rule in rules] == sorted(rule.mean_size for rule in rules)
    few = candidate_rules(probs, labels, groups, held[:60])  # 20 groups cannot tell 99 %
    assert [rule.coverage for rule in few] == [0.9, 0.95]
    assert promises(probs, labels, groups, select, held[:60], TREE) == ()

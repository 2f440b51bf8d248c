"""Answers that go up the tree: by hand, as the server decides, and under what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_support import Case, cases, disguised
from multimodal.evaluation import NO_ANSWER
from multimodal.evaluation.backoff import backoff_figures, climb, holds
from multimodal.evaluation.candidates import candidate_sets, candidate_threshold, one_vote
from multimodal.serving.decide import by_likelihood, decide, likely_enough
from multimodal.taxonomy import Node, Tree

# all > a > (a1, a2), all > b: a single root, which every leaf is below
ONE_ROOT = Tree(
    Node(name, name.upper(), above)
    for name, above in (("all", None), ("a", "all"), ("a1", "a"), ("a2", "a"), ("b", "all"))
)
PROBS = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.3, 0.3, 0.4]])


def named(answers: np.ndarray, tree: Tree) -> list[str | None]:
    return [None if i == NO_ANSWER else tree.nodes[i].id for i in answers]


def test_the_deepest_node_that_is_sure_enough_and_never_the_whole_tree() -> None:
    assert ONE_ROOT.leaves == ("a1", "a2", "b")
    strict, middle, loose = climb(PROBS, ONE_ROOT, np.array([0.95, 0.6, 0.3]))
    assert named(strict, ONE_ROOT) == [None, None, None]  # only "all" is that sure, and it tells nothing
    assert named(middle, ONE_ROOT) == ["a1", "a", None]  # 0.5 + 0.4; b's way up is the whole tree
    assert named(loose, ONE_ROOT) == ["a1", "a1", "b"]


def test_figures_by_hand() -> None:
    labels = np.array([0, 1, 0])
    (answers,) = climb(PROBS, ONE_ROOT, np.array([0.6]))
    assert holds(answers, labels, ONE_ROOT).tolist() == [True, True, False]
    found = backoff_figures(answers, labels, ONE_ROOT)
    assert (found.rows, found.accuracy, found.leaf_accuracy) == (3, 1.0, 1.0)
    assert found.answered == pytest.approx(2 / 3)
    assert found.leaf_coverage == pytest.approx(1 / 3)
    assert found.mean_depth == pytest.approx((3 + 2) / 2)
    (none,) = climb(PROBS, ONE_ROOT, np.array([0.95]))
    nothing = backoff_figures(none, labels, ONE_ROOT).to_dict()
    assert nothing == {
        "rows": 3, "answered": 0.0, "accuracy": None, "leaf_coverage": 0.0, "leaf_accuracy": None, "mean_depth": None,
    }  # fmt: skip


def test_the_only_leaf_of_a_tree_is_an_answer_and_what_is_above_it_is_none() -> None:
    tree = Tree([Node("r", "R", None), Node("leaf", "Leaf", "r")])
    assert named(climb(np.ones((1, 1)), tree, np.array([0.9]))[0], tree) == ["leaf"]
    assert decide(tree, np.ones(2), "leaf", 0.5) == ("leaf", "leaf")


def test_rounding_does_not_cost_a_certain_answer() -> None:
    tree = Tree([Node("r", "R", None), *(Node(f"{i}", f"{i}", "r") for i in range(10)), Node("s", "S", None)])
    probs = np.array([[0.1] * 10 + [0.0]], np.float32)
    assert named(climb(probs, tree, np.array([1.0]))[0], tree) == ["r"]


def test_probabilities_of_another_tree_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 leaves, expected the tree's 3"):
        climb(PROBS[:, :2], ONE_ROOT, np.array([0.5]))
    with pytest.raises(ValueError, match="rows hold NaN"):
        climb(np.full((1, 3), np.nan), ONE_ROOT, np.array([0.5]))


@given(cases(), st.floats(0.05, 0.999))
@settings(max_examples=60, deadline=None)
def test_answers_are_those_of_the_server_whatever_order_and_ids(case: Case, threshold: float) -> None:
    nodes, probs, labels, _ = case
    tree = Tree(nodes)
    (answers,) = climb(probs, tree, np.array([threshold]))
    sums = probs @ tree.leaf_matrix.T
    for row, answer in enumerate(named(answers, tree)):
        leaf = tree.leaves[by_likelihood(probs[row])[0]]
        _, served = decide(tree, sums[row], leaf, threshold - 1e-6)
        assert answer == served
    _, after, moved, moved_labels, _ = disguised(case)
    (again,) = climb(moved, after, np.array([threshold]))
    expected, found = backoff_figures(answers, labels, tree), backoff_figures(again, moved_labels, after)
    assert found.to_dict() == pytest.approx(expected.to_dict())


@given(cases())
@settings(max_examples=60, deadline=None)
def test_a_lower_threshold_answers_deeper_and_never_less(case: Case) -> None:
    nodes, probs, _, _ = case
    tree = Tree(nodes)
    given_at = climb(probs, tree, np.array([0.99, 0.8, 0.5, 0.2]))
    depth = np.array([[0 if i == NO_ANSWER else tree.depth(tree.nodes[i].id) for i in row] for row in given_at])
    assert (np.diff(depth, axis=0) >= 0).all()


# --- candidates


def test_candidates_by_hand() -> None:
    told = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    probs = np.stack([told, 1 - told], axis=1)
    labels = np.zeros(9, np.int64)
    # of ten ranks, 8 must be covered: two of the nine may lie below, and the second lowest is the bound
    assert candidate_threshold(probs, labels, 0.8) == pytest.approx(0.2)
    assert candidate_threshold(probs, labels, 0.9) == pytest.approx(0.1)
    assert candidate_threshold(probs, labels, 0.95) == 0.0  # nine rows cannot promise that: all leaves
    assert candidate_sets(np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]]), 0.3).tolist() == [
        [True, True, False], [False, True, True],
    ]  # fmt: skip
    assert candidate_sets(np.array([[0.4, 0.3, 0.3]]), 0.9).tolist() == [[True, False, False]]
    with pytest.raises(ValueError, match=r"coverage: got 1\.0, expected a share between 0 and 1"):
        candidate_threshold(probs, labels, 1.0)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_candidates_cover_what_was_asked_of_new_rows(coverage: float) -> None:
    """The mean over many draws of 199 calibration rows; its own chance is a quarter of a point."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        logits = rng.normal(0, 2, (398, 12))
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        # The model is overconfident: labels come from flatter probabilities.
        flat = np.exp(0.6 * logits) / np.exp(0.6 * logits).sum(axis=1, keepdims=True)
        labels = np.array([rng.choice(12, p=p) for p in flat])
        threshold = candidate_threshold(probs[:199], labels[:199], coverage)
        found.append((probs[199:] >= threshold)[np.arange(199), labels[199:]].mean())
    assert np.mean(found) == pytest.approx(coverage, abs=0.0075)


def test_one_row_speaks_for_each_group() -> None:
    groups = np.array([5, 5, 2, 9, 2, 5])
    rows = one_vote(groups)
    assert sorted(groups[rows].tolist()) == [2, 5, 9]
    assert rows.tolist() == sorted(rows.tolist()) == one_vote(groups).tolist()
    seen = {tuple(one_vote(groups, seed)) for seed in range(60)}
    assert {row for rows in seen for row in rows} == set(range(6))  # any row may be the one


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5]), min_size=2, max_size=9), st.sampled_from([0.0, 0.2, 0.4, 1.0])
)
def test_an_answer_has_the_candidates_of_the_whole_table(weights: list[float], threshold: float) -> None:
    leaves = np.array(weights, np.float32)
    (chosen,) = candidate_sets(leaves[None], threshold)
    found = likely_enough(leaves, by_likelihood(leaves), threshold)
    assert set(found.tolist()) == set(np.flatnonzero(chosen).tolist())
    assert (np.diff(leaves[found]) <= 0).all()

"""Paths and levels: by hand on a ragged tree, and unmoved by the order of rows and the names of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from evaluation_support import TREE, Case, cases, disguised, leaves, nodes, sure_of
from multimodal.evaluation import (
    NO_ANSWER,
    hierarchical_f1,
    level_answers,
    level_metrics,
    mistake_distance,
    path_overlap,
)

TRUTH = ("a2a", "a2a", "a1", "b3", "c")
PRED = ("a2a", "a2b", "a2b", "a2a", "c")


def test_paths_share_what_they_share() -> None:
    predicted = np.array([*nodes("a2a", "a2", "b", "a2a"), NO_ANSWER])
    overlap = path_overlap(predicted, nodes("a2a", "a2b", "b3", "c", "c"), TREE)
    assert overlap.shared.tolist() == [3, 2, 1, 0, 0]
    assert overlap.predicted.tolist() == [3, 2, 1, 3, 0]
    assert overlap.true.tolist() == [3, 3, 3, 1, 1]
    assert overlap.distance.tolist() == [0, 1, 2, 4, 1]
    assert hierarchical_f1(overlap) == pytest.approx(2 * 6 / (9 + 11))


def test_an_index_outside_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 to 8"):
        path_overlap(np.array([0]), np.array([9]), TREE)
    with pytest.raises(ValueError, match="expected"):
        path_overlap(np.array([-2]), np.array([0]), TREE)


def test_distance_of_mistakes_by_hand() -> None:
    # a2b for a2a: siblings, 2; a2b for a1: up to a and down, 3; a2a for b3: over the implicit root, 6
    assert mistake_distance(leaves(*PRED), leaves(*TRUTH), TREE) == pytest.approx((2 + 3 + 6) / 3)
    assert mistake_distance(leaves("c"), leaves("c"), TREE) == 0.0


def test_levels_by_hand() -> None:
    probs = sure_of(PRED, [0.8] * 5)
    one, two, three = level_metrics(probs, leaves(*TRUTH), TREE)
    assert [level.depth for level in (one, two, three)] == [1, 2, 3]
    assert [level.rows for level in (one, two, three)] == [5, 5, 5]
    # a, a, a, a, c for a, a, a, b, c
    assert (one.top1, one.nodes, one.ended_above) == (4 / 5, 3, 0)
    assert one.hf1 == pytest.approx(4 / 5)
    assert one.macro_f1 == pytest.approx((2 * 3 / 7 + 0 + 1) / 3)
    # a2, a2, a2, a2, c for a2, a2, a1, b1, c; c ends above and stands for itself
    assert (two.top1, two.nodes, two.ended_above) == (3 / 5, 4, 1)
    assert two.hf1 == pytest.approx(2 * (2 + 2 + 1 + 0 + 1) / (9 + 9))
    # the leaves; a1 and c end above
    assert (three.top1, three.nodes, three.ended_above) == (2 / 5, 4, 2)
    assert three.hf1 == pytest.approx(2 * (3 + 2 + 1 + 0 + 1) / (13 + 12))
    assert three.ece == pytest.approx(0.8 - 2 / 5)


def test_a_nodes_probability_is_the_sum_of_its_leaves() -> None:
    # a2a 0.3, a2b 0.3, b3 0.4: the best leaf is b3, but Apparel is more probable than Sports
    probs = np.zeros((1, len(TREE.leaves)))
    probs[0, leaves("a2a", "a2b", "b3")] = 0.3, 0.3, 0.4
    one, two, three = level_answers(probs, leaves("a2a"), TREE)
    assert [TREE.nodes[int(level.pred[0])].id for level in (one, two, three)] == ["a", "a2", "b3"]
    assert [float(level.confidence[0]) for level in (one, two, three)] == pytest.approx([0.6, 0.6, 0.4])
    assert [bool(level.correct[0]) for level in (one, two, three)] == [True, True, False]
    (only,) = one.reliability()
    assert (only.confidence, only.accuracy, only.count) == (pytest.approx(0.6), 1.0, 1)


@given(cases())
@settings(deadline=None)
def test_levels_do_not_depend_on_order_or_names(case: Case) -> None:
    before, after, probs, labels, _ = disguised(case)
    expected, found = level_metrics(case[1], case[2], before), level_metrics(probs, labels, after)
    assert [level.to_dict() for level in found] == [pytest.approx(level.to_dict()) for level in expected]
    pred = case[1].argmax(axis=1)
    assert mistake_distance(probs.argmax(axis=1), labels, after) == pytest.approx(
        mistake_distance(pred, case[2], before)
    )


@given(cases())
@settings(max_examples=50, deadline=None)
def test_distances_are_counted_along_the_tree(case: Case) -> None:
    tree, *_ = disguised(case)
    every = np.arange(len(tree.nodes))
    for node in every:
        found = path_overlap(np.full_like(every, node), every, tree).distance
        for other, distance in zip(every, found, strict=True):
            first, second = tree.nodes[int(node)].id, tree.nodes[int(other)].id
            top = tree.lca(first, second)
            up = 0 if top is None else tree.depth(top)
            assert distance == tree.depth(first) + tree.depth(second) - 2 * up

"""Figures by class, by size, by pair, by slice and by system: by hand, and under permutations and renaming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from evaluation_support import TREE, Case, cases, disguised, leaves, nodes
from multimodal.evaluation import (
    NO_ANSWER,
    by_class_size,
    class_metrics,
    compare_answers,
    hierarchical_f1,
    leaf_overlap,
    paired_ratio_bootstrap,
    ratio_interval,
    slice_metrics,
    worst_confusions,
)

TRUTH = leaves("a2a", "a2a", "a2a", "a1", "b3", "b3")
PRED = leaves("a2a", "a2a", "a2b", "a2b", "a2a", "b3")
ALONE = np.array([f"row {i}" for i in range(6)])


def test_classes_by_hand() -> None:
    found = {TREE.leaves[c.index]: c for c in class_metrics(PRED, TRUTH, len(TREE.leaves))}
    assert set(found) == {"a1", "a2a", "a2b", "b3"}
    shirts, never_true, never_answered = found["a2a"], found["a2b"], found["a1"]
    assert (shirts.support, shirts.predicted, shirts.right) == (3, 3, 2)
    assert (shirts.precision, shirts.recall, shirts.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (never_true.support, never_true.precision, never_true.recall, never_true.f1) == (0, 0.0, None, 0.0)
    assert (never_answered.predicted, never_answered.precision, never_answered.recall) == (0, None, 0.0)
    assert found["b3"].f1 == pytest.approx(2 * 1 / (2 + 1))


def test_sizes_by_hand() -> None:
    small, large = by_class_size(class_metrics(PRED, TRUTH, len(TREE.leaves)), sizes=(1, 3, 9))
    assert (small.low, small.high, small.classes, small.rows, small.top1) == (1, 2, 2, 3, pytest.approx(1 / 3))
    assert small.macro_f1 == pytest.approx((0 + 2 / 3) / 2)
    assert (large.low, large.high, large.classes, large.rows, large.top1) == (3, 8, 1, 3, pytest.approx(2 / 3))


def test_confusions_by_hand() -> None:
    truth = leaves("a2a", "a2a", "a2a", "a1", "b3", "c")
    pred = leaves("a2b", "a2b", "a2b", "a2b", "a2a", "c")
    # 3 rows between siblings cost 6, one row to another root 6 too: more rows first; a1 to a2b is 3 away
    found = worst_confusions(pred, truth, TREE)
    named = [(TREE.leaves[c.true], TREE.leaves[c.predicted], c.count, c.distance) for c in found]
    assert named == [("a2a", "a2b", 3, 2), ("b3", "a2a", 1, 6), ("a1", "a2b", 1, 3)]
    assert len(worst_confusions(pred, truth, TREE, limit=1)) == 1
    assert worst_confusions(truth, truth, TREE) == ()


def test_slices_by_hand() -> None:
    men, none, women = slice_metrics(["m", "m", "m", None, None, "w"], PRED, TRUTH, TREE, ALONE)
    assert (men.value, men.rows, men.top1) == ("m", 3, pytest.approx(2 / 3))
    assert men.hf1 == pytest.approx(2 * 8 / 18)
    assert (none.value, none.rows, none.top1) == (None, 2, 0.0)
    assert (women.rows, women.top1, women.low, women.high) == (1, 1.0, 1.0, 1.0)


def test_the_smallest_of_many_slices_are_pooled() -> None:
    first, rest = slice_metrics(["m", "m", "x", "y", "z", "m"], PRED, TRUTH, TREE, ALONE, most=2)
    assert (first.value, first.rows, first.values) == ("m", 3, 1)
    assert (rest.value, rest.rows, rest.values) == ("3 other values", 3, 3)
    with pytest.raises(ValueError, match="got 1 values for 6 rows, expected one each"):
        slice_metrics(["m"], PRED, TRUTH, TREE, ALONE)


def test_a_ratio_is_a_sum_over_a_sum() -> None:
    # not the mean of 1/1 and 0/3; resamples of the two groups: xx 1, xy 1/4, yy 0
    found = ratio_interval((np.array([1, 0]), np.array([1, 3])), np.array(["x", "y"]))
    assert (found.mean, found.low, found.high) == (0.25, 0.0, 1.0)
    with pytest.raises(ValueError, match="add up to 0, expected more"):
        ratio_interval((np.zeros(2), np.array([1, 0])), np.array(["x", "y"]))


def test_two_systems_by_hand() -> None:
    labels = nodes("a2a", "a2a", "b3", "c")
    ours, theirs = nodes("a2a", "a2b", "b3", "c"), np.array([*nodes("a2a", "a2", "a2a"), NO_ANSWER])
    found = compare_answers(ours, theirs, labels, TREE, np.zeros(4, int).astype(str))
    assert (found.rows, found.groups) == (4, 1)
    assert (found.top1.mean_a, found.top1.mean_b, found.top1.difference) == (0.75, 0.25, 0.5)
    # ours: shared 3 + 2 + 3 + 1 of paths 10 and 10; theirs: 3 + 2 + 0 + 0 of 8 and 10
    assert found.hf1.mean_a == pytest.approx(18 / 20)
    assert found.hf1.mean_b == pytest.approx(10 / 18)
    assert (found.hf1.low, found.hf1.high) == pytest.approx((found.hf1.difference,) * 2)  # one group: no spread


def test_a_paired_ratio_is_tighter_than_two_intervals() -> None:
    rng = np.random.default_rng(0)
    a = rng.random(400) < 0.7
    b, ones, groups = a ^ (rng.random(400) < 0.03), np.ones(400), np.arange(400)
    paired = paired_ratio_bootstrap((a, ones), (b, ones), groups)
    alone = ratio_interval((a, ones), groups)
    assert paired.high - paired.low < 0.6 * (alone.high - alone.low)
    assert paired.low < paired.difference < paired.high


@given(cases())
@settings(deadline=None)
def test_parts_do_not_depend_on_order_or_names(case: Case) -> None:
    before, after, probs, labels, old = disguised(case)
    expected_pred, pred, count = case[1].argmax(axis=1), probs.argmax(axis=1), len(before.leaves)
    expected = class_metrics(expected_pred, case[2], count)
    found = class_metrics(pred, labels, count)
    assert {(old[c.index], c.support, c.predicted, c.right, c.precision, c.recall, c.f1) for c in found} == {
        (c.index, c.support, c.predicted, c.right, c.precision, c.recall, c.f1) for c in expected
    }
    for one, other in zip(by_class_size(found), by_class_size(expected), strict=True):
        assert one.to_dict() == pytest.approx(other.to_dict())
    pairs, expected_pairs = worst_confusions(pred, labels, after), worst_confusions(expected_pred, case[2], before)
    assert {(old[c.true], old[c.predicted], c.count, c.distance) for c in pairs} == {
        (c.true, c.predicted, c.count, c.distance) for c in expected_pairs
    }
    assert [c.cost for c in pairs] == [c.cost for c in expected_pairs] == sorted((c.cost for c in pairs), reverse=True)


@given(cases())
@settings(max_examples=50, deadline=None)
def test_the_parts_make_the_whole(case: Case) -> None:
    tree, *_ = disguised(case)
    pred, labels = case[1].argmax(axis=1), case[2]
    classes = class_metrics(pred, labels, len(tree.leaves))
    assert sum(c.support for c in classes) == sum(c.predicted for c in classes) == len(labels)
    assert sum(c.right for c in classes) + sum(c.count for c in worst_confusions(pred, labels, tree)) == len(labels)
    bands = by_class_size(classes)
    assert sum(b.rows * b.top1 for b in bands) == pytest.approx((pred == labels).sum())
    (one,) = slice_metrics(["all"] * len(labels), pred, labels, tree, np.arange(len(labels)).astype(str))
    assert one.hf1 == pytest.approx(hierarchical_f1(leaf_overlap(pred, labels, tree)))

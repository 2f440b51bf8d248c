"""Metrics against numbers worked by hand, against scikit-learn, and under permutations and renaming."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_support import Case, cases, disguised
from multimodal.evaluation import (
    hierarchical_distance,
    hierarchical_prf,
    macro_f1,
    macro_f1_min_support,
    mistake_severity,
    name_equivalent_top1,
    summarise,
    top_k_accuracy,
    weighted_f1,
    weighted_hierarchical_prf,
)
from multimodal.taxonomy import Node, Tree

# a1 "Other" | a2 > a2a "Shirts", a2b "Other" | b > b1 > b1a > b3 "Shirts" (a chain) | c (a root and a leaf)
NODES = (
    Node("a", "Apparel", None),
    Node("a1", "Other", "a"),
    Node("a2", "Tops", "a"),
    Node("a2a", "Shirts", "a2"),
    Node("a2b", "Other", "a2"),
    Node("b", "Sports", None),
    Node("b1", "Team", "b"),
    Node("b1a", "Fan", "b1"),
    Node("b3", "Shirts", "b1a"),
    Node("c", "Gifts", None),
)


@pytest.fixture
def tree() -> Tree:
    return Tree(NODES)


def indices(tree: Tree, *leaves: str) -> np.ndarray:
    return np.array([tree.leaf_index[leaf] for leaf in leaves])


@pytest.fixture
def labels(tree: Tree) -> np.ndarray:
    return indices(tree, "a2a", "a2a", "a2b", "b3", "c")


@pytest.fixture
def pred(tree: Tree) -> np.ndarray:
    return indices(tree, "a2a", "a2b", "a1", "a2a", "c")


# --- by hand ---------------------------------------------------------------------------------------------


def test_hierarchical_prf_by_hand(tree: Tree, pred: np.ndarray, labels: np.ndarray) -> None:
    # shared nodes 3 + 2 + 1 + 0 + 1; predicted paths 3 + 3 + 2 + 3 + 1; true paths 3 + 3 + 3 + 4 + 1
    precision, recall, f1 = hierarchical_prf(pred, labels, tree)
    assert (precision, recall, f1) == pytest.approx((7 / 12, 7 / 14, 7 / 13))


def test_weighted_hierarchical_prf_by_hand(tree: Tree, pred: np.ndarray, labels: np.ndarray) -> None:
    # by true leaf, shared / predicted / true nodes: a2a 5 / 6 / 6, a2b 1 / 2 / 3, b3 0 / 3 / 4, c 1 / 1 / 1
    precision, recall, f1 = weighted_hierarchical_prf(pred, labels, tree)
    assert precision == pytest.approx((2 * 5 / 6 + 1 / 2 + 0 + 1) / 5)
    assert recall == pytest.approx((2 * 5 / 6 + 1 / 3 + 0 + 1) / 5)
    assert f1 == pytest.approx((2 * 10 / 12 + 2 / 5 + 0 + 1) / 5)


def test_hierarchical_distance_by_hand(tree: Tree) -> None:
    # Truth a2a. The best two: a2a and a1, which meet in a, of height 2. Truth c: b3 and c; c's own height is 0.
    order = [[tree.leaf_index[leaf] for leaf in leaves] for leaves in (("a2a", "a1"), ("b3", "c"))]
    probs = np.zeros((2, 5))
    for row, (first, second) in enumerate(order):
        probs[row, [first, second]] = 0.6, 0.3
    labels = indices(tree, "a2a", "c")
    assert hierarchical_distance(probs, labels, tree, 1) == pytest.approx((0 + 4) / 2)
    assert hierarchical_distance(probs, labels, tree, 2) == pytest.approx((0 + 2 + 4 + 0) / 4)


def test_hierarchical_prf_without_common_nodes_is_zero(tree: Tree) -> None:
    assert hierarchical_prf(indices(tree, "c"), indices(tree, "b3"), tree) == (0.0, 0.0, 0.0)


def test_a_root_that_is_a_leaf_shares_itself_once(tree: Tree) -> None:
    c = indices(tree, "c")
    assert hierarchical_prf(c, c, tree) == (1.0, 1.0, 1.0)


def test_mistake_severity_by_hand(tree: Tree, pred: np.ndarray, labels: np.ndarray) -> None:
    # siblings under a2: 1; a2b against a1 meet in a: 2; different roots: all 4 levels
    assert mistake_severity(pred, labels, tree) == pytest.approx((1 + 2 + 4) / 3)
    assert mistake_severity(labels, labels, tree) == 0.0


def test_severity_counts_edges_to_the_deepest_leaf_below(tree: Tree) -> None:
    assert mistake_severity(indices(tree, "a1"), indices(tree, "a2a"), tree) == 2.0


def test_name_equivalent_top1_by_hand(tree: Tree, pred: np.ndarray, labels: np.ndarray) -> None:
    # a1 and a2b are both "Other", a2a and b3 both "Shirts"; only row 1 is wrong by name too
    assert name_equivalent_top1(pred, labels, tree) == pytest.approx(4 / 5)


def test_f1_by_hand() -> None:
    pred, labels = np.array([0, 0, 1, 3]), np.array([0, 1, 1, 2])
    # F1: class 0 2/3, class 1 2/3, classes 2 and 3 nothing
    assert weighted_f1(pred, labels, 5) == pytest.approx((2 / 3 * 1 + 2 / 3 * 2) / 4)
    assert macro_f1(pred, labels) == pytest.approx((2 / 3 + 2 / 3) / 4)
    assert macro_f1_min_support(pred, labels, minimum=2) == pytest.approx(2 / 3)
    assert macro_f1_min_support(pred, labels, minimum=3) is None


def test_top_k_of_ties_agrees_with_argmax() -> None:
    probs, labels = np.array([[0.4, 0.4, 0.2]] * 3), np.array([0, 1, 2])
    assert [top_k_accuracy(probs, labels, k) for k in (1, 2, 3, 9)] == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_summary_has_the_documented_keys_and_is_json(tree: Tree, labels: np.ndarray) -> None:
    probs = np.full((5, 5), 0.1, dtype=np.float32)
    probs[np.arange(5), labels] = 0.6
    found = summarise(probs, labels, tree).to_dict()
    assert set(found) == {
        *("rows", "top1", "top2", "top5", "weighted_f1", "macro_f1", "macro_f1_10", "hf1", "ece"),
        *("ece_levels", "nll", "brier", "mistake_severity", "mistake_distance", "name_top1"),
        *("hprecision", "hrecall", "hf1_weighted", "distance_at_1", "distance_at_2", "distance_at_5"),
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["rows"], found["top1"], found["hf1"], found["macro_f1_10"]) == (5, 1.0, 1.0, None)
    assert found["nll"] == pytest.approx(-np.log(0.6))
    assert found["ece"] == pytest.approx(0.4)
    assert found["ece_levels"][-1] == pytest.approx(found["ece"])


# --- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probs", "labels", "words"),
    [
        (np.zeros((0, 5)), np.zeros(0, int), ("got 0 rows", "expected at least 1", "check")),
        (np.full((2, 5), np.nan), np.zeros(2, int), ("2 of 2 rows hold NaN", "row 0", "leave out")),
        (np.zeros((2, 5)), np.array([0, 5]), ("got 0 to 5", "expected 0 to 4", "leaf_index")),
        (np.zeros((2, 5)), np.array([0, -1]), ("got -1 to 0", "expected 0 to 4", "drop rows")),
        (np.zeros((2, 5)), np.array([0]), ("got 2 rows beside 1 labels", "expected as many", "align")),
        (np.zeros((2, 4)), np.zeros(2, int), ("got 4 leaves", "expected the tree's 5")),
        (np.zeros(5), np.zeros(5, int), ("got shape [5]", "expected [N, leaves]")),
        (np.zeros((2, 5)), np.zeros(2), ("got float64 [2]", "expected integers")),
    ],
)
def test_bad_arrays_say_got_expected_next(
    tree: Tree, probs: np.ndarray, labels: np.ndarray, words: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"expected|leave out") as error:
        summarise(probs, labels, tree)
    for word in words:
        assert word in str(error.value)


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k: got 0, expected 1"):
        top_k_accuracy(np.ones((1, 2)), np.array([0]), 0)


# --- against scikit-learn --------------------------------------------------------------------------------

answers = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)


@given(answers)
@settings(deadline=None)  # the first call imports scikit-learn
def test_f1_is_scikit_learns(rows: list[tuple[int, int]]) -> None:
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is in the extras [train] and [bench]")
    pred, labels = np.array(rows).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert weighted_f1(pred, labels, 7) == pytest.approx(sk.f1_score(labels, pred, average="weighted"))
        assert macro_f1(pred, labels) == pytest.approx(sk.f1_score(labels, pred, average="macro"))
        common = np.flatnonzero(np.bincount(labels) >= 5)
        expected = sk.f1_score(labels, pred, average="macro", labels=common) if len(common) else None
    assert macro_f1_min_support(pred, labels, minimum=5) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6))
@settings(deadline=None)
def test_top_k_is_scikit_learns_without_ties(seed: int, rows: int, k: int) -> None:
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is in the extras [train] and [bench]")
    rng = np.random.default_rng(seed)
    probs, labels = rng.permuted(np.tile(np.arange(7.0), (rows, 1)), axis=1), rng.integers(0, 7, rows)
    expected = sk.top_k_accuracy_score(labels, probs, k=k, labels=np.arange(7))
    assert top_k_accuracy(probs, labels, k) == pytest.approx(expected)


# --- trees, permuted and renamed -------------------------------------------------------------------------


@given(cases())
@settings(deadline=None)
def test_figures_do_not_depend_on_order_or_ids(case: Case) -> None:
    nodes, probs, labels, _ = case
    _, after, moved, moved_labels, _ = disguised(case)
    expected, found = summarise(probs, labels, Tree(nodes)), summarise(moved, moved_labels, after)
    for key, value in expected.to_dict().items():
        assert found.to_dict()[key] == pytest.approx(value), key


@given(cases())
@settings(max_examples=50, deadline=None)
def test_hierarchical_figures_are_those_of_sets(
    case: Case,
) -> None:
    nodes, probs, labels, _ = case
    tree, pred = Tree(nodes), probs.argmax(axis=1)
    paths = [{node.id for node in tree.path(leaf)} for leaf in tree.leaves]
    common = sum(len(paths[p] & paths[t]) for p, t in zip(pred, labels, strict=True))
    precision, recall, _ = hierarchical_prf(pred, labels, tree)
    assert precision == pytest.approx(common / sum(len(paths[p]) for p in pred))
    assert recall == pytest.approx(common / sum(len(paths[t]) for t in labels))

    def height(p: int, t: int) -> int:
        top = tree.lca(tree.leaves[p], tree.leaves[t])
        below = [tree.depth(leaf) for leaf, path in zip(tree.leaves, paths, strict=True) if top in path]
        return tree.levels if top is None else max(below) - tree.depth(top)

    heights = [height(p, t) for p, t in zip(pred, labels, strict=True) if p != t]
    assert mistake_severity(pred, labels, tree) == pytest.approx(np.mean(heights) if heights else 0.0)

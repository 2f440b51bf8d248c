"""The leaf of the least expected distance: by hand, by brute force, and in answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.artifact import Manifest
from multimodal.evaluation import mistake_severity
from multimodal.evaluation.decoding import expected_severity, least_severe
from multimodal.export.trust import POWERS, distance_power
from multimodal.serving import AnswerOptions, Predictor
from multimodal.serving.judge import Judge
from multimodal.serving.samples import Sample
from multimodal.taxonomy import Node, Tree

TREE = Tree(
    [
        Node("a", "A", None),
        Node("a1", "A1", "a"),
        Node("a2", "A2", "a"),
        Node("b", "B", None),
        Node("b1", "B1", "b"),
        Node("b2", "B2", "b"),
        Node("b21", "B21", "b2"),
    ]
)
"""Leaves a1, a2, b1, b21; under b at two depths."""


def probs(**shares: float) -> np.ndarray:
    return np.array([[shares.get(leaf, 0.0) for leaf in TREE.leaves]])


def test_expected_severity_by_hand() -> None:
    # Heights: a 1, b 2, the implicit root 3. From a1: a2 is 1 away, b1 and b21 are 3.
    found = expected_severity(probs(a1=0.4, a2=0.1, b1=0.3, b21=0.2), TREE)
    by_leaf = dict(zip(TREE.leaves, found[0], strict=True))
    assert by_leaf == pytest.approx(
        {
            "a1": 0.1 * 1 + 0.5 * 3,
            "a2": 0.4 * 1 + 0.5 * 3,
            "b1": 0.2 * 2 + 0.5 * 3,
            "b21": 0.3 * 2 + 0.5 * 3,
        }
    )


def test_the_likeliest_leaf_is_left_where_its_neighbours_are_far() -> None:
    torn = probs(a1=0.40, b1=0.31, b21=0.29)
    assert TREE.leaves[torn[0].argmax()] == "a1"
    (leaf,) = least_severe(torn, TREE)
    assert TREE.leaves[leaf] == "b1"
    (leaf,) = least_severe(probs(a1=0.9, b1=0.06, b21=0.04), TREE)
    assert TREE.leaves[leaf] == "a1"


shares = st.lists(st.floats(0.001, 1.0), min_size=4, max_size=4).map(lambda p: np.array([p]) / np.sum(p))


@given(shares, st.sampled_from(POWERS))
def test_it_is_the_mean_of_mistake_severity(p: np.ndarray, power: float) -> None:
    n = len(TREE.leaves)
    cost = np.array([[mistake_severity(np.array([i]), np.array([j]), TREE) for j in range(n)] for i in range(n)])
    flat = p**power / (p**power).sum()
    np.testing.assert_allclose(expected_severity(p, TREE, power), flat @ cost.T, atol=1e-9)


@given(shares, st.permutations(range(7)))
def test_the_order_of_nodes_does_not_matter(p: np.ndarray, order: list[int]) -> None:
    nodes = list(TREE.nodes)
    other = Tree([nodes[i] for i in order])
    moved = p[:, [TREE.leaf_index[leaf] for leaf in other.leaves]]
    ours = dict(zip(TREE.leaves, expected_severity(p, TREE)[0], strict=True))
    theirs = dict(zip(other.leaves, expected_severity(moved, other)[0], strict=True))
    assert theirs == pytest.approx(ours)


def test_the_power_is_chosen_among_those_that_cost_little() -> None:
    # Far more of the truth lies at b21 than the probabilities say: only flatter ones go there.
    p = np.repeat(probs(a1=0.46, b1=0.24, b21=0.3), 200, axis=0)
    labels = np.full(200, TREE.leaf_index["b21"])
    power = distance_power(p, labels, np.arange(200), TREE)
    assert power is not None
    chosen = least_severe(p, TREE, power)
    assert mistake_severity(chosen, labels, TREE) <= mistake_severity(p.argmax(axis=1), labels, TREE)
    sure = np.repeat(probs(a1=0.97, b1=0.03), 200, axis=0)
    assert distance_power(sure, np.full(200, TREE.leaf_index["a1"]), np.arange(200), TREE) is None


def with_power(predictor: Predictor, power: float | None) -> Manifest:
    """The tiny bundle's manifest with another power for titles."""
    manifest = predictor.manifest
    title = manifest.calibration.mixes["title"].model_copy(update={"distance_power": power})
    calibration = manifest.calibration.model_copy(update={"mixes": {"title": title}})
    return manifest.model_copy(update={"calibration": calibration})


def test_answers_start_from_the_asked_leaf(predictor: Predictor) -> None:
    tree = predictor.tree
    first = tree.leaves[0]
    near = [leaf for leaf in tree.leaves if tree.lca(first, leaf) == tree.path(first)[-2].id][:3]
    far = next(leaf for leaf in tree.leaves if tree.lca(first, leaf) is None)
    leaves = np.zeros(len(tree.leaves), np.float32)
    leaves[[tree.leaf_index[leaf] for leaf in (far, near[0], near[1], near[2])]] = [0.34, 0.3, 0.2, 0.16]
    nodes = tree.node_probabilities(leaves[None])[0]
    sample = Sample(id=1, row=0, present=frozenset({"title"}))
    judge = Judge(with_power(predictor, 1.0), tree)
    plain, mild = (
        judge.answer(sample, leaves, nodes, AnswerOptions(min_confidence=0.0, decoding=how))
        for how in ("argmax", "expected_distance")
    )
    assert plain.category is not None
    assert mild.category is not None
    assert (plain.category.id, mild.category.id) == (far, near[0])
    unheard = Judge(with_power(predictor, None), tree)
    likeliest = unheard.answer(
        sample, leaves, nodes, AnswerOptions(min_confidence=0.0, decoding="expected_distance")
    ).category
    assert likeliest is not None
    assert likeliest.id == far, "it made mistakes no milder"
    assert [s.id for s in plain.suggestions] == [s.id for s in mild.suggestions] == [far, near[0]]

"""The category tree: shape, order, sums, laws."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.errors import TreeError
from multimodal.taxonomy import Node, Tree, tree_from_paths
from tree_forms import trees

unhurried = settings(deadline=None)

# Ragged, with a single-child chain (d-e-f), an empty root (g) and a name that stands three times.
ROWS = [
    ("a", "Clothes", None),
    ("b", "Other", "a"),
    ("c", "Shirts", "a"),
    ("d", "Shoes", None),
    ("e", "Other", "d"),
    ("f", "Other", "e"),
    ("g", "Gifts", None),
]
TREE = Tree(Node(*row) for row in ROWS)


def test_shape_of_a_ragged_tree() -> None:
    assert TREE.roots == ("a", "d", "g")
    assert TREE.leaves == ("b", "c", "f", "g")
    assert TREE.inner == {"a", "d", "e"}
    assert TREE.levels == 3
    assert [TREE.depth(n) for n in "abdfg"] == [1, 2, 1, 3, 1]
    assert TREE.children("a") == ("b", "c")
    assert [n.id for n in TREE.path("f")] == ["d", "e", "f"]
    assert TREE.is_leaf("g")
    assert not TREE.is_leaf("e")
    assert dict(TREE.leaf_index) == {"b": 0, "c": 1, "f": 2, "g": 3}
    assert "f" in TREE
    assert "Other" not in TREE


def test_lowest_common_ancestor() -> None:
    assert TREE.lca("b", "c") == "a"
    assert TREE.lca("f", "d") == "d"
    assert TREE.lca("f", "f") == "f"
    assert TREE.lca("b", "f") is None


def test_sums_by_hand() -> None:
    probabilities = TREE.node_probabilities(np.array([[0.1, 0.2, 0.3, 0.4]], dtype=np.float32))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, [[0.3, 0.1, 0.2, 0.3, 0.3, 0.3, 0.4]], atol=1e-7)
    assert TREE.leaf_matrix.tolist()[0] == [True, True, False, False]
    with pytest.raises(ValueError, match=r"expected shape \[N, 4\], got \[2, 3\]"):
        TREE.node_probabilities(np.zeros((2, 3)))


def test_levels_stop_at_shorter_branches() -> None:
    ids = [node.id for node in TREE.nodes]
    assert [ids[i] for i in TREE.level_matrix(1)] == ["a", "a", "d", "g"]
    assert [ids[i] for i in TREE.level_matrix(2)] == ["b", "c", "e", "g"]
    assert [ids[i] for i in TREE.ancestor_at(3)] == ["b", "c", "f", "g"]
    with pytest.raises(TreeError, match="expected 1"):
        TREE.level_matrix(0)


@unhurried
@given(trees(), st.integers(0, 3))
def test_every_node_is_the_sum_of_its_children(tree: Tree, n: int) -> None:
    leaf_probs = np.random.default_rng(n).dirichlet(np.ones(len(tree.leaves)), size=n)
    probs = tree.node_probabilities(leaf_probs)
    np.testing.assert_allclose(probs, leaf_probs @ tree.leaf_matrix.T, atol=1e-12)
    for node in tree.nodes:
        below = [tree.node_index[c] for c in tree.children(node.id)]
        expected = probs[:, below].sum(axis=1) if below else leaf_probs[:, tree.leaf_index[node.id]]
        np.testing.assert_allclose(probs[:, tree.node_index[node.id]], expected, atol=1e-12)
    np.testing.assert_allclose(probs[:, [tree.node_index[r] for r in tree.roots]].sum(axis=1), 1, atol=1e-9)


@unhurried
@given(trees(), st.data())
def test_order_of_rows_changes_nothing_but_order(tree: Tree, data: st.DataObject) -> None:
    other = Tree(data.draw(st.permutations(tree.nodes)))
    assert other.version == tree.version
    by_leaf = dict(zip(tree.leaves, np.random.default_rng(0).random(len(tree.leaves)), strict=True))
    first = tree.node_probabilities(np.array([[by_leaf[leaf] for leaf in tree.leaves]]))[0]
    second = other.node_probabilities(np.array([[by_leaf[leaf] for leaf in other.leaves]]))[0]
    for node in tree.nodes:
        assert first[tree.node_index[node.id]] == pytest.approx(second[other.node_index[node.id]], abs=1e-12)


@unhurried
@given(trees(), st.data())
def test_paths_lead_down_and_meet_in_the_lowest_common_ancestor(tree: Tree, data: st.DataObject) -> None:
    ids = [node.id for node in tree.nodes]
    first, second = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    path = tree.path(first)
    assert tree.depth(first) == len(path) <= tree.levels
    assert path[0].id in tree.roots
    assert [node.parent_id for node in path] == [None, *(node.id for node in path[:-1])]
    for depth, node in enumerate(path, 1):
        assert tree.path(node.id) == path[:depth]
    common = tree.lca(first, second)
    assert common == tree.lca(second, first)
    assert tree.lca(first, first) == first
    assert (common is None) == (path[0] != tree.path(second)[0])
    if common is not None:
        depth = tree.depth(common)
        assert path[:depth] == tree.path(second)[:depth] == tree.path(common)
        assert path[depth : depth + 1] != tree.path(second)[depth : depth + 1] or first == second == common


@unhurried
@given(trees())
def test_levels_agree_with_paths(tree: Tree) -> None:
    for depth in range(1, tree.levels + 1):
        for leaf, index in zip(tree.leaves, tree.level_matrix(depth), strict=True):
            assert tree.nodes[index] == tree.path(leaf)[:depth][-1]


@unhurried
@given(trees())
def test_json_and_pickle_round_trip(tree: Tree) -> None:
    assert Tree.from_json(tree.to_json()) == tree
    assert pickle.loads(pickle.dumps(tree)) == tree


def test_renaming_keeps_ids_and_changes_the_version() -> None:
    renamed = Tree(Node(n.id, "Прочее", n.parent_id) for n in TREE.nodes)
    assert renamed.leaves == TREE.leaves
    assert renamed.version != TREE.version
    assert TREE.version == "17f9d1bb3c79"  # golden: bundles hold it


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "tree is empty"),
        ([("a", "A", None), ("a", "B", None)], "more than once: a;"),
        ([("a", "A", None), ("b", "B", "x")], r"b \(B\), parent x"),
        ([("r", "R", None), ("a", "A", "c"), ("b", "B", "a"), ("c", "C", "b")], "a -> c -> b -> a"),
        ([("a", "A", "a")], "a -> a"),
        ([("", "A", None)], "empty id"),
    ],
)
def test_what_is_no_tree(rows: list[tuple[str, str, str | None]], message: str) -> None:
    with pytest.raises(TreeError, match=message):
        Tree(Node(*row) for row in rows)


def test_unknown_category_names_the_nearest() -> None:
    with pytest.raises(TreeError, match=r"unknown category 'shirt'.*c \(Shirts\)"):
        TREE.node("shirt")
    with pytest.raises(TreeError, match="Did you mean '1001'"):
        Tree([Node("1001", "A", None)]).path("10011")


def test_from_json_refuses_something_else() -> None:
    with pytest.raises(TreeError, match="expected"):
        Tree.from_json('{"leaves": []}')


def test_paths_make_inner_nodes() -> None:
    tree = tree_from_paths(["A >  B", "A", "A > B > C", "D>B", "A > B"])
    assert [(n.id, n.name) for n in tree.nodes] == [
        ("A", "A"),
        ("A > B", "B"),
        ("A > B > C", "C"),
        ("D", "D"),
        ("D > B", "B"),
    ]
    assert tree.leaves == ("A > B > C", "D > B")
    assert tree_from_paths(["x/y/z"], separator="/").leaves == ("x > y > z",)
    with pytest.raises(TreeError, match="a part is empty"):
        tree_from_paths(["A > > B"])


def test_a_chain_of_ten_thousand_does_not_recurse() -> None:
    tree = Tree(Node(str(i + 1), "n", str(i) if i else None) for i in range(10_000))
    assert tree.levels == 10_000
    assert tree.node_probabilities(np.ones((1, 1))).shape == (1, 10_000)

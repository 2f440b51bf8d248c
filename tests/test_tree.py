"""The category tree: validation, order, sums, reading."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.errors import DataError, TreeError
from multimodal.taxonomy import Node, Tree, read_tree, tree_from_paths

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))

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


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any forest: each node's parent is an earlier one or none; the order is then shuffled."""
    n = draw(st.integers(1, 25))
    parents = [draw(st.none() | st.integers(0, i - 1)) if i else None for i in range(n)]
    names = draw(st.lists(st.text(max_size=5), min_size=n, max_size=n))
    nodes = [Node(f"n{i}", names[i], None if (p := parents[i]) is None else f"n{p}") for i in range(n)]
    return Tree(draw(st.permutations(nodes)))


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


@given(trees(), st.data())
def test_order_of_rows_changes_nothing_but_order(tree: Tree, data: st.DataObject) -> None:
    other = Tree(data.draw(st.permutations(tree.nodes)))
    assert other.version == tree.version
    by_leaf = dict(zip(tree.leaves, np.random.default_rng(0).random(len(tree.leaves)), strict=True))
    first = tree.node_probabilities(np.array([[by_leaf[leaf] for leaf in tree.leaves]]))[0]
    second = other.node_probabilities(np.array([[by_leaf[leaf] for leaf in other.leaves]]))[0]
    for node in tree.nodes:
        assert first[tree.node_index[node.id]] == pytest.approx(second[other.node_index[node.id]], abs=1e-12)


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


def test_csv_roots_and_float_ids(tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    file.write_text(
        "\ufeffid,title,parent_id\n0,Root,\n1.0,A,0\n2.0,Б,1.0\n\n3.0,В,nan\n4.0,Г,\n", encoding="utf-8"
    )
    tree = read_tree(file)
    assert [(n.id, n.name, n.parent_id) for n in tree.nodes] == [
        ("1", "A", None),
        ("2", "Б", "1"),
        ("3", "В", None),
        ("4", "Г", None),
    ]


def test_csv_keeps_ids_that_only_look_like_numbers(tmp_path: Path) -> None:
    file = tmp_path / "tree.csv"
    file.write_text("code;label;up\n1.0;A;0\n1.1;B;1.0\n01;C;0\n", encoding="utf-8")
    tree = read_tree(file, id="code", name="label", parent_id="up")
    assert [n.id for n in tree.nodes] == ["1.0", "1.1", "01"]
    assert tree.node("1.1").parent_id == "1.0"


@pytest.mark.parametrize("parents", [[None, 1001.0, float("nan")], [0, 1001, 0], ["0", "1001", ""]])
def test_parquet_roots_of_every_kind(tmp_path: Path, parents: list[object]) -> None:
    table = pa.table({"id": [1001, 1002, 1003], "title": ["A", "B", "C"], "parent_id": parents})
    pq.write_table(table, tmp_path / "tree.parquet")
    tree = read_tree(tmp_path / "tree.parquet")
    assert [n.parent_id for n in tree.nodes] == [None, "1001", None]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_missing_column_says_both_sides(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"tree.{suffix}"
    if suffix == "csv":
        file.write_text("id,titel,parent_id\n1,A,0\n")
    else:
        pq.write_table(pa.table({"id": [1], "titel": ["A"], "parent_id": [0]}), file)
    with pytest.raises(DataError, match=r"missing columns title; expected id.*found id, titel.*'titel'"):
        read_tree(file)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_tree(tmp_path / "none.csv")
    (tmp_path / "bad.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match="not readable as parquet"):
        read_tree(tmp_path / "bad.parquet")
    (tmp_path / "bad.csv").write_bytes("id,title,parent_id\n1,Имя,0\n".encode("cp1251"))
    with pytest.raises(DataError, match="UTF-8"):
        read_tree(tmp_path / "bad.csv")
    (tmp_path / "orphan.csv").write_text("id,title,parent_id\n1,A,7\n")
    with pytest.raises(TreeError, match=r"orphan.csv: .*1 \(A\), parent 7"):
        read_tree(tmp_path / "orphan.csv")
    (tmp_path / "noname.csv").write_text("id,title,parent_id\n1,A,0\n2,,1\n")
    with pytest.raises(TreeError, match="row 2 has no 'title'"):
        read_tree(tmp_path / "noname.csv")


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


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "leaves", "levels"), [("fashion_products", 168, 3), ("perekrestok_ru", 183, 2)]
)
def test_public_trees(name: str, leaves: int, levels: int) -> None:
    file = DATA / name / "categories_tree.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not there; set MULTIMODAL_DATA to the folder of public data")
    tree = read_tree(file)
    assert (len(tree.leaves), tree.levels) == (leaves, levels)

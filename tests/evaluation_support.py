"""A small ragged tree, measured rows made by hand, and cases for the laws of metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from multimodal.serving.measured import Measured, MeasuredRow
from multimodal.taxonomy import Node, Tree

# a1 "Other" | a2 > a2a "Shirts", a2b "Other" | b > b1 > b3 "Shirts" (a chain) | c (a root and a leaf)
NODES = (
    Node("a", "Apparel", None),
    Node("a1", "Other", "a"),
    Node("a2", "Tops", "a"),
    Node("a2a", "Shirts", "a2"),
    Node("a2b", "Other", "a2"),
    Node("b", "Sports", None),
    Node("b1", "Team", "b"),
    Node("b3", "Shirts", "b1"),
    Node("c", "Gifts", None),
)
TREE = Tree(NODES)


def leaves(*ids: str) -> np.ndarray:
    """Leaf indices of ids."""
    return np.array([TREE.leaf_index[i] for i in ids])


def nodes(*ids: str) -> np.ndarray:
    """Node indices of ids."""
    return np.array([TREE.node_index[i] for i in ids])


def sure_of(pred: Sequence[str], confidence: Sequence[float]) -> np.ndarray:
    """Probabilities [N, leaves]: a confidence for the predicted leaf, the rest spread evenly over the others."""
    out = np.empty((len(pred), len(TREE.leaves)), dtype=np.float32)
    for row, (leaf, sure) in enumerate(zip(pred, confidence, strict=True)):
        out[row] = (1 - sure) / (len(TREE.leaves) - 1)
        out[row, TREE.leaf_index[leaf]] = sure
    return out


def measured(truth: Sequence[str], pred: Sequence[str], confidence: Sequence[float]) -> Measured:
    """Rows with ids 100, 101, …; the text head answers as the whole, the photo head only the first row."""
    rows = tuple(
        MeasuredRow(i, 100 + i, f"Product | number <{i}> *new*", None, ("title", "image") if i == 0 else ("title",))
        for i in range(len(truth))
    )
    probs = sure_of(pred, confidence)
    photo = np.full_like(probs, np.nan)
    photo[0] = probs[0]
    return Measured(rows, leaves(*truth), {"fused": probs, "text": probs, "image": photo})


Case = tuple[tuple[Node, ...], np.ndarray, np.ndarray, int]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A ragged tree with repeated names, probabilities [N, leaves], labels, and a seed for shuffling."""
    parents = draw(st.lists(st.integers(-1, 30), min_size=1, max_size=12))
    names = draw(st.lists(st.sampled_from("xyz"), min_size=len(parents), max_size=len(parents)))
    made = tuple(
        Node(f"n{i}", name, None if i == 0 or parent < 0 else f"n{parent % i}")
        for i, (parent, name) in enumerate(zip(parents, names, strict=True))
    )
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count, rows = len(Tree(made).leaves), draw(st.integers(1, 20))
    return made, rng.dirichlet(np.full(count, 0.5) + 1e-3, rows), rng.integers(0, count, rows), seed


def disguised(case: Case) -> tuple[Tree, Tree, np.ndarray, np.ndarray, dict[int, int]]:
    """The same case with other ids, nodes in another order and rows in another order.

    Returns the tree before and after, probabilities and labels after, and leaf index after -> before.
    """
    made, probs, labels, seed = case
    rng, before = np.random.default_rng(seed + 1), Tree(made)

    def renamed(node_id: str) -> str:
        return f"id-{node_id[::-1]}"

    shuffled = [made[i] for i in rng.permutation(len(made))]
    after = Tree(Node(renamed(n.id), n.name, None if n.parent_id is None else renamed(n.parent_id)) for n in shuffled)
    to_new = np.array([after.leaf_index[renamed(leaf)] for leaf in before.leaves])
    rows = rng.permutation(len(labels))
    moved = np.empty_like(probs)
    moved[:, to_new] = probs
    return before, after, moved[rows], to_new[labels][rows], {int(new): old for old, new in enumerate(to_new)}

"""An immutable category tree; the identity of a node is its id, never its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from multimodal.errors import TreeError
from multimodal.taxonomy.checks import check_nodes, unknown_category

FloatT = TypeVar("FloatT", bound=np.floating[Any])


@dataclass(frozen=True, slots=True)
class Node:
    """A category. ``parent_id`` is None for a root."""

    id: str
    name: str
    parent_id: str | None


class Tree:
    """A forest of categories. Leaves are the nodes without children; branches may differ in depth.

    Attributes:
        nodes: in the order given.
        roots: ids of the nodes without a parent.
        leaves: ids of the nodes without children, in the order given.
        inner: ids of the nodes with children.
        node_index: id -> position in ``nodes``.
        leaf_index: id -> position in ``leaves``.
        levels: depth of the deepest node; roots are at depth 1.
        version: 12 hex digits, the same for any order of the same nodes.
    """

    nodes: tuple[Node, ...]
    roots: tuple[str, ...]
    leaves: tuple[str, ...]
    inner: frozenset[str]
    node_index: Mapping[str, int]
    leaf_index: Mapping[str, int]

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Raises TreeError for no nodes, a repeated id, a missing parent or a circle, naming them."""
        self.nodes = tuple(nodes)
        check_nodes(self.nodes)
        children: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            if node.parent_id is not None:
                children[node.parent_id].append(node.id)
        self._children = {node_id: tuple(below) for node_id, below in children.items()}
        self.roots = tuple(node.id for node in self.nodes if node.parent_id is None)
        self.leaves = tuple(node.id for node in self.nodes if not children[node.id])
        self.inner = frozenset(node_id for node_id, below in children.items() if below)
        self.node_index = MappingProxyType({node.id: i for i, node in enumerate(self.nodes)})
        self.leaf_index = MappingProxyType({node_id: i for i, node_id in enumerate(self.leaves)})
        self._paths: dict[str, tuple[Node, ...]] = {}

    def __contains__(self, node_id: object) -> bool:
        return node_id in self.node_index

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self.nodes == other.nodes

    def __hash__(self) -> int:
        return hash(self.nodes)

    def __repr__(self) -> str:
        return (
            f"Tree({len(self.nodes)} nodes, {len(self.leaves)} leaves, {self.levels} levels, {self.version})"
        )

    def __reduce__(self) -> tuple[type[Tree], tuple[tuple[Node, ...]]]:
        return Tree, (self.nodes,)

    def node(self, node_id: str) -> Node:
        """The node with this id; TreeError with the nearest ids and names when there is none."""
        index = self.node_index.get(node_id)
        if index is None:
            raise unknown_category(node_id, self.nodes)
        return self.nodes[index]

    def children(self, node_id: str) -> tuple[str, ...]:
        """Ids right below a node, in the order given."""
        return self._children[self.node(node_id).id]

    def is_leaf(self, node_id: str) -> bool:
        """Whether the node has no children."""
        return not self.children(node_id)

    def path(self, node_id: str) -> tuple[Node, ...]:
        """From the root down to the node, both included."""
        found = self._paths.get(node_id)
        if found is None:
            steps = [self.node(node_id)]
            while (above := steps[-1].parent_id) is not None:
                steps.append(self.nodes[self.node_index[above]])
            found = self._paths[node_id] = tuple(reversed(steps))
        return found

    def depth(self, node_id: str) -> int:
        """1 for a root."""
        return len(self.path(node_id))

    def lca(self, first: str, second: str) -> str | None:
        """The deepest node at or above both, or None when they stand under different roots."""
        common = None
        for a, b in zip(self.path(first), self.path(second), strict=False):
            if a.id != b.id:
                break
            common = a.id
        return common

    @cached_property
    def levels(self) -> int:
        """Depth of the deepest node."""
        return max(self.depth(leaf) for leaf in self.leaves)

    @cached_property
    def version(self) -> str:
        """Changes with any id, name or parent, and with nothing else."""
        rows = sorted((node.id, node.name, node.parent_id) for node in self.nodes)
        canonical = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:12]

    @cached_property
    def telling(self) -> frozenset[str]:
        """Ids of the inner nodes that say something of a product: not every leaf lies below them."""
        return frozenset(id for id in self.inner if not self.leaf_matrix[self.node_index[id]].all())

    @cached_property
    def leaf_matrix(self) -> npt.NDArray[np.bool_]:
        """[nodes, leaves], True where the leaf is the node or stands below it."""
        matrix = np.zeros((len(self.nodes), len(self.leaves)), dtype=np.bool_)
        for column, leaf in enumerate(self.leaves):
            matrix[[self.node_index[step.id] for step in self.path(leaf)], column] = True
        matrix.setflags(write=False)
        return matrix

    def level_matrix(self, depth: int) -> npt.NDArray[np.int64]:
        """[leaves], index in ``nodes`` of each leaf's ancestor at ``depth``, or of a leaf that is higher."""
        if depth < 1:
            raise TreeError(f"depth {depth}: expected 1 (roots) to {self.levels} (the deepest level)")
        steps = (self.path(leaf)[:depth][-1].id for leaf in self.leaves)
        return np.fromiter((self.node_index[s] for s in steps), dtype=np.int64, count=len(self.leaves))

    @cached_property
    def branches(self) -> npt.NDArray[np.int64]:
        """[levels - 1, leaves], index in ``nodes`` of each leaf's ancestor at each depth, see ``level_matrix``: leaves
        are of one branch as far as their columns agree."""
        rows = [self.level_matrix(depth) for depth in range(1, self.levels)]
        found = np.array(rows, np.int64).reshape(len(rows), len(self.leaves))
        found.setflags(write=False)
        return found

    def ancestor_at(self, depth: int) -> npt.NDArray[np.int64]:
        """Another name of ``level_matrix``."""
        return self.level_matrix(depth)

    def node_probabilities(self, leaf_probs: npt.NDArray[FloatT]) -> npt.NDArray[FloatT]:
        """Sums the probabilities of leaves into those of all nodes.

        Args:
            leaf_probs: [N, leaves], floating.

        Returns:
            [N, nodes] of the same type.
        """
        if leaf_probs.ndim != 2 or leaf_probs.shape[1] != len(self.leaves):
            raise ValueError(
                f"leaf_probs: expected shape [N, {len(self.leaves)}], got {list(leaf_probs.shape)}"
            )
        order, bounds, rank = self._spans
        padded = np.zeros((len(leaf_probs), len(self.leaves) + 1), dtype=leaf_probs.dtype)
        np.take(leaf_probs, order, axis=1, out=padded[:, :-1])
        return np.add.reduceat(padded, bounds, axis=1)[:, ::2][:, rank]

    @cached_property
    def _spans(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Leaves in depth-first order, where each node owns a span of them: cheaper than a dense matrix.

        Returns the order [leaves], the (start, end) pairs by preorder [2 * nodes] and each node's
        preorder rank [nodes]. In preorder no span starts after the one before it has ended, so
        ``reduceat`` does no work between spans.
        """
        order: list[int] = []
        starts: list[int] = []
        ends = [0] * len(self.nodes)
        rank = np.empty(len(self.nodes), dtype=np.int64)
        stack: list[tuple[str, bool]] = [(root, False) for root in reversed(self.roots)]
        while stack:
            node_id, done = stack.pop()
            index = self.node_index[node_id]
            if done:
                ends[rank[index]] = len(order)
                continue
            rank[index] = len(starts)
            starts.append(len(order))
            stack.append((node_id, True))
            below = self._children[node_id]
            if not below:
                order.append(self.leaf_index[node_id])
            stack.extend((child, False) for child in reversed(below))
        bounds = np.stack([np.array(starts), np.array(ends)], axis=1).ravel()
        return np.array(order, dtype=np.int64), bounds.astype(np.int64), rank

    def to_json(self) -> str:
        """The tree as a JSON document, in the order of ``nodes``; ``from_json`` reads it."""
        rows = [{"id": n.id, "name": n.name, "parent_id": n.parent_id} for n in self.nodes]
        return json.dumps({"nodes": rows}, ensure_ascii=True, indent=1)

    @classmethod
    def from_json(cls, text: str | Mapping[str, Any]) -> Tree:
        """Reads what ``to_json`` wrote, as text or already parsed; TreeError when it is something else."""
        try:
            document = json.loads(text) if isinstance(text, str) else text
            nodes = [Node(row["id"], row["name"], row["parent_id"]) for row in document["nodes"]]
        except (ValueError, KeyError, TypeError) as error:
            raise TreeError(
                f"not a tree in JSON ({error!r}): expected {{'nodes': [{{'id', 'name', 'parent_id'}}, …]}}; "
                "write it with Tree.to_json"
            ) from error
        return cls(nodes)

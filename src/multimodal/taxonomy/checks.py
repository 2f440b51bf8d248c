"""What makes a list of nodes a tree; every error names the nodes it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol

from multimodal.errors import TreeError, nearest

_SHOWN = 5


class NodeLike(Protocol):
    """What a check needs to see of a node."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parent_id(self) -> str | None: ...


def check_nodes(nodes: Sequence[NodeLike]) -> None:
    """Raises TreeError when ``nodes`` are empty, repeat an id, miss a parent or run in a circle."""
    if not nodes:
        raise TreeError(
            "the tree is empty: got 0 categories, expected at least one; check the source of the tree"
        )
    if any(not node.id for node in nodes):
        raise TreeError("a category has an empty id; expected a non-empty id for each, give it one")
    counts = Counter(node.id for node in nodes)
    repeated = [node_id for node_id, n in counts.items() if n > 1]
    if repeated:
        raise TreeError(
            f"category ids stand more than once: {_listed(repeated)}; expected each once, rename or drop"
        )
    _check_parents(nodes)
    _check_cycles({node.id: node.parent_id for node in nodes})


def unknown_category(wanted: str, nodes: Sequence[NodeLike]) -> TreeError:
    """The error for a category that the tree does not hold, with the nearest ids and names."""
    hint = nearest(wanted, [node.id for node in nodes])
    folded = {node.name.casefold() for node in nodes}
    close = get_close_matches(wanted.casefold(), folded, n=3, cutoff=0.75)
    named = [f"{node.id} ({node.name})" for node in nodes if node.name.casefold() in close]
    if named:
        hint += f" By name: {_listed(named)}."
    return TreeError(
        f"unknown category {wanted!r}: expected the id of one of the tree's {len(nodes)} categories.{hint}"
    )


def _check_parents(nodes: Sequence[NodeLike]) -> None:
    ids = {node.id for node in nodes}
    orphans = [n for n in nodes if n.parent_id is not None and n.parent_id not in ids]
    if orphans:
        shown = _listed([f"{n.id} ({n.name}), parent {n.parent_id}" for n in orphans])
        raise TreeError(
            f"categories whose parent is not in the tree: {shown}; "
            "add the parent, or make it a root (parent 0)"
        )


def _check_cycles(parents: Mapping[str, str | None]) -> None:
    safe: set[str] = set()
    for start in parents:
        seen: dict[str, None] = {}
        current: str | None = start
        while current is not None and current not in safe:
            if current in seen:
                cycle = list(seen)[list(seen).index(current) :]
                shown = " -> ".join([*cycle, current])
                raise TreeError(
                    f"categories run in a circle (child -> parent): {shown}; expected a root at the end"
                )
            seen[current] = None
            current = parents[current]
        safe.update(seen)


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more

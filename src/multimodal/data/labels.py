"""Checks the labels of products against a tree."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from multimodal.errors import nearest
from multimodal.types import Product, RowError

_WHOLE_FLOAT = re.compile(r"(-?\d+)\.0+")


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """What a label is held against.

    Attributes:
        leaves: ids a row may be labelled with.
        inner: ids of nodes with children.
        names: id -> name, for messages.
        allowed: ids of inner nodes that a row may be labelled with all the same.
    """

    leaves: Collection[str]
    inner: Collection[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    allowed: Collection[str] = frozenset()

    def check(self, item: Product, row: int) -> Product | RowError:
        """``item`` when its label will do, else the error of its row."""
        label = self._known(item.category_id)
        if label is None:
            message = "got no category, expected the id of a leaf; label the row or leave it out"
            return RowError(item.id, row, "label", "unlabelled", message)
        if label in self.leaves or label in self.allowed:
            return item if label == item.category_id else replace(item, category_id=label)
        if label in self.inner:
            shown = f"{label!r} ({self.names[label]})" if label in self.names else repr(label)
            why = (
                "every leaf lies below it, so it says nothing" if self.allowed else "only training rows may stop there"
            )
            message = f"category {shown} is an inner node, expected a leaf: {why}; choose a category below it"
            return RowError(item.id, row, "label", "inner_category", message)
        return RowError(item.id, row, "label", "unknown_category", self._unknown(label))

    def _known(self, label: str | None) -> str | None:
        # ids from a column with holes may have gone through floats: '12.0' is 12, unless the tree has it
        match = None if label is None else _WHOLE_FLOAT.fullmatch(label)
        if match is None or label in self.leaves or label in self.inner:
            return label
        return match[1] if match[1] in self.leaves or match[1] in self.inner else label

    def _unknown(self, label: str) -> str:
        hint = nearest(label, [*self.leaves, *self.inner])
        folded = {name.casefold() for name in self.names.values()}
        close = get_close_matches(label.casefold(), folded, n=3, cutoff=0.75)
        named = [f"{id} ({name})" for id, name in self.names.items() if name.casefold() in close][:5]
        if named:
            hint += f" By name: {', '.join(named)}."
        return (
            f"category {label!r} is not in the tree; expected one of its {len(self.leaves)} leaves.{hint} "
            "Correct the row, or map the label with category_map."
        )


def check_labels(
    items: Iterable[Product | RowError],
    tree_leaf_ids: Collection[str],
    inner_ids: Collection[str] = frozenset(),
    names: Mapping[str, str] | None = None,
    allowed: Collection[str] = frozenset(),
) -> Iterator[Product | RowError]:
    """Yields each item, or in its place the error of a product that no leaf of the tree is the label of.

    Rows in those errors count the items from 0.

    Args:
        tree_leaf_ids, inner_ids: ids of the tree's leaves and of its nodes with children.
        names: id -> name; with it, messages name the nodes.
        allowed: ids of inner nodes that will do as labels.
    """
    check = LabelCheck(frozenset(tree_leaf_ids), frozenset(inner_ids), names or {}, frozenset(allowed))
    for row, item in enumerate(items):
        yield check.check(item, row) if isinstance(item, Product) else item

"""Rows that two splits share: by id, by title, by photo. What is known by heart is no test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from multimodal.text.alike import title_key
from multimodal.types import Product

Kind = Literal["id", "title", "photo", "group"]
KINDS: tuple[Kind, ...] = ("id", "title", "photo", "group")


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows of one split that another split knows already.

    Attributes:
        kind: what they share.
        known, rows_of: the split that has it too, and the one whose rows are counted.
        rows: how many.
        relabelled: of those with a label, how many whose label the other split does not have for it.
    """

    kind: Kind
    known: str
    rows_of: str
    rows: int
    relabelled: int


@dataclass(slots=True)
class Marks:
    """What rows of a split can be recognised by, as hashes, with the labels seen for each.

    Attributes:
        seen: kind -> hash -> label -> rows.
    """

    seen: dict[Kind, dict[bytes, dict[str | None, int]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, product: Product, photo: bytes | None) -> None:
        """Notes one row.

        Args:
            photo: its encoded bytes.
        """
        key = title_key(product.title) if product.title else ""
        marks: dict[Kind, bytes | None] = {
            "id": None if product.id is None else str(product.id).encode(),
            "title": key.encode() if key else None,
            "photo": photo,
            "group": product.group.encode() if product.group else None,
        }
        for kind, told in marks.items():
            if told is not None:
                labels = self.seen[kind].setdefault(_mark(told), {})
                labels[product.category_id] = labels.get(product.category_id, 0) + 1

    def repeated(self, kind: Kind) -> tuple[int, int]:
        """Rows that another row of the split shares something with, and those among them of another label."""
        rows = relabelled = 0
        for labels in self.seen[kind].values():
            count = sum(labels.values())
            if count > 1:
                rows += count
                relabelled += count if len(labels) > 1 else 0
        return rows, relabelled


def find_leaks(marks: Mapping[str, Marks]) -> tuple[Leak, ...]:
    """Every pair of splits that share something, each counted in the later one."""
    names = list(marks)
    found = []
    for place, later in enumerate(names):
        for earlier in names[:place]:
            for kind in KINDS:
                known, own = marks[earlier].seen[kind], marks[later].seen[kind]
                shared = [(known[mark], labels) for mark, labels in own.items() if mark in known]
                rows = sum(sum(labels.values()) for _, labels in shared)
                other = sum(
                    count for before, labels in shared for label, count in labels.items()
                    if label is not None and label not in before
                )  # fmt: skip
                if rows:
                    found.append(Leak(kind, earlier, later, rows, other))
    return tuple(found)


def _mark(told: bytes) -> bytes:
    return hashlib.blake2b(told, digest_size=8).digest()

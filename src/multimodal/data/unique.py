"""Turns repeated ids of a source into errors of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from multimodal.data.seen import SeenIds
from multimodal.protocols import Reader
from multimodal.types import Product, RowError

DUPLICATE_ID = "duplicate_id"
"""Code of the error of a row whose id stood in an earlier one."""

@dataclass(frozen=True, slots=True)
class UniqueIds:
    """A ``Reader`` whose first product of an id stays and whose later ones are row errors.

    Rows without an id repeat nothing. Keeps 16 bytes an id in memory, nothing else.
    """

    reader: Reader

    def count(self) -> int | None:
        return self.reader.count()

    def __iter__(self) -> Iterator[Product | RowError]:
        seen = SeenIds()
        for row, item in enumerate(self.reader):
            key = None if item.id is None or isinstance(item, RowError) else str(item.id)
            before = None if key is None else seen.first(key, row)
            if before is None:
                yield item
            else:
                yield RowError(
                    item.id, row, "read", DUPLICATE_ID,
                    f"id {item.id!r} stands in row {row} and before it in row {before}; expected each id "
                    "once, the first was kept: remove the others or give them ids of their own",
                )  # fmt: skip


def unique_ids(reader: Reader) -> Reader:
    """``reader`` with later products of an id it has given before as ``duplicate_id`` errors."""
    return UniqueIds(reader)

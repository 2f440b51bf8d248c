"""Joins rows that share a key into groups, whatever their order."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
_BYTES = 8


def key_of(kind: str, value: bytes | str) -> int:
    """A 64 bit hash of a value in the namespace of its kind."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=_BYTES, person=kind.encode()[:16]).digest(), "big")


class Groups:
    """A union-find over the keys of rows; holds one or a few 64 bit hashes a row and nothing else.

    Own code: scipy's and networkx' are in the training extra alone, and this is wanted without it.
    A group is named by the least of its keys, so neither the order of rows nor that of keys matters.
    """

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._rows = array("Q")

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, keys: Sequence[int]) -> None:
        """The next row: it joins every earlier and later row that has one of ``keys`` (at least one)."""
        tops = [self._top(key) for key in keys]
        least = min(tops)
        for top in tops:
            self._above[top] = least
        self._rows.append(least)

    def of_rows(self) -> Keys:
        """The group of each row, uint64 [N], once all are added."""
        return np.fromiter((self._top(key) for key in self._rows), np.uint64, len(self._rows))

    def _top(self, key: int) -> int:
        above = self._above
        up = above.setdefault(key, key)
        while up != key:
            above[key] = key = above[up]  # halves the path for whoever comes next
            up = above[key]
        return key

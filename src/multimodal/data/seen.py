"""Which ids a source has given before, in little memory."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

_RECENT = 1 << 16
Run = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]


class SeenIds:
    """The first row of each id, at 16 bytes an id: 64-bit hashes in sorted runs.

    New ids gather in a dictionary, which then becomes a run; runs of a size are merged, so there are few (a
    log-structured merge tree: O'Neil et al., 1996). Two of ten million ids share a hash with a chance of three in a
    million.
    """

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._runs: list[Run] = []

    def first(self, key: str, row: int) -> int | None:
        """The row an id was first seen in; None, and ``row`` from now on, where it is new."""
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = int.from_bytes(digest, "little")
        found = self._recent.get(number)
        if found is not None:
            return found
        for keys, rows in self._runs:
            at = int(keys.searchsorted(np.uint64(number)))
            if at < len(keys) and int(keys[at]) == number:
                return int(rows[at])
        self._recent[number] = row
        if len(self._recent) >= _RECENT:
            self._settle()
        return None

    def _settle(self) -> None:
        count = len(self._recent)
        keys = np.fromiter(self._recent, np.uint64, count)
        rows = np.fromiter(self._recent.values(), np.int64, count)
        self._recent = {}
        self._runs.append(_sorted(keys, rows))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= len(self._runs[-1][0]):
            (a, a_rows), (b, b_rows) = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(np.concatenate([a, b]), np.concatenate([a_rows, b_rows])))


def _sorted(keys: npt.NDArray[np.uint64], rows: npt.NDArray[np.int64]) -> Run:
    order = np.argsort(keys)
    return keys[order], rows[order]

"""Feature hashes: 32 bits, the same on every machine and in every process.

Words go through CRC-32, seeded by the kind of feature. Character n-grams go through a polynomial over
code points, all lengths of all tokens in one numpy pass. Word n-grams combine the hashes of their words.
Changing anything here changes every trained table: raise ``kitchen.VERSION`` with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast
from zlib import crc32

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]

_BASE: Final = np.uint32(0x01000193)
_GOLDEN: Final = 0x9E3779B1
_MAX_CACHED_LENGTH: Final = 48


def word_hash(text: str, prefix: bytes) -> int:
    """Hash of a whole string in the namespace of ``prefix``."""
    return crc32(text.encode("utf-8", "surrogatepass"), crc32(prefix))


def mix(values: Hashes) -> Hashes:
    """MurmurHash3's finaliser: spreads every input bit over all output bits. Works on a copy."""
    h = values ^ (values >> np.uint32(16))
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def follow(first: Hashes, second: Hashes) -> Hashes:
    """Hash of ``first`` followed by ``second``, elementwise; the order matters."""
    return mix(first * np.uint32(_GOLDEN) + (second ^ np.uint32(0x5BD1E995)))


def char_hashes(tokens: Sequence[str], shortest: int, longest: int, salt: int) -> list[Hashes]:
    """Hashes of the character n-grams of ``<token>``, for each token, by position and then by length.

    A single boundary marker is no n-gram. ``longest`` 0 gives none.
    """
    if not longest or not tokens:
        return [np.empty(0, dtype=np.uint32)] * len(tokens)
    joined = "<" + "><".join(tokens) + ">"
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens)) + 2
    ends = np.cumsum(lengths)
    room = np.repeat(ends, lengths) - np.arange(len(codes))  # characters left in the token, this one too
    hashes = np.empty((len(codes), longest - shortest + 1), dtype=np.uint32)
    rolling = np.zeros(len(codes), dtype=np.uint32)
    for n in range(1, longest + 1):
        whole = max(0, len(codes) - n + 1)
        rolling[:whole] *= _BASE
        rolling[:whole] += codes[n - 1 :]
        if n >= shortest:
            hashes[:, n - shortest] = rolling ^ np.uint32((n + salt) * _GOLDEN & 0xFFFFFFFF)
    inside = room[:, None] >= np.arange(shortest, longest + 1)
    if shortest == 1:
        inside[ends - 1, 0] = inside[ends - lengths, 0] = False
    counts = np.add.reduceat(inside.sum(axis=1), ends - lengths)
    flat = mix(hashes[inside])
    bounds = np.cumsum(counts).tolist()
    return [flat[a:b] for a, b in zip([0, *bounds[:-1]], bounds, strict=True)]


class TokenHashes:
    """Remembers the hashes that depend on a token alone: the word, then its character n-grams.

    Keeps the tokens of the recent past: two halves, of which the older is dropped when the younger is
    full. That bounds it like an LRU while a hit costs one dictionary lookup. Safe under threads: a race
    can only cost a recomputation.
    """

    def __init__(
        self, prefix: bytes | None, shortest: int, longest: int, salt: int, bound: int = 32_768
    ) -> None:
        """``prefix`` is the namespace of the word's own hash; None leaves it out."""
        self._prefix = prefix
        self._range = (shortest, longest, salt)
        self._half = max(1, bound // 2)
        self._young: dict[str, Hashes] = {}
        self._old: dict[str, Hashes] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, tokens: Sequence[str]) -> list[Hashes]:
        """The hashes of each token, uint32 [its features]."""
        found = list(map(self._young.get, tokens))
        gaps = {token: self._old.get(token) for token, hit in zip(tokens, found, strict=True) if hit is None}
        if not gaps:
            return cast(list[Hashes], found)
        missing = [token for token, old in gaps.items() if old is None]
        filled = {token: old for token, old in gaps.items() if old is not None}
        filled.update(zip(missing, self._compute(missing), strict=True))
        for token, hashes in filled.items():
            self._remember(token, hashes)
        return [filled[t] if hit is None else hit for t, hit in zip(tokens, found, strict=True)]

    def _compute(self, tokens: Sequence[str]) -> list[Hashes]:
        grams = char_hashes(tokens, *self._range)
        if self._prefix is None:
            return [g.copy() for g in grams]  # a view would keep the whole pass in memory
        prefix = self._prefix
        words = np.fromiter((word_hash(t, prefix) for t in tokens), dtype=np.uint32, count=len(tokens))
        return [np.concatenate((words[i : i + 1], g)) for i, g in enumerate(grams)]

    def _remember(self, token: str, hashes: Hashes) -> None:
        if len(token) > _MAX_CACHED_LENGTH:  # no word of any language; would make the bound meaningless
            return
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[token] = hashes

"""Contracts between floors, apart from their implementations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from multimodal.types import Product, RowError


@runtime_checkable
class Reader(Protocol):
    """A stream of products from one source; a row that cannot be read yields a ``RowError`` in its place."""

    def __iter__(self) -> Iterator[Product | RowError]:
        """Yields one item a row, in the order of the source, holding a bounded part of it in memory."""
        ...

    def count(self) -> int | None:
        """The number of rows, for progress bars; None where it would take a full read."""
        ...


@runtime_checkable
class Lemmatizer(Protocol):
    """Turns the tokens of texts into their dictionary forms; as many out as in. Safe to share between threads."""

    name: str

    def lemmas(self, tokens: Sequence[str]) -> list[str]:
        """Lower-cased forms of the tokens of one text, one for each, in order."""
        ...

    def lemmas_of(self, texts: Sequence[Sequence[str]]) -> list[list[str]]:
        """The same for several texts at once, which may be faster; a text's own do not depend on the others."""
        ...

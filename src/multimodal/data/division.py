"""Divides the rows of sources that come without splits: near-duplicates together, categories in proportion."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from multimodal.config.models import Likeness
from multimodal.data.groups import Groups, Keys, key_of
from multimodal.data.stratify import draw_groups
from multimodal.errors import DataError, InputError
from multimodal.types import ImageRef, Product, RowError

Item = Product | RowError
_NO_ROW = 0
"""The group of rows that are errors; they stay in the first split."""


@dataclass(frozen=True, slots=True)
class RowKeys:
    """What makes two rows one group.

    A row that has a group of its own belongs to that alone. Any other is joined with those that share one of
    ``by``; one that has none of these stands by itself, or with its exact copies.

    Attributes:
        title: a title in the form that is compared; empty where it says nothing.
        photo: the bytes of a photo's file.
    """

    by: Sequence[Likeness]
    title: Callable[[str], str]
    photo: Callable[[ImageRef], bytes]

    def of(self, product: Product) -> list[int]:
        """The keys of a row, at least one."""
        if product.group is not None:
            return [key_of("group", product.group)]
        found = [key for name in self.by if (key := self._key(name, product)) is not None]
        alone = (product.id, product.description, product.characteristics, _seen(product))
        return found or [key_of("row", repr(alone))]

    def _key(self, name: Likeness, product: Product) -> int | None:
        if name == "id":
            return None if product.id is None else key_of("id", str(product.id))
        if name == "title":
            title = self.title(product.title) if product.title else ""
            return key_of("title", title) if title else None
        if product.image is None:
            return None
        try:
            return key_of("photo", self.photo(product.image))
        except InputError:  # a photo that cannot be read is like no other; its row says so where it is used
            return None


def _seen(product: Product) -> object:
    """What tells one photo from another without opening it."""
    photo = product.image
    if photo is None:
        return None
    return key_of("photo", photo.data) if photo.data is not None else photo.path or repr(photo.source)


@dataclass(frozen=True, slots=True)
class Division:
    """Which split each row of a stream belongs to.

    Attributes:
        names: of the splits; the first takes what is not drawn, rows that are errors among it.
        split: uint8 [N], an index into ``names``.
        groups: uint64 [N]; 0 for rows that are errors.
        categories: [N], as labelled; empty without a label.
    """

    names: tuple[str, ...]
    split: npt.NDArray[np.uint8]
    groups: Keys
    categories: tuple[str, ...]

    def take(self, numbered: Iterable[tuple[int, Item]], name: str) -> Iterator[tuple[int, Item]]:
        """The rows of one split, of a stream of the same rows; products get their group's name.

        Raises:
            DataError: the stream has another number of rows than when it was divided.
        """
        wanted, row = self.names.index(name), -1
        for row, item in numbered:
            if row >= len(self.split):
                break
            if self.split[row] == wanted:
                yield row, item if isinstance(item, RowError) else replace(item, group=self.group(row, item))
        if row + 1 != len(self.split):
            raise DataError(
                f"data: got {'more' if row >= len(self.split) else row + 1} rows, expected {len(self.split)} as when "
                "they were divided; leave the files as they are while they are read"
            )

    def group(self, row: int, product: Product) -> str:
        """A row's own group, or the name of the group it was joined into."""
        return self.group_name(row) if product.group is None else product.group

    def group_name(self, row: int) -> str:
        """A name of the group that a row was joined into."""
        return f"alike:{int(self.groups[row]):016x}"

    def holds(self, name: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether each of these rows, counted from 0, is in a split and no error."""
        return np.asarray((self.split[rows] == self.names.index(name)) & (self.groups[rows] != _NO_ROW))

    def rows(self, name: str) -> int:
        """How many rows a split has, less those that are errors."""
        return int(self.holds(name, np.arange(len(self.split))).sum())

    def group_count(self, name: str) -> int:
        """How many groups a split has; rows that are errors have none."""
        inside = self.groups[self.split == self.names.index(name)]
        return len(np.unique(inside[inside != _NO_ROW]))


def divide(items: Iterable[Item], keys: RowKeys, shares: Mapping[str, float], seed: int = 0) -> Division:
    """Plans the splits of a stream in one pass; only hashes of its rows are held.

    The same rows and seed give the same splits, in any order of the rows and on every machine.

    Args:
        items: ``RowError`` among them go to ``train``.
        shares: name -> share of the rows of every category; ``train`` takes the rest.

    Raises:
        ValueError: shares that leave nothing to train on.
    """
    if not all(share > 0 for share in shares.values()) or sum(shares.values()) >= 1:
        raise ValueError(f"shares: got {dict(shares)}, expected numbers above 0 that add up to less than 1")
    joined, places, categories = Groups(), array("Q"), []
    names: dict[str, str] = {}
    for row, item in enumerate(items):
        label = item.category_id or "" if isinstance(item, Product) else ""
        categories.append(names.setdefault(label, label))  # one string a category, not one a row
        if isinstance(item, Product):
            joined.add(keys.of(item))
            places.append(row)
    at = np.array(places, np.int64)
    groups = np.zeros(len(categories), np.uint64)
    groups[at] = joined.of_rows()
    split = np.zeros(len(categories), np.uint8)
    rest = 1.0
    for number, share in enumerate(shares.values(), 1):
        free = at[split[at] == 0]
        drawn = draw_groups(groups[free], [categories[i] for i in free], share / rest, seed + number - 1)
        split[free[drawn]] = number
        rest -= share
    return Division(("train", *shares), split, groups, tuple(categories))

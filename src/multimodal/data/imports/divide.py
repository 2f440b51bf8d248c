"""Divides imported rows into train, val and test: whole groups, each category in proportion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from multimodal.data.groups import Groups
from multimodal.data.imports.writer import SPLITS
from multimodal.data.stratify import draw_groups

TitleKey = Callable[[str], str]
"""A title in the form that is compared; empty where it says nothing."""

VAL, TEST = 0.1, 0.1
_TRAIN, _VAL, _TEST = range(3)


@dataclass(frozen=True, slots=True)
class Divided:
    """The split and the group of each row, and how many groups there are."""

    split: tuple[str, ...]
    group: tuple[str, ...]
    groups: int


def divide_rows(keys: Sequence[Sequence[int]], categories: Sequence[str]) -> Divided:
    """Joins rows that share a key and draws a tenth of every category for val, and for test.

    The same rows are divided the same way in any order and on every machine.

    Args:
        keys: [N], of each row at least one; see ``multimodal.data.groups.key_of``.
        categories: [N].
    """
    joined = Groups()
    for of_row in keys:
        joined.add(of_row)
    groups = joined.of_rows()
    split = np.zeros(len(groups), np.uint8)
    rest = 1.0
    for number, share in ((_TEST, TEST), (_VAL, VAL)):
        free = np.flatnonzero(split == _TRAIN)
        drawn = draw_groups(groups[free], [categories[i] for i in free.tolist()], share / rest, seed=number)
        split[free[drawn]] = number
        rest -= share
    names = tuple(f"{int(group):016x}" for group in groups)
    return Divided(tuple(SPLITS[i] for i in split), names, len(set(names)))

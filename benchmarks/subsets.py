"""Nested subsets of labelled rows for learning curves: a larger one holds all of a smaller one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from multimodal.errors import DataError

ALL = "all"
Rows = npt.NDArray[np.int64]


def nested_order(labels: Sequence[str], groups: Sequence[str], seed: int) -> Rows:
    """An order of N rows of which every prefix is a sample: by whole groups, each category by its share.

    The groups of a category are spread evenly over the order, from a random start, so a prefix of a tenth
    holds a tenth of every large category and, by chance, one in ten of the categories with a single group.

    Args:
        labels: [N], the category of each row.
        groups: [N]; rows of one group stand side by side, and only the last group of a prefix may be cut.
        seed: of the draw; the same seed gives the same order whatever the order of the rows of a group.

    Returns:
        int64 [N], row numbers.
    """
    rng = np.random.default_rng(seed)
    of_group: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        of_group.setdefault(group, []).append(row)
    of_category: dict[str, list[str]] = {}
    for group in sorted(of_group):
        # A group can hold several categories; its smallest row number would tie it to the file's order.
        of_category.setdefault(min(labels[row] for row in of_group[group]), []).append(group)
    places: list[tuple[float, str]] = []
    for category in sorted(of_category):
        members = of_category[category]
        start = rng.random()
        shuffled = rng.permutation(len(members))
        places += [((i + start) / len(members), members[at]) for i, at in enumerate(shuffled)]
    return np.array([row for _, group in sorted(places) for row in of_group[group]], np.int64)


def parse_sizes(text: str, rows: int) -> list[int]:
    """Numbers of rows from ``50,200,all``, ascending; those beyond ``rows`` are left out.

    Raises:
        DataError: something else than numbers of at least 20 rows, or nothing is left.
    """
    sizes = set()
    for part in (p.strip() for p in text.split(",") if p.strip()):
        if part != ALL and not (part.isdecimal() and int(part) >= 20):
            raise DataError(f"--sizes: got {part!r}, expected numbers of at least 20 rows and '{ALL}', commas between")
        size = rows if part == ALL else int(part)
        if size <= rows:
            sizes.add(size)
    if not sizes:
        raise DataError(f"--sizes: got {text!r}, expected at least one of at most {rows:,} rows; or '{ALL}'")
    return sorted(sizes)

"""What the notebooks share: tables as records, for a data frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from multimodal.report.blocks import Table

Record = dict[str, object]


def records(table: Table) -> list[Record]:
    """The rows of a report's table by the names of its columns."""
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def who_is_right(right: Mapping[str, Sequence[bool]]) -> list[Record]:
    """How often each combination of systems is right on the same rows, the commonest first.

    Args:
        right: system -> whether it is right, row by row.
    """
    counts = Counter(zip(*right.values(), strict=True))
    rows = sum(counts.values())
    return [
        {**{name: "right" if told else "–" for name, told in zip(right, kind, strict=True)},
         "rows": count, "share": f"{count / rows:.1%}"}
        for kind, count in counts.most_common()
    ]  # fmt: skip

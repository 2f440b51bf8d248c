"""Why rows, or their photos, could not be used: a line for each kind, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterable

from multimodal.types import RowError

TEXT_ALONE = ", so their text stands alone"
"""What an unreadable photo means for a row with text."""


def by_code(rows: Iterable[RowError], so: str = "") -> list[str]:
    """``57 x image_missing: photos/1.jpg: …``, the most frequent code first, each with its first message.

    Messages name files and values, so that counted whole each would stand on a line of its own.

    Args:
        so: what it means for the rows; stands behind the code.
    """
    kinds: dict[str, list[str]] = {}
    for row in rows:
        kinds.setdefault(row.code, []).append(row.message)
    told = []
    for code, messages in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        alike = so or len(set(messages)) == 1
        told.append(f"{len(messages):,} x {code}{so}{':' if alike else ', for example:'} {messages[0]}")
    return told

"""Words that stand in a table where a value is missing."""

from __future__ import annotations

MISSING = frozenset({
    "", "nan", "NaN", "-nan", "-NaN", "<NA>", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "NULL", "null", "None",
    "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
})  # fmt: skip
"""What ``pandas.read_csv`` takes for a missing value unless told otherwise, written by programs that turned one into
text. Without pandas' ``NA``: that is a size, a region and a word of titles, and no program writes it for nothing but
one whose users chose it."""


def is_missing_word(text: str) -> bool:
    """Whether a text, without the blanks around it, is one of ``MISSING``; as written there, so ``none`` is a word."""
    return text.strip() in MISSING

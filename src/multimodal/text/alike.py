"""When two titles are the same but for the way they are written."""

from __future__ import annotations

from multimodal.text.cleaning import normalise
from multimodal.text.tokens import tokenise


def title_key(title: str) -> str:
    """The words and numbers of a title, casefolded; equal for titles that differ in spacing, case or punctuation.

    Empty for a title without a word or number.
    """
    return " ".join(token.casefold() for token in tokenise(normalise(title)))

"""Masked titles: what is left of a title without the words of category names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from multimodal.taxonomy import Tree

_WORD = re.compile(r"\w+")


def category_words(tree: Tree) -> frozenset[str]:
    """Casefolded words of all category names, with what they are plurals of."""
    words = {word.casefold() for node in tree.nodes for word in _WORD.findall(node.name)}
    return frozenset(form for word in words for form in _forms(word))


def mask_title(title: str, words: frozenset[str]) -> str:
    """Removes every ``\\w+`` token that stands in a category name, in the singular or the plural.

    Args:
        title: as the seller wrote it.
        words: from ``category_words``.

    Returns:
        The rest, whitespace collapsed; possibly empty.
    """
    kept = _WORD.sub(lambda match: "" if _matches(match[0], words) else match[0], title)
    return " ".join(kept.split())


def names_category(title: Iterable[str], words: frozenset[str]) -> bool:
    """Whether a title holds any of the ``category_words``, in the singular or the plural.

    Args:
        title: its words after the kitchen's cleaning, as ``TextFields.title_words``: what is read is what counts.
    """
    return any(_matches(token, words) for word in title for token in _WORD.findall(word))


def _matches(token: str, words: frozenset[str]) -> bool:
    return any(form in words for form in _forms(token.casefold()))


def _forms(word: str) -> list[str]:
    """The word and the singulars it may be a plural of: s, es, ies."""
    forms = [word]
    if word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("ies"):
        forms.append(word[:-3] + "y")
    return [form for form in forms if len(form) > 1 or form == word]

"""The usual names of a category's id, name and parent: columns of a table, keys of an object."""

from __future__ import annotations

IDS = ("id", "category_id", "categoryId")
NAMES = ("name", "title", "label")
PARENTS = ("parent_id", "parentId", "parent")


def spelt(asked: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The spellings to look for, best first: the one asked for, then the usual ones."""
    return tuple(dict.fromkeys((asked, *usual)))

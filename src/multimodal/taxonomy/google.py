"""Reads Google's product taxonomy, with ids (``3237 - Animals > Live Animals``) and without."""

from __future__ import annotations

import re
from collections.abc import Iterator

from multimodal.errors import TreeError
from multimodal.taxonomy.paths import PATH_SEPARATOR, path_parts
from multimodal.taxonomy.tree import Node

ID_LINE = re.compile(r"([0-9]+)\s+-\s+(.*)")
COMMENT = "#"
_Line = tuple[int, str, tuple[str, ...]]


def google_nodes(text: str) -> list[Node]:
    """The nodes of a taxonomy text: a line a category, each with its whole path; ``#`` starts a comment.

    The first category decides whether lines carry ids. Without them the ids are those that
    ``tree_from_paths`` gives. A parent may stand before or after its children.

    Raises:
        TreeError: a line without an id where others have one, with an empty part, of an id or a path that
            another line has, or whose parent has no line; each names the line.
    """
    lines = list(_with_ids(text) if _has_ids(text) else _without_ids(text))
    by_path: dict[tuple[str, ...], _Line] = {}
    by_id: dict[str, _Line] = {}
    for line in lines:
        number, key, path = line
        if path in by_path:
            raise TreeError(
                f"line {number}: the path {_shown(path)!r} stands on line {by_path[path][0]} already; "
                "expected each once, drop one"
            )
        if key in by_id:
            other, _, taken = by_id[key]
            raise TreeError(
                f"line {number}: the id {key} stands on line {other} already, for {_shown(taken)!r}; "
                f"expected each once, give {_shown(path)!r} another"
            )
        by_path[path] = by_id[key] = line
    return [Node(key, path[-1], _parent(number, path, by_path)) for number, key, path in lines]


def _parent(number: int, path: tuple[str, ...], known: dict[tuple[str, ...], _Line]) -> str | None:
    if len(path) == 1:
        return None
    above = known.get(path[:-1])
    if above is None:
        raise TreeError(
            f"line {number}: {_shown(path)!r} has no parent: expected a line for {_shown(path[:-1])!r}; "
            "add it, or correct the path"
        )
    return above[1]


def _has_ids(text: str) -> bool:
    return any(ID_LINE.fullmatch(line) for _, line in list(_lines(text))[:1])


def _with_ids(text: str) -> Iterator[_Line]:
    for number, line in _lines(text):
        match = ID_LINE.fullmatch(line)
        if match is None:
            raise TreeError(
                f"line {number}: got {line[:80]!r}, expected an id and a path as on the first line, such as "
                "'3237 - Animals > Live Animals'; give the line an id"
            )
        yield number, match[1], _parts(number, match[2])


def _without_ids(text: str) -> Iterator[_Line]:
    for number, line in _lines(text):
        path = _parts(number, line)
        yield number, PATH_SEPARATOR.join(path), path


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of the lines that are neither blank nor comments."""
    for number, line in enumerate(text.split("\n"), start=1):
        told = line.strip()
        if told and not told.startswith(COMMENT):
            yield number, told


def _parts(number: int, path: str) -> tuple[str, ...]:
    try:
        return tuple(path_parts(path))
    except TreeError as error:
        raise TreeError(f"line {number}: {error.message}") from None


def _shown(path: tuple[str, ...]) -> str:
    return PATH_SEPARATOR.join(path)

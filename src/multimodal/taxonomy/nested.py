"""Reads the nodes of a tree from JSON: nested objects, mappings of names, lists of names, or a flat list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multimodal.errors import DataError, TreeError
from multimodal.taxonomy.paths import PATH_SEPARATOR
from multimodal.taxonomy.spellings import IDS, NAMES, PARENTS, spelt
from multimodal.taxonomy.table import cell_text, row_nodes, without_shop
from multimodal.taxonomy.tree import Node

_CHILDREN = ("children", "subcategories", "subCategories", "nodes", "categories")
_EXPECTED = (
    "a category with a name ('name', 'title' or 'label') and perhaps an 'id' and 'children', a mapping such as "
    "{'Apparel': {'Topwear': {}}}, or a list of these or of names"
)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The spellings of each key, the ones asked for first."""

    id: tuple[str, ...]
    name: tuple[str, ...]
    parent: tuple[str, ...]

    def is_node(self, value: object) -> bool:
        """Whether an object tells of itself; in a mapping of names every value is an object or a list."""
        return isinstance(value, dict) and any(_is_scalar(value.get(key)) for key in (*self.id, *self.name))


@dataclass(frozen=True, slots=True)
class _Category:
    """A category as it stands: ``where`` in the document, and what is below it, not looked at yet."""

    where: str
    id: str | None
    name: str
    below: object


@dataclass(frozen=True, slots=True)
class _Placed:
    """A category in the tree: the names on its path, and its parent's place in the list."""

    category: _Category
    path: tuple[str, ...]
    parent: int | None


def json_nodes(text: str, id: str = "id", name: str = "title", parent_id: str = "parent_id") -> list[Node]:
    """The nodes of a JSON text, parents before children, in the order they stand.

    A category is an object with a name, perhaps an id and children (an object, a list or a mapping), under
    ``id``, ``name`` and ``parent_id`` or a usual spelling of these keys. A list, or an object that holds
    one under a key such as ``categories``, is several roots. Objects with a parent and no children are a
    flat list, read as a table is. An object of another kind maps names to children; text in a list is the
    name of a leaf. Where nothing has an id, ids are those that ``tree_from_paths`` gives. A category of id 0
    that is the only root is left out, as of a table; see ``without_shop``.

    Raises:
        DataError: no JSON, or nested too deep to be read.
        TreeError: a key that stands twice in an object, something that is no category, or one without an
            id where others have one; each names the place.
    """
    keys = _Keys(spelt(id, IDS), spelt(name, NAMES), spelt(parent_id, PARENTS))
    document = _unwrapped(_parsed(text), keys)
    if isinstance(document, list) and _is_flat(document, keys):
        columns = [[_cell(row, spelt) for row in document] for spelt in (keys.id, keys.name, keys.parent)]
        return row_nodes(columns, (keys.id[0], keys.name[0]))
    placed = _placed(document, keys)
    ids = _ids(placed)
    nodes = [
        Node(key, one.path[-1], None if one.parent is None else ids[one.parent])
        for key, one in zip(ids, placed, strict=True)
    ]
    return without_shop(nodes) if any(one.category.id for one in placed) else nodes


def _parsed(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_each_key_once)
    except RecursionError:
        raise DataError("nested too deep to be read as JSON; write it as a table with parent ids") from None
    except ValueError as error:
        raise DataError(f"not readable as JSON ({error}); expected {_EXPECTED}") from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TreeError(f"the key {twice!r} stands twice in one object; expected each once, rename or merge")
    return mapping


def _unwrapped(document: object, keys: _Keys) -> object:
    """The list of categories that an object such as ``{"version": 1, "categories": […]}`` holds."""
    if isinstance(document, dict) and not keys.is_node(document):
        for key in _CHILDREN:
            held = document.get(key)
            if isinstance(held, list) and held and keys.is_node(held[0]):
                return held
    return document


def _is_flat(rows: list[Any], keys: _Keys) -> bool:
    plain = all(keys.is_node(row) and not any(row.get(key) for key in _CHILDREN) for row in rows)
    return plain and any(key in row for row in rows for key in keys.parent)


def _cell(row: Mapping[str, object], spelt: Sequence[str]) -> str | None:
    return next((text for key in spelt if (text := cell_text(row.get(key))) is not None), None)


def _placed(document: object, keys: _Keys) -> list[_Placed]:
    """All the categories, each before those below it; a stack, as chains may be long."""
    placed: list[_Placed] = []
    stack: list[tuple[_Category, int | None]] = [(one, None) for one in reversed(_level("$", document, keys))]
    while stack:
        category, parent = stack.pop()
        above = () if parent is None else placed[parent].path
        placed.append(_Placed(category, (*above, category.name), parent))
        own = len(placed) - 1
        stack.extend((one, own) for one in reversed(_level(category.where, category.below, keys)))
    return placed


def _level(where: str, value: object, keys: _Keys) -> list[_Category]:
    """The categories that stand side by side in a value."""
    if value is None:
        return []
    if keys.is_node(value):
        return [_node(where, value, keys)]  # type: ignore[arg-type]
    if isinstance(value, dict):
        return [_entry(f"{where}.{name}", name, below, keys) for name, below in value.items()]
    if not isinstance(value, list):
        raise TreeError(f"{where}: got {_kind(value)}, expected {_EXPECTED}")
    found = []
    for i, item in enumerate(value):
        at = f"{where}[{i}]"
        if isinstance(item, str):
            found.append(_Category(at, None, _name(at, item), None))
        elif isinstance(item, dict):
            found.extend(_level(at, item, keys))
        else:
            raise TreeError(f"{at}: got {_kind(item)}, expected {_EXPECTED}")
    return found


def _node(where: str, value: Mapping[str, object], keys: _Keys) -> _Category:
    name = next((value[key] for key in keys.name if _is_scalar(value.get(key))), None)
    if name is None:
        raise TreeError(f"{where}: got a category without a name, expected one under {' or '.join(keys.name)}")
    held = [key for key in _CHILDREN if value.get(key)]
    if len(held) > 1:
        raise TreeError(f"{where}: got children under {' and '.join(held)}, expected one of them; merge them")
    key = _number(next((value[key] for key in keys.id if _is_scalar(value.get(key))), ""))
    return _Category(where, key or None, _name(where, name), value[held[0]] if held else None)


def _entry(where: str, name: str, below: object, keys: _Keys) -> _Category:
    if keys.is_node(below) or not (below is None or isinstance(below, dict | list)):
        got = "a category of another name" if isinstance(below, dict) else _kind(below)
        raise TreeError(
            f"{where}: got {got} under the name {name!r}, expected its children: a mapping, a list, or {{}} for a "
            "leaf. Put objects with names into a list"
        )
    return _Category(where, None, _name(where, name), below)


def _ids(placed: list[_Placed]) -> list[str]:
    given = [one.category.id for one in placed]
    if not any(given):
        return [_path_id(one) for one in placed]
    ids = []
    for key, one in zip(given, placed, strict=True):
        if key is None:
            raise TreeError(
                f"{one.category.where}: {one.category.name!r} has no id while others have; expected one for each "
                "category, or none at all"
            )
        ids.append(key)
    return ids


def _path_id(one: _Placed) -> str:
    sign = PATH_SEPARATOR.strip()
    if sign in one.category.name:
        raise TreeError(
            f"{one.category.where}: the name {one.category.name!r} holds {sign!r}, which stands between the names "
            "of a path, and paths are the ids here; expected another name, or an id for each category"
        )
    return PATH_SEPARATOR.join(one.path)


def _name(where: str, value: object) -> str:
    name = " ".join(_number(value).split())
    if not name:
        raise TreeError(f"{where}: got an empty name, expected a name for each category; fill it in")
    return name


def _number(value: object) -> str:
    """Text of a name or an id; a whole float loses its ``.0``."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return {bool: "true or false", list: "a list in a list", str: "text"}.get(type(value), "a number")

"""Category paths such as ``Apparel > Tops``: their parts, the ids they give, the tree they make up."""

from __future__ import annotations

from collections.abc import Iterable

from multimodal.errors import TreeError
from multimodal.taxonomy.tree import Node, Tree

PATH_SEPARATOR = " > "


def tree_from_paths(paths: Iterable[str], separator: str = PATH_SEPARATOR) -> Tree:
    """Builds the tree of all the categories on ``paths``, in the order they first appear.

    A node's id is its path, the stripped parts joined by ``" > "``; its name is the last part. A path
    that is also the beginning of another becomes an inner node.

    Raises:
        TreeError: a path without any part, or no paths.
    """
    sign = separator.strip() or separator
    nodes: dict[str, Node] = {}
    for path in dict.fromkeys(paths):
        parts = path_parts(path, sign)
        parent: str | None = None
        for depth in range(1, len(parts) + 1):
            key = PATH_SEPARATOR.join(parts[:depth])
            nodes.setdefault(key, Node(key, parts[depth - 1], parent))
            parent = key
    return Tree(nodes.values())


def tree_from_labels(labels: Iterable[str]) -> Tree:
    """A flat tree: a leaf for each label, sorted, whose id and name it is.

    Raises:
        TreeError: no labels.
    """
    return Tree(Node(label, label, None) for label in sorted(set(labels)))


def path_id(path: str, separator: str = PATH_SEPARATOR) -> str:
    """The id that ``tree_from_paths`` gives the last category of ``path``."""
    return PATH_SEPARATOR.join(path_parts(path, separator))


def path_parts(path: str, separator: str = PATH_SEPARATOR) -> list[str]:
    """The names on a path, stripped; TreeError when one of them, or all, are empty."""
    parts = [" ".join(part.split()) for part in path.split(separator.strip() or separator)]
    if not all(parts):
        raise TreeError(
            f"category path {path!r}: a part is empty; expected names between {separator!r}, "
            "such as 'Apparel > Tops > Shirts'"
        )
    return parts

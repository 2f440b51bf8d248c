"""Generated trees, and the same tree written in each form that a tree may come in."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from multimodal.taxonomy import Node, Tree

Write = Callable[[Tree, Path], Path]


@st.composite
def trees(draw: st.DrawFn, names: st.SearchStrategy[str] | None = None, siblings_differ: bool = False) -> Tree:
    """Any forest: each node's parent is an earlier one or none; the order is then shuffled."""
    n = draw(st.integers(1, 25))
    parents = [draw(st.none() | st.integers(0, i - 1)) if i else None for i in range(n)]
    told = draw(st.lists(st.text(max_size=5) if names is None else names, min_size=n, max_size=n))
    if siblings_differ:
        told = [f"{name} {i}" if (parents[i], name) in zip(parents[:i], told[:i], strict=True) else name
                for i, name in enumerate(told)]  # fmt: skip
    nodes = [Node(str(i + 1), told[i], None if (p := parents[i]) is None else str(p + 1)) for i in range(n)]
    return Tree(draw(st.permutations(nodes)))


WORDS = st.text(st.sampled_from("aбZё&'\",;:/-.()é中[{# "), min_size=1, max_size=6).map(
    lambda text: " ".join(text.split())
).filter(lambda text: text and not text.startswith("#"))  # fmt: skip
"""Names with the signs that mean something in one form or another; ``>`` parts a path, and ``#`` starts a comment."""


def names_on(tree: Tree, node_id: str) -> tuple[str, ...]:
    return tuple(node.name for node in tree.path(node_id))


def paths(tree: Tree) -> list[tuple[str, ...]]:
    """Of all nodes, sorted."""
    return sorted(names_on(tree, node.id) for node in tree.nodes)


def rows_of(tree: Tree, root: object = "0") -> list[dict[str, Any]]:
    return [{"id": n.id, "title": n.name, "parent_id": n.parent_id or root} for n in tree.nodes]


def write_csv(tree: Tree, file: Path) -> Path:
    with file.with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, ("id", "title", "parent_id"))
        table.writeheader()
        table.writerows(rows_of(tree))
    return file.with_suffix(".csv")


def write_parquet(tree: Tree, file: Path) -> Path:
    rows = [{**row, "id": int(row["id"]), "parent_id": row["parent_id"] and int(row["parent_id"])}
            for row in rows_of(tree, None)]  # fmt: skip
    schema = pa.schema([("id", pa.int64()), ("title", pa.string()), ("parent_id", pa.float64())])
    pq.write_table(pa.Table.from_pylist(rows, schema), file.with_suffix(".parquet"))
    return file.with_suffix(".parquet")


def write_google(tree: Tree, file: Path) -> Path:
    return _google(tree, file, lambda node: f"{node.id} - ")


def write_google_without_ids(tree: Tree, file: Path) -> Path:
    return _google(tree, file, lambda node: "")


def _google(tree: Tree, file: Path, lead: Callable[[Node], str]) -> Path:
    lines = [lead(node) + " > ".join(names_on(tree, node.id)) for node in tree.nodes]
    return _text(file, ".txt", "\n".join(["# Google_Product_Taxonomy_Version: 2019-07-10", *lines, ""]))


def write_nested(tree: Tree, file: Path) -> Path:
    return _json(file, [_nested(tree, root, ("id", "name", "children")) for root in tree.roots])


def write_nested_in_other_words(tree: Tree, file: Path) -> Path:
    keys = ("category_id", "label", "subcategories")
    return _json(file, {"version": 3, "nodes": [_nested(tree, root, keys) for root in tree.roots]})


def write_nested_without_ids(tree: Tree, file: Path) -> Path:
    return _json(file, [_nested(tree, root, (None, "title", "nodes")) for root in tree.roots])


def _nested(tree: Tree, node_id: str, keys: tuple[str | None, str, str]) -> dict[str, Any]:
    id_key, name, children = keys
    below = [_nested(tree, child, keys) for child in tree.children(node_id)]
    told: dict[str, Any] = {} if id_key is None else {id_key: int(node_id)}
    return {**told, name: tree.node(node_id).name, **({children: below} if below else {})}


def write_flat(tree: Tree, file: Path) -> Path:
    return _json(file, rows_of(tree, None))


def write_own(tree: Tree, file: Path) -> Path:
    return _text(file, ".json", tree.to_json())


def write_mapping(tree: Tree, file: Path) -> Path:
    def below(ids: tuple[str, ...]) -> dict[str, Any]:
        return {tree.node(one).name: below(tree.children(one)) for one in ids}

    return _json(file, below(tree.roots))


def write_mapping_with_lists(tree: Tree, file: Path) -> Path:
    def below(ids: tuple[str, ...]) -> list[Any]:
        return [{tree.node(one).name: below(tree.children(one))} if tree.children(one) else tree.node(one).name
                for one in ids]  # fmt: skip

    return _json(file, below(tree.roots))


def _json(file: Path, document: object) -> Path:
    return _text(file, ".json", json.dumps(document, ensure_ascii=False))


def _text(file: Path, suffix: str, text: str) -> Path:
    file.with_suffix(suffix).write_text(text, encoding="utf-8")
    return file.with_suffix(suffix)


WITH_IDS: list[Write] = [
    write_csv, write_parquet, write_google, write_nested, write_nested_in_other_words, write_flat, write_own,
]  # fmt: skip
BY_NAME: list[Write] = [
    write_google_without_ids, write_nested_without_ids, write_mapping, write_mapping_with_lists,
]  # fmt: skip

"""What every reader of trees has to do: the same tree, written in any form, is read as the same tree."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.config.load import validate
from multimodal.config.models import TreeConfig
from multimodal.errors import ConfigError, DataError, TreeError
from multimodal.taxonomy import Node, Tree, read_tree, tree_from_paths
from tree_forms import BY_NAME, WITH_IDS, WORDS, Write, names_on, paths, trees, write_csv

unhurried = settings(deadline=None, max_examples=25)

# Ragged; several roots, one of them empty; a single-child chain; a name that stands under several parents.
TREE = Tree(
    Node(*row)
    for row in [
        ("10", "Clothes", None), ("11", "Other", "10"), ("12", "Shirts", "10"), ("20", "Обувь", None),
        ("21", "Other", "20"), ("22", "Other", "21"), ("30", "Gifts", None),
    ]
)  # fmt: skip


def written(tree: Tree, write: Write) -> Tree:
    with tempfile.TemporaryDirectory() as folder:
        return read_tree(write(tree, Path(folder) / "tree"))


@pytest.mark.parametrize("write", WITH_IDS)
def test_forms_with_ids_give_the_same_nodes(write: Write) -> None:
    assert set(written(TREE, write).nodes) == set(TREE.nodes)


@pytest.mark.parametrize("write", BY_NAME)
def test_forms_without_ids_give_the_ids_of_paths(write: Write) -> None:
    expected = tree_from_paths(" > ".join(names_on(TREE, node.id)) for node in TREE.nodes)
    assert written(TREE, write) == expected


@pytest.mark.parametrize("write", WITH_IDS)
@unhurried
@given(tree=trees(WORDS))
def test_any_tree_with_ids_survives(write: Write, tree: Tree) -> None:
    if write.__name__ == "write_google" and len(set(paths(tree))) < len(tree):
        with pytest.raises(TreeError, match="stands on line"):
            written(tree, write)
        return
    assert set(written(tree, write).nodes) == set(tree.nodes)


@pytest.mark.parametrize("write", BY_NAME)
@unhurried
@given(tree=trees(WORDS, siblings_differ=True))
def test_any_tree_without_ids_keeps_its_paths(write: Write, tree: Tree) -> None:
    read = written(tree, write)
    assert paths(read) == paths(tree)
    assert all(node.id == " > ".join(names_on(read, node.id)) for node in read.nodes)


@unhurried
@given(trees(WORDS), st.data())
def test_the_order_of_rows_changes_nothing(tree: Tree, data: st.DataObject) -> None:
    shuffled = Tree(data.draw(st.permutations(tree.nodes)))
    first, second = written(tree, write_csv), written(shuffled, write_csv)
    assert first.version == second.version
    assert set(first.nodes) == set(second.nodes)


@pytest.mark.parametrize("write", [*WITH_IDS, *BY_NAME])
def test_the_name_of_the_file_does_not_matter(write: Write, tmp_path: Path) -> None:
    file = write(TREE, tmp_path / "tree")
    assert read_tree(file.rename(tmp_path / "categories.dat")) == written(TREE, write)


def test_a_form_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("Toys\nGames\n")
    with pytest.raises(DataError, match=r"no known form of a tree: the first line is 'Toys'.*tree\.format"):
        read_tree(file)
    assert read_tree(file, format="google").leaves == ("Toys", "Games")
    with pytest.raises(DataError, match="missing columns id, title, parent_id"):
        read_tree(file, format="table")
    with pytest.raises(DataError, match="names: not readable as JSON"):
        read_tree(file, format="json")


def test_columns_named_otherwise(tmp_path: Path) -> None:
    (tmp_path / "tree.txt").write_text("code;label;up\na;A;\nb;B;a\n")
    flat = [{"code": "a", "label": "A", "up": 0}, {"code": "b", "label": "B", "up": "a"}]
    (tmp_path / "tree.json").write_text(json.dumps(flat))
    read = [read_tree(tmp_path / name, id="code", name="label", parent_id="up") for name in ("tree.txt", "tree.json")]
    assert [tree.nodes for tree in read] == [(Node("a", "A", None), Node("b", "B", "a"))] * 2


def test_a_configuration_names_the_form() -> None:
    assert validate(TreeConfig, {"path": "t.txt", "format": "google"}, "tree").format == "google"
    assert validate(TreeConfig, {"path": "t.txt"}, "tree").format == "auto"
    with pytest.raises(ConfigError, match="got format: json without a 'path'"):
        validate(TreeConfig, {"from_paths": True, "format": "json"}, "tree")
    with pytest.raises(ConfigError, match="format"):
        validate(TreeConfig, {"path": "t.txt", "format": "xml"}, "tree")

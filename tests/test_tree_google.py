"""Google's taxonomy text: ids, comments, and errors that name the line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from multimodal.errors import TreeError
from multimodal.taxonomy import Node, read_tree

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


def read(tmp_path: Path, text: str) -> tuple[Node, ...]:
    file = tmp_path / "taxonomy.txt"
    file.write_text(text, encoding="utf-8")
    return read_tree(file).nodes


def test_comments_blanks_order_and_line_ends(tmp_path: Path) -> None:
    text = "\ufeff# Google_Product_Taxonomy_Version: 1\r\n\r\n7 - Toys > 3 - D puzzles\r\n# more\r\n5 - Toys\r\n"
    assert read(tmp_path, text) == (Node("7", "3 - D puzzles", "5"), Node("5", "Toys", None))


def test_a_name_may_begin_like_an_id_where_the_first_line_has_none(tmp_path: Path) -> None:
    assert [n.id for n in read(tmp_path, "Toys\nToys > Cars\n3 - D\n")] == ["Toys", "Toys > Cars", "3 - D"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# v\n1 - A\n2 - A > B > C\n", r"line 3: 'A > B > C' has no parent: expected a line for 'A > B'"),
        ("# v\nA\nA > B > C\n", r"line 3: 'A > B > C' has no parent"),
        ("# v\n1 - A\n2 - B\n1 - C\n", r"line 4: the id 1 stands on line 2 already, for 'A'.*give 'C' another"),
        ("# v\n1 - A\n2 - A\n", r"line 3: the path 'A' stands on line 2 already"),
        ("# v\nA\nA > B\nA >  B\n", r"line 4: the path 'A > B' stands on line 3 already"),
        ("1 - A\n\nB\n", r"line 3: got 'B', expected an id and a path as on the first line"),
        ("1 - A\n2 - A > > B\n", r"line 2: .*a part is empty"),
        ("1 - A\n2 - \n", r"line 2: "),
        ("# v\n", r"the tree is empty"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TreeError, match=rf"taxonomy\.txt: {message}"):
        read(tmp_path, text)


@pytest.mark.data
@pytest.mark.parametrize(("name", "nodes", "roots"), [("en-US", 5582, 21), ("ru-RU", 5427, 21)])
def test_the_public_taxonomies(name: str, nodes: int, roots: int, tmp_path: Path) -> None:
    file = DATA / "taxonomies" / f"taxonomy-with-ids.{name}.txt"
    if not file.is_file():
        pytest.skip(f"{file} is not there; set MULTIMODAL_DATA to the folder of public data")
    tree = read_tree(file)
    assert (len(tree), len(tree.roots), tree.levels) == (nodes, roots, 7)
    lines = file.read_text(encoding="utf-8").splitlines()
    plain = tmp_path / "plain.txt"
    plain.write_text("\n".join([lines[0], *(line.partition(" - ")[2] for line in lines[1:])]), encoding="utf-8")
    without = read_tree(plain)
    assert [node.name for node in without.nodes] == [node.name for node in tree.nodes]
    assert [without.depth(n.id) for n in without.nodes] == [tree.depth(n.id) for n in tree.nodes]

"""Trees in JSON: spellings, wrappers, mappings, and errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from multimodal.errors import DataError, MultimodalError, TreeError
from multimodal.taxonomy import read_tree

Row = tuple[str, str, str | None]


def read(tmp_path: Path, document: object) -> list[Row]:
    file = tmp_path / "tree.json"
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    file.write_text(text, encoding="utf-8")
    return [(n.id, n.name, n.parent_id) for n in read_tree(file).nodes]


A_B: list[Row] = [("1", "A", None), ("2", "B", "1")]


@pytest.mark.parametrize(
    "document",
    [
        {"id": 1, "name": "A", "children": [{"id": 2, "name": "B"}]},
        {"id": "1", "title": " A ", "children": [{"id": 2.0, "label": "B", "children": []}]},
        [{"category_id": 1, "label": "A", "subcategories": [{"categoryId": 2, "name": "B", "subcategories": None}]}],
        {"categories": [{"id": 1, "name": "A", "nodes": {"id": 2, "name": "B"}}], "version": "7"},
        [{"id": 1, "name": "A"}, {"id": 2, "name": "B", "parent_id": 1}],
        [{"id": 2, "name": "B", "parentId": 1.0}, {"id": 1, "name": "A", "parentId": None}][::-1],
        {"nodes": [{"id": 1, "name": "A", "parent": 0}, {"id": 2, "name": "B", "parent": 1}]},
    ],
)
def test_spellings(tmp_path: Path, document: object) -> None:
    assert read(tmp_path, document) == A_B


@pytest.mark.parametrize(
    "document",
    [
        {"id": 0, "name": "All", "children": [{"id": 1, "name": "A", "children": [{"id": 2, "name": "B"}]}]},
        [{"id": "0", "name": "All", "children": [{"id": 1, "name": "A", "children": [{"id": 2, "name": "B"}]}]}],
        [{"id": 0, "name": "All"}, {"id": 1, "name": "A", "parent_id": 0}, {"id": 2, "name": "B", "parent_id": 1}],
    ],
)
def test_the_whole_shop_is_no_category(tmp_path: Path, document: object) -> None:
    assert read(tmp_path, document) == A_B


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([{"id": 0, "name": "A", "children": [{"id": 1, "name": "B"}]}, {"id": 2, "name": "C"}],
         [("0", "A", None), ("1", "B", "0"), ("2", "C", None)]),
        ({"id": 1, "name": "A", "children": [{"id": 0, "name": "B", "children": [{"id": 2, "name": "C"}]}]},
         [("1", "A", None), ("0", "B", "1"), ("2", "C", "0")]),
        ({"id": 0, "name": "A"}, [("0", "A", None)]),
        ({"0": ["A"]}, [("0", "0", None), ("0 > A", "A", "0")]),  # no id, a name
    ],
)  # fmt: skip
def test_a_category_of_id_0_is_one_wherever_it_may_be(tmp_path: Path, document: object, expected: list[Row]) -> None:
    assert read(tmp_path, document) == expected


def test_mappings_and_lists_of_names(tmp_path: Path) -> None:
    expected = [
        ("Apparel", "Apparel", None),
        ("Apparel > Topwear", "Topwear", "Apparel"),
        ("Apparel > Topwear > Tshirts", "Tshirts", "Apparel > Topwear"),
        ("Apparel > Topwear > Tops", "Tops", "Apparel > Topwear"),
        ("Apparel > Socks", "Socks", "Apparel"),
        ("Home", "Home", None),
    ]
    assert read(tmp_path, {"Apparel": {"Topwear": {"Tshirts": {}, "Tops": None}, "Socks": []}, "Home": {}}) == expected
    assert read(tmp_path, {"Apparel": [{"Topwear": ["Tshirts", "Tops"]}, "Socks"], "Home": []}) == expected
    mixed = [{"name": "Apparel", "children": {"Topwear": ["Tshirts", "Tops"], "Socks": {}}}, "Home"]
    assert read(tmp_path, mixed) == expected


def test_categories_called_like_keys(tmp_path: Path) -> None:
    assert [name for _, name, _ in read(tmp_path, {"name": {"children": ["id", "label"]}})] == [
        "name", "children", "id", "label",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([{"id": 1, "name": "A", "children": [{"id": 2}]}], r"\$\[0\]\[0\]: got a category without a name"),
        ([{"id": 1, "name": "A", "children": ["B"]}], r"\$\[0\]\[0\]: 'B' has no id while others have"),
        ([{"id": 1, "name": "A", "children": [2]}], r"\$\[0\]\[0\]: got a number, expected a category"),
        ({"A": {"B": "C"}}, r"\$\.A\.B: got text under the name 'B', expected its children"),
        ({"A": {"name": "B"}}, r"\$\.A: got a category of another name"),
        ([{"name": "A", "children": ["B"], "nodes": ["C"]}], "children under children and nodes"),
        ([["A"]], r"\$\[0\]: got a list in a list"),
        ([{"name": " "}], "empty name"),
        (["A > B"], "holds '>'"),
        (["A", "A"], "more than once: A"),
        ({"A": ["B", "B"]}, "more than once: A > B"),
        ('{"A": {}, "A": {}}', "the key 'A' stands twice"),
        ([{"id": 1, "name": "A"}, {"id": 1, "name": "B"}], "more than once: 1"),
        ([{"id": 1, "name": "A", "parent_id": 9}, {"id": 2, "name": "B", "parent_id": 0}], r"1 \(A\), parent 9"),
        ([{"id": 1, "name": "A"}, {"id": 2, "parent_id": 1}], "row 2 has no 'title'"),
        ([], "tree is empty"),
        ("null", "tree is empty"),
        ("3", "got a number, expected"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, document: object, message: str) -> None:
    with pytest.raises(TreeError, match=rf"tree\.json: .*{message}"):
        read(tmp_path, document)


@pytest.mark.parametrize(
    ("text", "message"), [('{"A": ', "not readable as JSON"), ("[" * 100_000, "nested too deep"), ("", "not readable")]
)
def test_what_is_no_json(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"tree\.json: {message}") as caught:
        read(tmp_path, text)
    assert isinstance(caught.value, MultimodalError)


def test_a_long_chain_is_read(tmp_path: Path) -> None:
    document: list[object] = []
    for _ in range(200):
        document = [{"name": "A", "children": document}]
    assert len(read(tmp_path, document)) == 200

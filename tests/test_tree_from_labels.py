"""A flat tree made of the labels of the training rows."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import photos
from multimodal.config.models import RunConfig, SourceConfig
from multimodal.errors import DataError, TreeError
from multimodal.taxonomy import tree_from_labels
from multimodal.training.tree import tree_of
from reader_sources import idx_pair, write_csv


def config(*sources: SourceConfig) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "shop", "output": "out", "tree": {"from_labels": True},
            "data": {"train": [source.model_dump() for source in sources]},
        }
    )  # fmt: skip


def test_each_label_is_a_leaf_called_like_it() -> None:
    tree = tree_from_labels(["b", "a", "b", "a > c", "a"])
    assert [(node.id, node.name, node.parent_id) for node in tree.nodes] == [
        ("a", "a", None), ("a > c", "a > c", None), ("b", "b", None),
    ]  # fmt: skip
    assert tuple(tree.leaves) == ("a", "a > c", "b")
    assert not tree.inner


@given(st.lists(st.text(min_size=1).filter(lambda t: t == t.strip()), min_size=1, max_size=20), st.randoms())
def test_the_order_of_rows_makes_no_difference(labels: list[str], random: Random) -> None:
    shuffled = [*labels, *labels]
    random.shuffle(shuffled)
    tree = tree_from_labels(shuffled)
    assert tree.version == tree_from_labels(labels).version
    assert set(tree.leaves) == set(labels)


def test_no_labels_make_no_tree() -> None:
    with pytest.raises(TreeError, match="expected"):
        tree_from_labels([])


def test_a_run_makes_it_of_all_its_sources_as_they_are_mapped(tmp_path: Path) -> None:
    rows = [{"id": i, "title": "t", "category_id": label} for i, label in enumerate(["dress", "shirt", "", "dress"])]
    first = write_csv(tmp_path / "a.csv", rows)
    second = idx_pair(tmp_path).model_copy(update={"category_map": {"0": "bag", "1": "dress"}})
    assert list(tree_of(config(first, second)).leaves) == ["bag", "dress", "shirt"]


def test_the_folders_of_photos_are_the_categories(tmp_path: Path) -> None:
    for name in ("skirts/1.jpg", "hats/1.jpg", "hats/2.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photos.encoded())
    assert list(tree_of(config(SourceConfig(path=str(tmp_path)))).leaves) == ["hats", "skirts"]


def test_rows_without_labels_are_told_by_their_columns(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [{"id": 1, "title": "t"}])
    with pytest.raises(DataError, match="no column of categories"):
        tree_of(config(source))
    empty = write_csv(tmp_path / "b.csv", [{"id": 1, "title": "t", "category_id": ""}])
    with pytest.raises(TreeError):
        tree_of(config(empty))

"""Training rows that are labelled with an inner node: asked for the probability of all leaves below it together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F

import multimodal
from conftest import Tiny
from multimodal.config import RunConfig
from multimodal.config.models import SourceConfig, TextConfig
from multimodal.data.sample import SampleFiles
from multimodal.export.run import train
from multimodal.image import ImageKitchen
from multimodal.taxonomy import Node, Tree, read_tree
from multimodal.training.arrays import Split
from multimodal.training.labels import UNKNOWN, LabelSpace
from multimodal.training.photo_table import PhotoTable
from multimodal.training.prepare import Preparer, text_kitchen
from multimodal.training.stage import Recipe, marginal_nll
from multimodal.training.stages import TextStage
from multimodal.types import Product
from photos import encoded
from training_support import TREE, write_rows

CHAIN = Tree(
    [
        Node("0", "All", None),
        Node("1", "Clothes", "0"),
        Node("11", "Shirts", "1"),
        Node("12", "Skirts", "1"),
        Node("2", "Bags", "0"),
        Node("21", "Handbags", "2"),
    ]
)
"""One root over everything, and a chain."""


def prepared(tree: Tree, folder: Path, labels: list[str], *, halves: bool = False) -> Split:
    rows = [{"id": str(i), "title": f"thing {i}", "category_id": at, "image": encoded()} for i, at in enumerate(labels)]
    preparer = Preparer(tree, text_kitchen(TextConfig()), ImageKitchen(48, 36))
    source = write_rows(folder / "rows.parquet", rows)
    return preparer.split([source], folder / "rows.pixels", halves=halves)


def test_rows_of_inner_nodes_keep_the_leaves_below(tmp_path: Path) -> None:
    split = prepared(CHAIN, tmp_path, ["11", "1", "2", "0", "12"])
    index = CHAIN.leaf_index
    # A node with one leaf below it is as good as that leaf; one above every leaf says nothing.
    assert list(split.ids) == ["0", "1", "2", "4"]
    assert split.labels.tolist() == [index["11"], UNKNOWN, index["21"], index["12"]]
    assert split.allowed is not None
    assert split.sets is not None
    assert split.allowed.tolist() == [UNKNOWN, 0, UNKNOWN, UNKNOWN]
    assert [CHAIN.leaves[i] for i in np.flatnonzero(split.sets[0])] == ["11", "12"]
    assert [(r.id, r.code) for r in split.rejected] == [("3", "inner_category")]
    assert split.has_leaf.tolist() == [True, False, True, True]
    assert split.leaves_of().tolist() == [index["11"], index["21"], index["12"]]
    assert split.targets(np.array([1]))["allowed"].tolist() == [0]


def test_validation_rows_must_have_leaves(tmp_path: Path) -> None:
    split = prepared(TREE, tmp_path, ["11", "1"], halves=True)
    assert list(split.ids) == ["0"]
    assert split.allowed is None
    assert [(r.id, r.code) for r in split.rejected] == [("1", "inner_category")]
    assert "only training rows" in split.rejected[0].message


def test_photos_know_the_sets_of_their_products(tmp_path: Path) -> None:
    split = prepared(CHAIN, tmp_path, ["11", "1"])
    table = PhotoTable(split, LabelSpace(), None)
    assert table.allowed.tolist() == [UNKNOWN, 0]
    np.testing.assert_array_equal(table.sets, split.sets)


def test_marginal_likelihood_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]))
    allowed = torch.tensor([[True, True, False], [False, False, True]])
    torch.testing.assert_close(marginal_nll(logits, allowed), -torch.log(torch.tensor([0.8, 0.2])))


def test_it_is_cross_entropy_for_one_leaf_and_nothing_for_all() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 2, 1, 1])
    torch.testing.assert_close(
        marginal_nll(logits, F.one_hot(labels, 3).bool()), F.cross_entropy(logits, labels, reduction="none")
    )
    torch.testing.assert_close(marginal_nll(logits, torch.ones(4, 3).bool()), torch.zeros(4), atol=1e-6, rtol=0)


def test_a_batch_is_the_mean_over_all_its_rows() -> None:
    sets = np.array([[True, True, False]])
    stage = TextStage(torch.nn.Linear(1, 1), Recipe(1, 1, 0.1), lambda epoch: iter(()), lambda: iter(()), sets=sets)
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    batch = {"labels": torch.tensor([2, UNKNOWN, 0]), "allowed": torch.tensor([UNKNOWN, 0, UNKNOWN])}
    known = stage.criterion(logits[[0, 2]], torch.tensor([2, 0])) * 2
    inner = marginal_nll(logits[[1]], torch.from_numpy(sets))[0]
    torch.testing.assert_close(stage.of_categories(logits, batch), (known + inner) / 3)


@pytest.fixture(scope="module")
def coarse(catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalog's training rows, half of them labelled one level up."""
    tree = read_tree(catalog.tree)
    table = pq.read_table(catalog.train)
    labels = [str(label) for label in table["category_id"].to_pylist()]
    moved = [tree.path(at)[-2].id if i % 2 and len(tree.path(at)) > 2 else at for i, at in enumerate(labels)]
    assert sum(a != b for a, b in zip(labels, moved, strict=True)) > 100
    file = tmp_path_factory.mktemp("coarse") / "train.parquet"
    column = table.schema.get_field_index("category_id")
    pq.write_table(table.set_column(column, "category_id", pa.array(moved)), file)
    return file


def test_a_run_learns_branches_from_rows_without_leaves(
    coarse: Path, configure: Callable[..., RunConfig], val_products: list[Product], tiny: Tiny, tmp_path: Path
) -> None:
    config = configure(tmp_path, "name=coarse", "image.epochs=1")
    source = config.data.train[0].model_copy(update={"path": str(coarse)})
    assert isinstance(source, SourceConfig)
    config = config.model_copy(update={"data": config.data.model_copy(update={"train": (source,)})})
    predictor = multimodal.load(train(config), threads=1)
    tree = predictor.tree
    titled = [p for p in val_products if p.title]
    probs = predictor.leaf_probabilities(titled, frozenset({"title"}))
    nodes = tree.node_probabilities(probs)
    branch = [tree.node_index[tree.path(p.category_id or "")[0].id] for p in titled]
    roots = sorted(set(branch))
    right = np.mean([roots[int(row[roots].argmax())] == at for row, at in zip(nodes, branch, strict=True)])
    assert right > 0.7
    assert predictor.manifest.provenance["rows"] == tiny.export.provenance["rows"]

"""The tree a run classifies into."""

from __future__ import annotations

from multimodal.config.models import RunConfig
from multimodal.data import read_sources
from multimodal.taxonomy import Tree, read_tree, tree_from_labels, tree_from_paths
from multimodal.types import Product


def tree_of(config: RunConfig) -> Tree:
    """The configured file of nodes, or the tree that the training rows' category paths, or labels, make up."""
    if config.tree.path is not None:
        tree = config.tree
        return read_tree(config.tree.path, id=tree.id, name=tree.name, parent_id=tree.parent_id, format=tree.format)
    found = (p.category_id for p in read_sources(config.data.train, labelled=True) if isinstance(p, Product))
    # dict: each path once, in the order of first appearance.
    paths = dict.fromkeys(path for path in found if path)
    return tree_from_labels(paths) if config.tree.from_labels else tree_from_paths(paths)

"""The category tree by id, and where it is read from."""

from multimodal.taxonomy.read import read_tree, tree_from_paths
from multimodal.taxonomy.tree import Node, Tree

__all__ = ["Node", "Tree", "read_tree", "tree_from_paths"]

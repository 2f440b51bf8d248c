"""The category tree by id, and where it is read from."""

from multimodal.taxonomy.paths import path_id, path_parts, tree_from_labels, tree_from_paths
from multimodal.taxonomy.read import read_tree
from multimodal.taxonomy.tree import Node, Tree

__all__ = ["Node", "Tree", "path_id", "path_parts", "read_tree", "tree_from_labels", "tree_from_paths"]

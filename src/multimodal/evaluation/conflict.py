"""How far title and photo disagree about the branch of the tree."""

from __future__ import annotations

import numpy as np

from multimodal.evaluation.arrays import Floats, Ints
from multimodal.evaluation.candidates import lower_bound
from multimodal.taxonomy import Tree


def branches(tree: Tree) -> Ints:
    """Indices in ``tree.nodes`` of the top-level branches: the highest nodes that do not hold every leaf.

    Empty for a tree of one leaf.
    """
    found = list(tree.roots)
    while len(found) == 1:
        found = list(tree.children(found[0]))
    return np.array([tree.node_index[node] for node in found], dtype=np.int64)


def disagreement(text: Floats, image: Floats) -> Floats:
    """The chance that two answers, each drawn by its own probabilities, lie in different branches.

    Args:
        text, image: calibrated probabilities of the branches [N, branches].

    Returns:
        [N], from 0 to 1.
    """
    apart: Floats = np.clip(1 - (text * image).sum(axis=1), 0, 1)
    return apart


def alarm_threshold(scores: Floats, false_alarms: float) -> float | None:
    """The disagreement above which there is a conflict.

    At most the share ``false_alarms`` of pairs that belong together, drawn like these, lies above it (a conformal
    bound, as for candidates).

    Args:
        scores: of pairs that belong together [N], one a group.

    Returns:
        None where they are too few to tell.
    """
    found = lower_bound(-scores, false_alarms)
    return None if found is None else -found

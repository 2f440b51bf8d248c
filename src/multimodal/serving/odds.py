"""How sure a head is of one category of each product, on the scale that explanations are told on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from multimodal.artifact import Calibration
from multimodal.serving.scoring import Seen, probabilities
from multimodal.taxonomy import Tree
from multimodal.types import Scores

_FLOOR = 1e-6
"""Sums of float32 probabilities are no closer to 0 and 1 than this."""


def log_odds(
    scores: Scores, seen: Sequence[Seen], nodes: Sequence[str], tree: Tree, calibration: Calibration
) -> npt.NDArray[np.float64]:
    """Natural logarithm of the odds of each product's node [N].

    Odds, not probabilities: of an answer that is sure with or without a part they still show what it adds.

    Args:
        seen: the inputs of each product that the scores come from, and whether its title names a category.
        nodes: ids.
    """
    leaves = probabilities(scores, calibration, seen, tree)
    of_nodes = tree.node_probabilities(leaves)
    own = of_nodes[np.arange(len(nodes)), [tree.node_index[node] for node in nodes]].astype(np.float64)
    own = own.clip(_FLOOR, 1 - _FLOOR)
    logs: npt.NDArray[np.float64] = np.log(own) - np.log1p(-own)
    return logs

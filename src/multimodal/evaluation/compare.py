"""Two systems on the same rows: paired differences of top-1 and hF1 with intervals over groups."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from multimodal.evaluation.arrays import Ints
from multimodal.evaluation.bootstrap import SAMPLES, Comparison, paired_group_bootstrap, paired_ratio_bootstrap
from multimodal.evaluation.paths import path_overlap
from multimodal.taxonomy import Tree


@dataclass(frozen=True, slots=True)
class Versus:
    """Differences of a less b on ``rows`` rows in ``groups`` groups."""

    rows: int
    groups: int
    top1: Comparison
    hf1: Comparison

    def to_dict(self) -> dict[str, int | dict[str, float]]:
        """Plain JSON values under the names of the attributes."""
        return asdict(self)


def compare_answers(
    a: Ints, b: Ints, labels: Ints, tree: Tree, groups: npt.NDArray[np.str_], samples: int = SAMPLES, seed: int = 0
) -> Versus:
    """Paired bootstrap over groups of two systems' answers.

    hF1 is a ratio of sums, so both sums are drawn again in each resample; means of the rows' own hF1 would
    be another figure.

    Args:
        a, b: int [N], answered nodes as indices in ``tree.nodes``; ``NO_ANSWER`` counts as wrong.
        labels: int [N], true nodes.
        groups: [N]; rows of one group are drawn together.
    """
    ours, theirs = path_overlap(a, labels, tree), path_overlap(b, labels, tree)
    top1 = paired_group_bootstrap(a == labels, b == labels, groups, samples, seed)
    hf1 = paired_ratio_bootstrap(
        (2 * ours.shared, ours.predicted + ours.true),
        (2 * theirs.shared, theirs.predicted + theirs.true),
        groups,
        samples,
        seed,
    )
    return Versus(len(labels), len(np.unique(groups)), top1, hf1)

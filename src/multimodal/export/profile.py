"""What validation rows look like to the finished bundle, for the service to tell drift against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from multimodal.artifact import Calibration, Profile, mix_name
from multimodal.evaluation.drift import Tally
from multimodal.export.calibrate import routed
from multimodal.export.scorer import Inputs, MixScores
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.types import INPUTS


def profile_of(
    calibration: Calibration, scores: Mapping[Inputs, MixScores], split: Split, tree: Tree
) -> Profile | None:
    """Every row answered from all it has; rows whose mix of inputs is too rare to answer are left out.

    Returns:
        None where no row is left.
    """
    tally = Tally()
    roots = [tree.path(leaf)[0].id for leaf in tree.leaves]
    there = np.column_stack([split.has_field, split.has_image])
    for mix, scored in scores.items():
        exact = (there[scored.rows] == [name in mix for name in INPUTS]).all(axis=1)
        if not exact.any():
            continue
        name, probs = mix_name(mix), routed(scored.take(np.flatnonzero(exact)), calibration, tree)
        for leaf, sure in zip(probs.argmax(axis=1), probs.max(axis=1), strict=True):
            tally.add(name, roots[leaf], float(sure))
    if not tally.rows:
        return None
    shares = tally.shares()
    return Profile(
        rows=tally.rows, inputs=dict(shares.inputs), branches=dict(shares.branches), confidence=shares.confidence
    )

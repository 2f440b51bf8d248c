"""Sets of leaves that hold the right one at an asked-for rate: split conformal prediction."""

from __future__ import annotations

import math

import numpy as np

from multimodal.evaluation.arrays import Flags, Floats, Ints, check_scores


def candidate_threshold(probs: Floats, labels: Ints, coverage: float) -> float:
    """The probability from which on a leaf belongs to the set.

    Sets of all leaves above one probability are the smallest on average at their coverage (least ambiguous
    set-valued classifiers: Sadinle, Lei and Wasserman, 2019). For rows drawn like these, each by itself, the set
    holds the right leaf with at least the chance ``coverage`` (split conformal: Vovk et al., 2005).

    Args:
        probs: calibrated leaf probabilities [N, leaves], one row a group.
        labels: leaf indices [N].

    Returns:
        0 where there are too few rows to promise anything less than all leaves.

    Raises:
        ValueError: ``coverage`` is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage: got {coverage}, expected a share between 0 and 1, such as 0.95")
    check_scores(probs, labels)
    found = lower_bound(probs[np.arange(len(labels)), labels], 1 - coverage)
    return 0.0 if found is None else found


def lower_bound(values: Floats, share: float) -> float | None:
    """What at most this share of new values, drawn like these, lies below; None where [N] are too few to tell."""
    below = math.floor((len(values) + 1) * share + 1e-9)
    return float(np.sort(values)[below - 1]) if below > 0 else None


def candidate_sets(probs: Floats, threshold: float) -> Flags:
    """Which leaves are in each row's set, bool [N, leaves]; the likeliest one always is.

    Args:
        probs: calibrated leaf probabilities [N, leaves].
    """
    chosen: Flags = probs >= threshold
    chosen[np.arange(len(probs)), probs.argmax(axis=1)] = True
    return chosen


def one_vote(groups: Ints, seed: int = 0) -> Ints:
    """The row of each group that speaks for it, drawn by chance: rows of a group are not independent.

    Args:
        groups: number of each row's group [N].

    Returns:
        Rows in ascending order, one a group.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    _, first = np.unique(groups[order], return_index=True)
    rows: Ints = np.sort(order[first])
    return rows

"""What the answers of one mix of inputs can be trusted with: promises of accuracy, and sets of candidates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from multimodal.artifact import CandidateRule, Promise
from multimodal.evaluation.backoff import backoff_figures, climb
from multimodal.evaluation.candidates import candidate_sets, candidate_threshold, one_vote
from multimodal.evaluation.conflict import alarm_threshold, branches, disagreement
from multimodal.evaluation.decoding import least_severe
from multimodal.evaluation.hierarchical import mistake_severity
from multimodal.export.promise import GRID, count_votes, keep_promise
from multimodal.taxonomy import Tree
from multimodal.types import FloatArray

Rows = npt.NDArray[np.int64]
ACCURACIES = (0.9, 0.95, 0.99)
COVERAGES = (0.9, 0.95, 0.99)
FALSE_ALARMS = 0.01
POWERS = (3.0, 2.0, 1.5, 1.2, 1.0, 0.85, 0.7, 0.6, 0.5)
POWER_COST = 0.002
"""Share of right leaves that milder mistakes may cost."""


def distance_power(probs: FloatArray, labels: Rows, select: Rows, tree: Tree) -> float | None:
    """The power at which the leaf of the least expected distance makes the mildest mistakes on ``select``.

    Args:
        probs: calibrated leaf probabilities [N, leaves].
        labels: leaf indices [N].
        select: rows that choose.

    Returns:
        One of ``POWERS``, among those that cost at most ``POWER_COST`` of top-1, the greatest of equals; None where
        the likeliest leaf's mistakes are as mild.
    """
    own, truth = probs[select], labels[select]
    likeliest = own.argmax(axis=1)
    right, before = float((likeliest == truth).mean()), mistake_severity(likeliest, truth, tree)
    found = {}
    for power in POWERS:
        leaves = least_severe(own, tree, power)
        if (leaves == truth).mean() >= right - POWER_COST:
            found[power] = round(mistake_severity(leaves, truth, tree), 6)
    milder = {power: severity for power, severity in found.items() if severity < before - 1e-6}
    return min(milder, key=lambda power: (milder[power], -power), default=None)


def conflict_threshold(text: FloatArray, image: FloatArray, groups: Rows, held: Rows, tree: Tree) -> float | None:
    """The disagreement that at most ``FALSE_ALARMS`` of true pairs exceed, from one row a group of ``held``.

    Args:
        text, image: calibrated leaf probabilities of the single heads [N, leaves].
        groups: numbers [N].
        held: rows of the calibration half.
    """
    voters, top = held[one_vote(groups[held])], branches(tree)
    sides = [tree.node_probabilities(probs[voters])[:, top] for probs in (text, image)]
    return alarm_threshold(disagreement(*sides), FALSE_ALARMS) if len(top) > 1 else None


def promises(
    probs: FloatArray, labels: Rows, groups: Rows, select: Rows, held: Rows, tree: Tree
) -> tuple[Promise, ...]:
    """The promises that hold, tested on ``held`` with one vote a group; ``select`` says where the test begins.

    Args:
        probs: calibrated leaf probabilities [N, leaves].
        labels: leaf indices [N].
        groups: numbers [N].
        select, held: rows of the two halves.
    """
    chosen, voters = (rows[one_vote(groups[rows])] for rows in (select, held))
    before, votes = (count_votes(probs[rows], labels[rows], tree) for rows in (chosen, voters))
    found = []
    for accuracy in ACCURACIES:
        threshold = keep_promise(before, votes, accuracy)
        if threshold is None:
            continue
        (answers,) = climb(probs[held], tree, np.array([threshold]))
        figures, at = backoff_figures(answers, labels[held], tree), int(np.argmin(np.abs(GRID - threshold)))
        found.append(
            Promise(
                accuracy=accuracy,
                threshold=threshold,
                votes=int(votes.answers[at]),
                mistakes=int(votes.mistakes[at]),
                leaf_coverage=figures.leaf_coverage,
                mean_depth=figures.mean_depth or 0.0,
            )
        )
    return tuple(found)


def candidate_rules(probs: FloatArray, labels: Rows, groups: Rows, held: Rows) -> tuple[CandidateRule, ...]:
    """Sets of candidates by coverage, from one row a group of ``held``.

    Args:
        probs: calibrated leaf probabilities [N, leaves].
        labels: leaf indices [N].
        groups: numbers [N].
        held: rows of the calibration half.
    """
    voters = held[one_vote(groups[held])]
    found = []
    for coverage in COVERAGES:
        threshold = candidate_threshold(probs[voters], labels[voters], coverage)
        if threshold > 0:
            size = float(candidate_sets(probs[held], threshold).sum(axis=1).mean())
            found.append(CandidateRule(coverage=coverage, threshold=threshold, mean_size=size))
    return tuple(found)

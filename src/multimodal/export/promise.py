"""How sure an answer must be, so that a promised share of the answers is right: Learn then Test.

Angelopoulos et al., "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk Control", 2021: thresholds are
tested one after another in an order fixed beforehand, and the last one before the first failure is taken. Whatever the
model, the chance that a promise made so is false is at most ``RISK``, for rows drawn like the calibration rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from multimodal.evaluation.arrays import Floats, Ints
from multimodal.evaluation.backoff import climb, holds
from multimodal.evaluation.paths import NO_ANSWER
from multimodal.taxonomy import Tree
from multimodal.types import FloatArray

RISK = 0.05
"""Chance that the calibration rows mislead."""
GRID = 1 / (1 + np.exp(-np.linspace(9.0, -1.0, 101)))
"""Thresholds tried, the strictest first: even steps of the log odds from 0.9999 to 0.27."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What became of N votes at each threshold of ``GRID``, [T].

    Attributes:
        answers: how many were answered, and ``mistakes`` how many of these wrongly.
        doubt: how many mistakes the answers' own probabilities lead to expect.
    """

    answers: Ints
    mistakes: Ints
    doubt: Floats


def count_votes(probs: FloatArray, labels: Ints, tree: Tree) -> Votes:
    """Counts one row a group.

    Args:
        probs: calibrated leaf probabilities [N, leaves], one row a group.
        labels: leaf indices [N].
    """
    given = climb(probs, tree, GRID)
    answered = given != NO_ANSWER
    right = np.stack([holds(row, labels, tree) for row in given])
    sure = np.take_along_axis(tree.node_probabilities(probs.astype(np.float64)).T, np.maximum(given, 0), axis=0)
    doubt = np.where(answered, 1 - np.minimum(sure, 1.0), 0.0)
    return Votes(answered.sum(axis=1), (answered & ~right).sum(axis=1), doubt.sum(axis=1))


def keep_promise(select: Votes, calibrate: Votes, accuracy: float) -> float | None:
    """The lowest threshold at which at least the share ``accuracy`` of the answers is right, tested.

    The test begins at the threshold that is likeliest to pass, as far as the select half and the probabilities tell,
    and goes on to lower ones on the calibrate half until the first that fails: ``mistakes`` of ``answers`` must be so
    few that more than promised would have shown themselves with the chance ``1 - RISK`` (exact binomial bound).

    Returns:
        None where nothing can be promised.
    """
    most = _most_mistakes(calibrate.answers, accuracy)
    # Few votes tell little of rare mistakes, and probabilities are only as good as their calibration: half of each.
    wrong = (select.mistakes + select.doubt + 0.5) / (2 * select.answers + 1.0)
    power = np.where(most >= 0, stats.binom.cdf(most, calibrate.answers, wrong), -1.0)
    found = None
    for i in range(int(np.argmax(power)), len(GRID)):
        if calibrate.mistakes[i] > most[i]:
            break
        found = float(GRID[i])
    return found


def _most_mistakes(answers: Ints, accuracy: float) -> Ints:
    """How many mistakes may be among so many answers, so that the promise still passes; -1 where none does."""
    most = stats.binom.ppf(RISK, answers, 1 - accuracy).astype(np.int64)
    passes: Ints = np.where(stats.binom.cdf(most, answers, 1 - accuracy) <= RISK, most, most - 1)
    return np.where(answers > 0, passes, -1)

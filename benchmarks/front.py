"""The Pareto front of cost against score, and its knee."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Which of N have no other that costs no more and scores no less, and is better in one; cheapest first."""
    front: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -scores[i])):
        equal = front and (costs[i], scores[i]) == (costs[front[-1]], scores[front[-1]])
        if not front or scores[i] > scores[front[-1]] or equal:
            front.append(i)
    return front


def knee(costs: Sequence[float], scores: Sequence[float]) -> int | None:
    """The member of the front farthest above the line from its cheapest to its best one, both axes scaled to it.

    As Satopaa et al. (2011, "Finding a Kneedle in a Haystack") choose. Past it a step in cost buys less than on
    the average of the front.

    Returns:
        Its index; the best one where no member lies above that line, None of nothing.
    """
    front = pareto_front(costs, scores)
    if not front:
        return None
    first, last = front[0], front[-1]
    wide, tall = costs[last] - costs[first], scores[last] - scores[first]
    if wide <= 0 or tall <= 0:
        return last

    def above(i: int) -> float:
        return (scores[i] - scores[first]) / tall - (costs[i] - costs[first]) / wide

    best = max(front, key=above)
    return best if above(best) > 1e-9 else last

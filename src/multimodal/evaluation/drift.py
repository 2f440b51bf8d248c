"""How far what is asked and answered has moved from what it was on validation rows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

CONFIDENCE_BINS = 10
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Shares:
    """What part of the products has what.

    Attributes:
        inputs: name of a mix of inputs -> share of the products that came with just these.
        branches: id of a root of the tree -> share of the products whose likeliest leaf is below it.
        confidence: shares by the likeliest leaf's probability, in bins of equal width from 0 to 1.
    """

    inputs: Mapping[str, float]
    branches: Mapping[str, float]
    confidence: tuple[float, ...]


@dataclass(slots=True)
class Tally:
    """Counts products as they are answered; older ones weigh less where ``half_life`` says so.

    Attributes:
        half_life: products after which one counts half; None: all count alike.
    """

    half_life: float | None = None
    rows: int = 0
    _inputs: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _branches: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _confidence: list[float] = field(default_factory=lambda: [0.0] * CONFIDENCE_BINS)
    _weight: float = 1.0

    def add(self, inputs: str, branch: str, confidence: float) -> None:
        """Counts one product.

        Args:
            inputs: name of its mix of inputs.
            branch: id of the root above its likeliest leaf.
            confidence: that leaf's probability.
        """
        self.rows += 1
        if self.half_life is not None:  # the newest weighs more and more, which comes to the same
            self._weight *= 2 ** (1 / self.half_life)
            if self._weight > 1e100:
                self._shrink()
        self._inputs[inputs] += self._weight
        self._branches[branch] += self._weight
        self._confidence[min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)] += self._weight

    def shares(self) -> Shares:
        """The shares so far; none of any where nothing was counted."""
        total = sum(self._confidence) or 1.0
        return Shares(
            {name: count / total for name, count in self._inputs.items()},
            {name: count / total for name, count in self._branches.items()},
            tuple(count / total for count in self._confidence),
        )

    def _shrink(self) -> None:
        for counts in (self._inputs, self._branches):
            for name in counts:
                counts[name] /= self._weight
        self._confidence = [count / self._weight for count in self._confidence]
        self._weight = 1.0


def stability_index(expected: Mapping[str, float], seen: Mapping[str, float]) -> float:
    """Population stability index: 0 for the same shares; from about 0.25 on they are clearly others.

    The symmetric Kullback-Leibler divergence of two sets of shares (Siddiqi, "Credit Risk Scorecards", 2006); shares
    below 0.0001 count as that much.
    """
    total = 0.0
    for name in expected.keys() | seen.keys():
        before, now = max(expected.get(name, 0.0), _LEAST), max(seen.get(name, 0.0), _LEAST)
        total += (now - before) * math.log(now / before)
    return total


def drift(expected: Shares, seen: Shares) -> dict[str, float]:
    """The stability index of inputs, branches and confidence."""
    bins = [{str(i): share for i, share in enumerate(one.confidence)} for one in (expected, seen)]
    return {
        "inputs": stability_index(expected.inputs, seen.inputs),
        "branches": stability_index(expected.branches, seen.branches),
        "confidence": stability_index(*bins),
    }

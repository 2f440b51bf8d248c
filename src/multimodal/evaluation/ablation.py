"""Outcomes of an ablation: what each variant measured with each seed, and what that says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

FIGURES = ("top1", "top2", "hf1", "nll", "ece")
_T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Student's t for a 95 % interval by degrees of freedom; 1.96 beyond."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One variant with one seed.

    Attributes:
        mixes: mix of inputs -> figure -> value, on all validation rows that have the mix.
        seconds: that its own training and export took; what it shares with others is not counted again.
        rejected: file -> how many rows that could not be used it lists.
    """

    variant: str
    seed: int
    mixes: Mapping[str, Mapping[str, float]]
    seconds: float
    rejected: Mapping[str, int] = field(default_factory=dict)

    @property
    def fullest(self) -> str:
        """The mix of most inputs."""
        return max(self.mixes, key=lambda mix: mix.count("+"))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over seeds: its mean, and the 95 % interval of the mean by Student's t; None from one seed."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table.

    Attributes:
        mix: the inputs its figures are of.
        figures: figure -> estimate.
        difference: of top-1 from the whole, over seeds that both have; None for the whole itself, or another mix.
    """

    variant: str
    mix: str
    seeds: int
    figures: Mapping[str, Estimate]
    difference: Estimate | None
    seconds: float


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and interval of some seeds' values."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Estimate(mean, None, None)
    half = _T95.get(n - 1, 1.96) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half)


def summarise_outcomes(outcomes: Sequence[Outcome], whole: str) -> tuple[Line, ...]:
    """A line a variant, in the order they first came.

    Args:
        whole: the variant that differences are from.
    """
    by_variant: dict[str, dict[int, Outcome]] = {}
    for one in outcomes:
        by_variant.setdefault(one.variant, {})[one.seed] = one
    reference = by_variant.get(whole, {})
    lines = []
    for name, seeds in by_variant.items():
        mix = next(iter(seeds.values())).fullest
        both = [seed for seed in seeds if seed in reference and name != whole]
        away = [seeds[s].mixes[mix]["top1"] - _whole(reference[s])["top1"] for s in both]
        figures = {key: estimate([one.mixes[mix][key] for one in seeds.values()]) for key in FIGURES}
        seconds = float(np.mean([one.seconds for one in seeds.values()]))
        lines.append(Line(name, mix, len(seeds), figures, estimate(away) if away else None, seconds))
    return tuple(lines)


def _whole(outcome: Outcome) -> Mapping[str, float]:
    return outcome.mixes[outcome.fullest]

"""How answers are asked for: how many suggestions, how sure, and by which rule the leaf is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from multimodal.errors import InputError

Decoding = Literal["argmax", "expected_distance"]
ACCURACIES = (0.9, 0.95, 0.99)
"""Shares of right answers that a bundle may promise."""
MAX_TOP_K = 10
DEFAULT_TOP_K = 2


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What is asked of every answer of a batch.

    Attributes:
        top_k: suggestions an answer, 1 to 10.
        min_confidence: go up the tree until the category's probability reaches this, whatever is promised.
        accuracy: go up to where the bundle promises that this share of such answers is right; by default 0.95, where
            it can promise that.
        decoding: the leaf that the category starts from: the likeliest, or the one whose mistakes would be the
            least severe on average (Bertinetto et al., "Making Better Mistakes", 2020).

    Raises:
        InputError: a value out of range, or both ``min_confidence`` and ``accuracy``.
    """

    top_k: int = DEFAULT_TOP_K
    min_confidence: float | None = None
    accuracy: float | None = None
    decoding: Decoding = "argmax"

    def __post_init__(self) -> None:
        if not isinstance(self.top_k, int) or not 1 <= self.top_k <= MAX_TOP_K:
            raise InputError(f"top_k: got {self.top_k!r}, expected 1 to {MAX_TOP_K}", code="top_k")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InputError(
                f"min_confidence: got {self.min_confidence}, expected a probability from 0 to 1", code="min_confidence"
            )
        if self.accuracy is not None and self.accuracy not in ACCURACIES:
            raise InputError(
                f"accuracy: got {self.accuracy}, expected one of {', '.join(map(str, ACCURACIES))}, the shares that "
                "bundles promise; min_confidence takes any probability",
                code="accuracy",
            )
        if self.accuracy is not None and self.min_confidence is not None:
            raise InputError(
                "got both accuracy and min_confidence, expected one: a share of right answers that is promised, or a "
                "probability to reach",
                code="accuracy",
            )
        if self.decoding not in get_args(Decoding):
            raise InputError(
                f"decoding: got {self.decoding!r}, expected one of {', '.join(get_args(Decoding))}", code="decoding"
            )

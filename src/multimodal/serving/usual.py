"""What products and answers usually look like, for drift to be told against."""

from __future__ import annotations

from collections.abc import Iterable

from multimodal.artifact import Profile, mix_name
from multimodal.errors import DataError
from multimodal.evaluation.drift import Shares, Tally
from multimodal.types import Answer, InputName, Prediction


def count(tally: Tally, answer: Prediction, inputs: Iterable[InputName]) -> None:
    """Adds an answer to a tally.

    Args:
        inputs: those that its model can use.
    """
    best = answer.suggestions[0]
    there = mix_name(name for name in inputs if name not in answer.missing)
    tally.add(there, best.path[0].id, best.probability)


def shares_of(profile: Profile) -> Shares:
    """A bundle's profile as shares."""
    return Shares(profile.inputs, profile.branches, profile.confidence)


def profile_answers(answers: Iterable[Answer], inputs: Iterable[InputName]) -> Profile:
    """The profile of a set of answers; errors are left out.

    Raises:
        DataError: nothing but errors.
    """
    tally, told = Tally(), tuple(inputs)
    for answer in answers:
        if isinstance(answer, Prediction):
            count(tally, answer, told)
    if not tally.rows:
        raise DataError("got no product that can be answered, expected some to take the profile of")
    shares = tally.shares()
    return Profile(
        rows=tally.rows, inputs=dict(shares.inputs), branches=dict(shares.branches), confidence=shares.confidence
    )

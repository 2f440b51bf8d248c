"""The photos a bundle was most confidently wrong about, tag by tag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multimodal.serving.label_figures import LabelFigures

MOST = 8
"""False alarms, and misses, that are shown of a tag."""


@dataclass(frozen=True, slots=True)
class TagMistakes:
    """Where answer and data differ about one tag.

    Attributes:
        number: the tag's place in the bundle, from 1: what files about it are called by.
        false_alarms, missed: how many there are.
        alarms, misses: (row in the data, probability) of the most confident ones, the most confident first.
    """

    number: int
    tag: str
    threshold: float
    false_alarms: int
    missed: int
    alarms: tuple[tuple[int, float], ...]
    misses: tuple[tuple[int, float], ...]


def find_tag_mistakes(figures: LabelFigures, most: int = MOST) -> list[TagMistakes]:
    """The mistakes of every tag that has some, in the bundle's order.

    A false alarm is answered though the data says that the tag is not there; the higher its probability, the more
    confident it is. A miss is there and not answered; the lower, the more confident.

    Args:
        most: how many of each kind at most.
    """
    found = []
    for number, (tag, probability) in enumerate(figures.tags.items(), 1):
        answered, truth = probability >= figures.thresholds[tag], figures.truth[tag]
        alarms, misses = np.flatnonzero(answered & (truth == 0)), np.flatnonzero(~answered & (truth == 1))
        if len(alarms) or len(misses):
            order = alarms[np.argsort(-probability[alarms], kind="stable")][:most]
            other = misses[np.argsort(probability[misses], kind="stable")][:most]
            shown = _rows(figures, tag, order), _rows(figures, tag, other)
            found.append(TagMistakes(number, tag, figures.thresholds[tag], len(alarms), len(misses), *shown))
    return found


def _rows(figures: LabelFigures, tag: str, places: npt.NDArray[np.intp]) -> tuple[tuple[int, float], ...]:
    return tuple((int(figures.rows[i]), float(figures.tags[tag][i])) for i in places)

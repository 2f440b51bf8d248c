"""The rows of an evaluation after their answers: everything but the photos, for all that is told of them later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from multimodal.types import HeadName, InputName, RowId

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Key = tuple[Literal["id", "row"], str]
"""What a row is known by: its id as text, or its number where it has none. Row 5 is not the row of id 5."""


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One labelled product that was answered.

    Attributes:
        row: its place in the data, from 0.
        title: as the heads saw it, masked where it was.
        inputs: what of it could be used.
    """

    row: int
    id: RowId
    title: str | None
    group: str | None
    inputs: tuple[InputName, ...]

    @property
    def key(self) -> Key:
        """Rows of two systems are matched by it."""
        return ("row", str(self.row)) if self.id is None else ("id", str(self.id))


@dataclass(frozen=True, slots=True)
class PeerAnswers:
    """What another system answered for the same rows, in the same order.

    Attributes:
        name: how tables call it.
        category_ids: its category of each row; None where it gave none, which counts as wrong.
        probabilities: how sure it was; None as a whole where it does not say, NaN where it gave no answer.
    """

    name: str
    category_ids: tuple[str | None, ...]
    probabilities: Floats | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured rows with truth and answers.

    Attributes:
        rows: [N].
        labels: int [N], leaf indices.
        probs: head -> float32 [N, leaves]; NaN rows where a head cannot answer. "fused", what the bundle
            answers, always can: a row that it cannot answer is an error instead.
        peer: another bundle's answers, where one was asked too.
        numbered: no row of the data has an id, measured or not: then ids elsewhere are numbers of its rows.
    """

    rows: tuple[MeasuredRow, ...]
    labels: Ints
    probs: Mapping[HeadName, Floats]
    peer: PeerAnswers | None = None
    numbered: bool = False

    @property
    def pred(self) -> Ints:
        """int [N], the leaf that the bundle answers."""
        best: Ints = self.probs["fused"].argmax(axis=1)
        return best

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """[N]: rows that share a group are drawn together; a row without one is a group of its own."""
        return np.array([f"row {r.row}" if r.group is None else f"group {r.group}" for r in self.rows])

    def by_head(self) -> Iterator[tuple[HeadName, Floats, Ints]]:
        """Probabilities and labels of each head, of the rows it can answer; heads without any are left out."""
        for head, probs in self.probs.items():
            there = ~np.isnan(probs).any(axis=1)
            if there.any():
                yield head, probs[there], self.labels[there]

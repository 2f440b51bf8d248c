"""What the service needs of a predictor; ``multimodal.load`` gives one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel

from multimodal.artifact import Profile
from multimodal.options import Decoding
from multimodal.taxonomy import Tree
from multimodal.types import InputName, Prediction, Product, RowError


class Predictor(Protocol):
    """A loaded bundle. Thread-safe."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def tree(self) -> Tree: ...

    @property
    def inputs(self) -> tuple[InputName, ...]: ...

    @property
    def manifest(self) -> BaseModel: ...

    @property
    def profile(self) -> Profile | None:
        """What its products and answers usually look like."""
        ...

    @property
    def quick(self) -> bool:
        """Whether a title is answered in about a millisecond."""
        ...

    def classify(
        self,
        products: Sequence[Product],
        *,
        top_k: int = 2,
        min_confidence: float | None = None,
        accuracy: float | None = None,
        decoding: Decoding = "argmax",
        explain: bool = False,
    ) -> Sequence[Prediction | RowError]:
        """One answer for each product, in order; a bad product is a ``RowError`` in its place."""
        ...

    def warm_up(self) -> None:
        """Runs every graph once, so that the first request is not the slow one."""
        ...

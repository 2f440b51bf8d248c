"""What tests of the predictor share: products with some of their inputs, and when two answers are the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from multimodal.serving import Predictor
from multimodal.types import INPUTS, Answer, HeadName, ImageRef, InputName, Prediction, Product, RowError

BROKEN = ImageRef(data=b"\xff\xd8\xff not a photo", name="broken.jpg")
UNKNOWN = "ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺ"
"""Runes: words, but not one n-gram of theirs is in a vocabulary of Russian and English titles."""
TRAINED: tuple[InputName, ...] = ("title", "characteristics", "image")
USED: dict[frozenset[str], HeadName] = {
    frozenset({"title"}): "text",
    frozenset({"characteristics"}): "text",
    frozenset({"title", "characteristics"}): "text",
    frozenset({"image"}): "image",
    frozenset({"title", "image"}): "fused",
    frozenset({"characteristics", "image"}): "fused",
    frozenset({"title", "characteristics", "image"}): "fused",
}


def only(product: Product, inputs: frozenset[str]) -> Product:
    return replace(product, **{name: None for name in INPUTS if name not in inputs})


def answer_of(predictor: Predictor, product: Product, **options: float) -> Prediction:
    answer = predictor.classify([product], **options)[0]  # type: ignore[arg-type]
    assert isinstance(answer, Prediction), answer
    return answer


def error_of(predictor: Predictor, product: Product) -> RowError:
    answer = predictor.classify([product])[0]
    assert isinstance(answer, RowError), answer
    return answer


def same_answer(answer: Answer, expected: Answer) -> None:
    """Alike but for float32 sums in another order; near ties may change places."""
    if isinstance(expected, RowError) or isinstance(answer, RowError):
        assert answer == expected
        return
    for name in ("id", "row", "decision", "used", "missing", "needs_review", "warnings"):
        assert getattr(answer, name) == getattr(expected, name), name
    ours, theirs = ([s.probability for s in a.suggestions] for a in (answer, expected))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    if min(-np.diff([*theirs, 0.0])[:-1], default=1) > 1e-4:
        assert [s.id for s in answer.suggestions][:-1] == [s.id for s in expected.suggestions][:-1]

"""What is answered: the answers of the API; domain types never appear in them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from multimodal.types import Decision, HeadName, InputName


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ModelInfo(_Answer):
    """Which model answered, over which version of its tree."""

    name: str
    version: str
    tree_version: str


class PathStep(_Answer):
    """A category on a path, with the summed probability of the leaves below it."""

    id: str
    name: str
    probability: float


class Category(_Answer):
    """A category with its path from the root down to itself."""

    id: str
    name: str
    is_leaf: bool
    probability: float
    path: list[PathStep]


class Candidates(_Answer):
    """The smallest set of leaves meant to hold the right one at the rate ``coverage``."""

    coverage: float
    category_ids: list[str]


class Modality(_Answer):
    """Which head answered, and which inputs were absent or unusable."""

    used: HeadName
    missing: list[InputName]


class Tag(_Answer):
    """A pattern read from the photo."""

    name: str
    probability: float
    present: bool


class Attribute(_Answer):
    """A single-choice attribute."""

    name: str
    value: str
    probability: float


class Conflict(_Answer):
    """Where title and photo point to different branches, both confidently."""

    text: PathStep
    image: PathStep


class Effect(_Answer):
    """What a part of the text moved: the natural logarithm of how many times it raises the category's odds."""

    input: InputName
    text: str
    effect: float


class HeatMap(_Answer):
    """What parts of the photo moved the category, by the photo alone: rows of effects, as in ``explanation``.

    They lie over the photo as the model sees it: whole, in the middle of a frame of the bundle's proportions.
    """

    category_id: str
    effects: list[list[float]]


_SHIRT: dict[str, Any] = {
    "id": "1042",
    "name": "Tshirts",
    "is_leaf": True,
    "probability": 0.93,
    "path": [
        {"id": "1001", "name": "Apparel", "probability": 0.99},
        {"id": "1010", "name": "Topwear", "probability": 0.97},
        {"id": "1042", "name": "Tshirts", "probability": 0.93},
    ],
}


class ClassifyResponse(_Answer):
    """The answer for one product. What the bundle cannot do is empty or null."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": {"name": "fashion", "version": "1", "tree_version": "0a1b2c3d4e5f"},
                    "decision": "leaf",
                    "category": _SHIRT,
                    "suggestions": [_SHIRT],
                    "candidates": {"coverage": 0.95, "category_ids": ["1042", "1187"]},
                    "modality": {"used": "fused", "missing": []},
                    "tags": [{"name": "floral", "probability": 0.81, "present": True}],
                    "attributes": [{"name": "colour", "value": "navy", "probability": 0.74}],
                    "needs_review": False,
                    "conflict": None,
                    "warnings": [],
                    "explanation": [{"input": "title", "text": "t-shirt", "effect": 4.2}],
                    "heat_map": {"category_id": "1042", "effects": [[0.1, 2.3], [0.0, 1.2]]},
                }
            ]
        }
    )

    model: ModelInfo
    decision: Decision
    category: Category | None
    suggestions: list[Category]
    candidates: Candidates | None
    modality: Modality
    tags: list[Tag]
    attributes: list[Attribute]
    needs_review: bool
    conflict: Conflict | None
    warnings: list[str]
    explanation: list[Effect] | None
    """Null unless ``explain`` is asked for."""
    heat_map: HeatMap | None
    """Null unless ``explain`` is asked for and there is a photo."""


class Problem(BaseModel):
    """An error by RFC 9457; some carry further members, such as ``errors``."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str


class ItemAnswer(_Answer):
    """One product of a batch: an answer or an error, never both.

    Attributes:
        id: as it came; null where none came.
        index: its place among the items, from 0.
        status: what ``POST /classify`` would have answered with.
    """

    id: str | int | None
    index: int
    status: int
    answer: ClassifyResponse | None
    error: Problem | None


class BatchResponse(_Answer):
    """As many answers as items, in their order."""

    answers: list[ItemAnswer]
    failed: int


class FeedbackResponse(_Answer):
    """What became of feedback."""

    request_id: str
    verdict: Literal["accepted", "corrected"]
    category_id: str


class ReviewItem(_Answer):
    """An answer worth a person's look.

    Attributes:
        times: how often the product was asked about.
        worth: how many wrong answers a look is expected to mend.
    """

    request_id: str
    model: str
    title: str | None
    category_id: str | None
    decision: str
    confidence: float
    conflict: bool
    suggestions: list[str]
    times: int
    worth: float


class ReviewResponse(_Answer):
    """The most worth a look first."""

    items: list[ReviewItem]


class Health(_Answer):
    """The answer of /live and /ready."""

    status: Literal["live", "ready"]


class CategoryNode(_Answer):
    """A node of the tree; ``parent_id`` is null for a root."""

    id: str
    name: str
    parent_id: str | None
    is_leaf: bool


class CategoriesResponse(_Answer):
    """The whole tree, in its own order."""

    model: ModelInfo
    categories: list[CategoryNode]


class ModelResponse(_Answer):
    """One of the models served: inputs, capabilities, metrics and provenance stand in the manifest.

    ``known_models`` names all that are served, ``default_model`` the one that answers where a request names none.
    """

    model: ModelInfo
    inputs: list[InputName]
    known_models: list[str]
    default_model: str
    manifest: dict[str, Any]

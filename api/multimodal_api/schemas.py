"""What is answered: the answers of the API; domain types never appear in them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from multimodal.types import Decision, HeadName, InputName


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


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


class ClassifyResponse(_Answer):
    """The answer for one product. What the bundle cannot do is empty or null."""

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
    """One product of a batch: an answer or an error, never both."""

    id: str | int | None
    """As it came; null where none came."""
    index: int
    """Its place among the items, from 0."""
    status: int
    """What ``POST /classify`` would have answered with."""
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
    """An answer worth a person's look."""

    request_id: str
    model: str
    title: str | None
    category_id: str | None
    decision: str
    confidence: float
    conflict: bool
    suggestions: list[str]
    times: int
    """How often the product was asked about."""
    worth: float
    """How many wrong answers a look is expected to mend."""


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
    """One of the models served: inputs, capabilities, metrics and provenance stand in the manifest."""

    model: ModelInfo
    inputs: list[InputName]
    known_models: list[str]
    """All that are served."""
    default_model: str
    """The one that answers where a request names none."""
    manifest: dict[str, Any]

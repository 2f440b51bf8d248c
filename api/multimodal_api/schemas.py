"""Requests and answers of the API; domain types never appear in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from multimodal.options import Decoding
from multimodal.text.fields import LONG_TEXT_CAP, TITLE_CAP
from multimodal.types import Decision, HeadName, InputName

MAX_TOP_K = 10

# Text caps are declared here and enforced by the predictor, whose errors name what came.
Title = Annotated[
    str | None,
    Field(description=f"The product's title, at most {TITLE_CAP} characters.", examples=["Men Navy Polo Tshirt"]),
]
Description = Annotated[str | None, Field(description=f"At most {LONG_TEXT_CAP} characters.")]


def blank_is_none(value: object) -> object:
    """A form sends the fields a person left empty as empty text."""
    return None if isinstance(value, str) and not value.strip() else value


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title = None
    description: Description = None
    top_k: Annotated[
        Annotated[int, Field(ge=1, le=MAX_TOP_K)] | None,
        BeforeValidator(blank_is_none),
        Field(description="How many suggestions; 2 unless asked."),
    ] = None
    min_confidence: Annotated[
        Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None,
        BeforeValidator(blank_is_none),
        Field(description="Go up the tree until the category is at least this probable, not until the promise holds."),
    ] = None
    accuracy: Annotated[
        float | None,
        BeforeValidator(blank_is_none),
        Field(
            description="Go up the tree to where the bundle promises that this share of the answers is right: 0.9, "
            "0.95 or 0.99; where it cannot, it abstains. 0.95, where that can be promised, unless asked.",
            examples=[0.99],
        ),
    ] = None
    decoding: Annotated[
        Decoding | None,
        BeforeValidator(blank_is_none),
        Field(description="The leaf that the category starts from: the likeliest, or the least far off on average."),
    ] = None
    explain: Annotated[bool | None, BeforeValidator(blank_is_none)] = None
    model: Annotated[
        str | None,
        BeforeValidator(blank_is_none),
        Field(description="Name of a served model; the default one unless asked."),
    ] = None


class ClassifyForm(_Options):
    """Text fields of a form; the photo travels as the file ``image``."""

    characteristics: Annotated[
        str | None, Field(description=f"`name: v1 | v2 / name2: v`, at most {LONG_TEXT_CAP} characters.")
    ] = None


class ClassifyRequest(_Options):
    """A product in JSON. At least one of title, description, characteristics and image_base64."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Men Navy Polo Tshirt", "top_k": 3}, {"image_base64": "/9j/4AAQ…"}]}
    )

    characteristics: Annotated[
        str | dict[str, Any] | list[tuple[str, Any]] | None,
        Field(description="`name: v1 | v2 / name2: v`, an object, or a list of [name, value] pairs."),
    ] = None
    image_base64: Annotated[str | None, Field(description="The photo file in base64; a `data:` URL is taken too.")] = (
        None
    )


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

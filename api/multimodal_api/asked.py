"""What may be asked: the requests of the API; domain types never appear in them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from multimodal.options import Decoding
from multimodal.text.fields import LONG_TEXT_CAP, TITLE_CAP

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


class AskedOptions(BaseModel):
    """How to answer; the same for a product and for many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    explain: Annotated[
        bool | None,
        BeforeValidator(blank_is_none),
        Field(description="Say what in the text, and what parts of the photo, moved the answer."),
    ] = None
    model: Annotated[
        str | None,
        BeforeValidator(blank_is_none),
        Field(description="Name of a served model; the default one unless asked."),
    ] = None


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title = None
    description: Description = None


class _FormText(_Text):
    characteristics: Annotated[
        str | None, Field(description=f"`name: v1 | v2 / name2: v`, at most {LONG_TEXT_CAP} characters.")
    ] = None


class ClassifyForm(AskedOptions, _FormText):
    """Text fields of a form; the photo travels as the file ``image``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Men Navy Polo Tshirt", "top_k": 3}]})


def _some_characteristics(value: object) -> object:
    """Looks at no more than it takes to find the first entry that does not fit: a million errors help nobody."""
    if value is None or isinstance(value, str | dict):
        return value
    if not isinstance(value, list):
        raise ValueError("expected text, an object, or a list")
    if len(value) > LONG_TEXT_CAP:
        raise ValueError(f"got {len(value):,} entries, expected at most {LONG_TEXT_CAP:,}; shorten the list")
    for place, entry in enumerate(value):
        pair = isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)
        if not pair and not isinstance(entry, dict):
            raise ValueError(
                f'entry {place} does not fit, expected [name, value] or {{"name": …, "value": …}}, or all as one text '
                "`name: v1 | v2 / name2: v`"
            )
    return value


_PAIR: dict[str, Any] = {"type": "array", "prefixItems": [{"type": "string"}, {}], "minItems": 2, "maxItems": 2}
_SHAPES: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "object", "additionalProperties": True},
        {"type": "array", "items": {"anyOf": [_PAIR, {"type": "object"}]}, "maxItems": LONG_TEXT_CAP},
        {"type": "null"},
    ],
    "examples": ["Colour: Navy | White / Season: Summer"],
}


class AskedProduct(_Text):
    """A product in JSON."""

    characteristics: Annotated[
        Any,
        PlainValidator(_some_characteristics),
        WithJsonSchema(_SHAPES),
        Field(description="`name: v1 | v2 / name2: v`, an object, or a list of [name, value] pairs or such objects."),
    ] = None
    image_base64: Annotated[str | None, Field(description="The photo file in base64; a `data:` URL is taken too.")] = (
        None
    )


class ClassifyRequest(AskedOptions, AskedProduct):
    """A product in JSON. At least one of title, description, characteristics and image_base64."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Men Navy Polo Tshirt", "top_k": 3}, {"image_base64": "/9j/4AAQ…"}]}
    )


class FeedbackRequest(BaseModel):
    """What a person says is right."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"request_id": "6c0f…", "category_id": "1042", "tags": {"floral": False}}]},
    )

    request_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=160,
            pattern=r"^[^\x00-\x1f]+$",
            description="X-Request-ID of the answer; of a batch with `/` and the index.",
        ),
    ]
    category_id: Annotated[str, Field(min_length=1, max_length=200, description="The right category.")]
    tags: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")], bool],
        Field(max_length=50, description="Tag -> whether the photo shows it."),
    ] = {}


class BatchItem(AskedProduct):
    """One product of a batch; ``id`` comes back with its answer, as it came."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": 1, "title": "Men Navy Polo Tshirt"}]})

    id: Annotated[str | int | None, Field(description="Yours; comes back with the answer.")] = None


class BatchRequest(AskedOptions):
    """Several products, answered alike."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"id": 1, "title": "Men Navy Polo Tshirt"}, {"id": 2, "image_base64": "/9j/…"}]}]
        }
    )

    items: Annotated[list[BatchItem], Field(min_length=1, description="As many as the service takes, 256 unless set.")]

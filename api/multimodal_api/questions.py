"""From what was read to a question: fields checked, the photo decoded from base64."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from multimodal.errors import InputError
from multimodal.options import DEFAULT_TOP_K, AnswerOptions
from multimodal.types import ImageRef, Product
from multimodal_api.asked import AskedOptions, AskedProduct, BatchItem, ClassifyForm, ClassifyRequest
from multimodal_api.bodies import parsed
from multimodal_api.forms import Part
from multimodal_api.problems import MOST_FIELDS, ProblemError, problem_of_unknown, problem_of_validation
from multimodal_api.settings import Settings

ModelT = TypeVar("ModelT", bound=BaseModel)

_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """What one request asks."""

    product: Product
    options: AnswerOptions
    explain: bool
    model: str | None


def read_question(body: bytes | list[Part], settings: Settings) -> Question:
    """Checks what was read; takes milliseconds for a large photo: a worker thread's business, but for a few words.

    Raises:
        ProblemError: 400 for broken JSON, 413 for a photo over its cap, 422 for fields that do not fit.
    """
    if isinstance(body, bytes):
        return _from_json(body, settings)
    return _from_form(body)


def _from_json(body: bytes, settings: Settings) -> Question:
    asked = validated(ClassifyRequest, parsed(body))
    return Question(
        _product(asked, _photo(asked.image_base64, settings.max_photo)),
        options_of(asked),
        bool(asked.explain),
        asked.model,
    )


def _from_form(parts: list[Part]) -> Question:
    photo: ImageRef | None = None
    fields: dict[str, object] = {}
    seen: set[str] = set()
    for part in parts:
        if part.name in seen:
            raise ProblemError(422, "repeated_field", f"{part.name[:80]}: got it twice, expected it once at most.")
        seen.add(part.name)
        if part.name == "image":
            photo = _file(part)
        else:
            fields[part.name] = _text(part)
    asked = validated(ClassifyForm, fields)
    return Question(_product(asked, photo), options_of(asked), bool(asked.explain), asked.model)


def validated(model: type[ModelT], raw: object, known: Sequence[str] = ()) -> ModelT:
    """The fields of one JSON object, or of a form.

    Args:
        known: fields that may stand beside those of the model, for the error to name.

    Raises:
        ProblemError: 422 where it is no object, or its fields do not fit.
    """
    if not isinstance(raw, dict):
        raise ProblemError(
            422,
            "invalid_body",
            f'Got a JSON {type(raw).__name__}, expected an object such as {{"title": "…"}}.',
        )
    beside = ("image",) if model is ClassifyForm else known
    fields = [*model.model_fields, *beside]
    unknown = [str(name) for name in raw if name not in model.model_fields]
    if len(unknown) > MOST_FIELDS:
        raise problem_of_unknown(unknown, fields)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise problem_of_validation(error.errors(include_url=False), fields) from None


def product_of_item(raw: object, settings: Settings) -> tuple[str | int | None, Product]:
    """One product of a batch and the id it came with.

    Raises:
        ProblemError: 413 for a photo over its cap, 422 for fields that do not fit.
    """
    asked = validated(BatchItem, raw)
    return asked.id, _product(asked, _photo(asked.image_base64, settings.max_photo))


def _product(asked: ClassifyForm | AskedProduct, photo: ImageRef | None) -> Product:
    texts = (asked.title, asked.description, asked.characteristics)
    if photo is None and not any(t.strip() if isinstance(t, str) else t for t in texts):
        name = "image" if isinstance(asked, ClassifyForm) else "image_base64"
        raise ProblemError(
            422,
            "no_input",
            "Got no input; expected at least one of title, description, characteristics and image "
            f"(sent as {name}), not empty.",
        )
    return Product(title=asked.title, description=asked.description, characteristics=asked.characteristics, image=photo)


def options_of(asked: AskedOptions) -> AnswerOptions:
    """How the answers are to be.

    Raises:
        ProblemError: 422 for an option that does not fit.
    """
    top_k = DEFAULT_TOP_K if asked.top_k is None else asked.top_k
    try:
        return AnswerOptions(top_k, asked.min_confidence, asked.accuracy, asked.decoding or "argmax")
    except InputError as error:
        told = f"{error.message}."
        extra = {"errors": [{"field": error.code, "message": told}]}
        raise ProblemError(422, "invalid_field", told, extra=extra) from None


def _file(part: Part) -> ImageRef | None:
    if not part.filename and not part.data:
        return None  # a browser sends a file input left empty so
    if part.filename is None:
        raise ProblemError(
            422,
            "invalid_field",
            "image: got a text field, expected a file with a file name (curl: -F image=@photo.jpg).",
        )
    return ImageRef(data=bytes(part.data), name=part.filename or None)


def _text(part: Part) -> str:
    if part.filename is not None:
        raise ProblemError(
            422,
            "invalid_field",
            f"{part.name[:80]}: got a file, expected text; the only file field is image.",
        )
    try:
        return part.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            422,
            "invalid_field",
            f"{part.name[:80]}: byte {error.start} is not UTF-8; send the text in UTF-8.",
        ) from None


def _photo(text: str | None, cap: int) -> ImageRef | None:
    if not text or text.isspace():
        return None
    url = _DATA_URL.match(text)
    encoded = text[url.end() :] if url else text
    try:
        packed = encoded.encode("ascii").translate(None, b" \t\r\n")
        if len(packed) // 4 * 3 - packed[-2:].count(b"=") > cap:
            raise ProblemError(
                413,
                "image_too_large_bytes",
                f"image_base64: got more than {cap} bytes of photo; send a smaller one.",
            )
        return ImageRef(data=binascii.a2b_base64(packed, strict_mode=True), name="image_base64")
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ProblemError(
            422,
            "invalid_base64",
            f"image_base64: not base64 ({error}), got {text[:24]!r}…; expected a photo file in base64, "
            "or a data: URL of one.",
        ) from None

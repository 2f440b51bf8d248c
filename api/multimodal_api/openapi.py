"""The parts of the OpenAPI document that FastAPI cannot derive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from multimodal_api.asked import ClassifyForm, ClassifyRequest
from multimodal_api.bodies import FORM, JSON
from multimodal_api.problems import MEDIA_TYPE
from multimodal_api.schemas import Problem


def request_body() -> dict[str, Any]:
    """The body of ``POST /classify`` in both content types."""
    form = inlined(ClassifyForm)
    photo = {
        "type": "string",
        "format": "binary",
        "description": "The photo: JPEG, PNG, WebP, GIF and others.",
    }
    form["properties"] = {"image": photo, **form["properties"]}
    content = {FORM: {"schema": form}, JSON: {"schema": inlined(ClassifyRequest)}}
    return {"requestBody": {"required": True, "content": content}}


def json_body(model: type[BaseModel], kind: str = JSON) -> dict[str, Any]:
    """A body of JSON alone, or of lines that are JSON each."""
    return {"requestBody": {"required": True, "content": {kind: {"schema": inlined(model)}}}}


def problems(*statuses: int, meaning: Mapping[int, str] | None = None) -> dict[int | str, dict[str, Any]]:
    """Declares that these statuses answer with a problem.

    Args:
        meaning: of those that mean something else here than they usually do.
    """
    meanings = {
        400: "The body is broken",
        401: "No API key that is known",
        404: "No model of that name",
        409: "What it is about is not clear",
        413: "Over a cap",
        415: "Neither a form nor JSON",
        422: "Fields that do not fit, or nothing usable in them",
        429: "Over the limit of the API key",
        500: "The service failed",
        503: "Not ready, or too busy; Retry-After says when to ask again",
        **(meaning or {}),
    }
    schema = Problem.model_json_schema()
    return {s: {"description": meanings[s], "content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """A schema without references: those of pydantic would point to nothing inside an OpenAPI document."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        name = str(part.get("$ref", "")).removeprefix("#/$defs/")
        return whole(parts[name]) if name in parts else {key: whole(value) for key, value in part.items()}

    found: dict[str, Any] = whole(schema)
    return found

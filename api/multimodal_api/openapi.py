"""The parts of the OpenAPI document that FastAPI cannot derive."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from multimodal_api.bodies import FORM, JSON
from multimodal_api.problems import MEDIA_TYPE
from multimodal_api.schemas import ClassifyForm, ClassifyRequest, Problem


def request_body() -> dict[str, Any]:
    """The body of ``POST /classify`` in both content types."""
    form = _schema(ClassifyForm)
    photo = {
        "type": "string",
        "format": "binary",
        "description": "The photo: JPEG, PNG, WebP, GIF and others.",
    }
    form["properties"] = {"image": photo, **form["properties"]}
    content = {FORM: {"schema": form}, JSON: {"schema": _schema(ClassifyRequest)}}
    return {"requestBody": {"required": True, "content": content}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declares that these statuses answer with a problem."""
    meanings = {
        400: "The body is broken",
        404: "No model of that name",
        413: "Over a cap",
        415: "Neither a form nor JSON",
        422: "Fields that do not fit, or nothing usable in them",
        500: "The service failed",
        503: "Not every model is loaded",
    }
    schema = Problem.model_json_schema()
    return {s: {"description": meanings[s], "content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()

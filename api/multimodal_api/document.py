"""What is added to the OpenAPI document that FastAPI makes: examples and API keys; and what it says of keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI

from multimodal_api.access import is_open
from multimodal_api.examples import put_examples
from multimodal_api.openapi import problems

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key as a bearer token."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The API key as it is."},
}
_HEADERS = {
    401: {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds until the key may ask again", "schema": {"type": "integer"}}},
}


class DocumentedApp(FastAPI):
    """Its document gives examples, and declares the keys and the answers that they can cause.

    Args:
        open_paths: want no key.
        asked: whether this service has keys; else they may be left out, and a client made from the document still
            fits a service that has.
        told: what ``FastAPI`` takes.
    """

    def __init__(self, *, open_paths: Iterable[str], asked: bool, **told: Any) -> None:
        self._open_paths, self._asked = tuple(open_paths), asked
        super().__init__(**told)

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        made = self.openapi_schema is not None
        document = super().openapi()  # which keeps what it made
        if not made:
            _declare_keys(document, self._open_paths, self._asked)
            put_examples(document)
        return document


def headers_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> list[str]:
    """The headers that an operation takes a key in, each enough by itself: ``X-API-Key: KEY``."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    names = [name for one in operation.get("security", ()) for name in one]
    return [_header(schemes[name]) for name in names if name in schemes]


def wants_key(operation: Mapping[str, Any]) -> bool:
    """Whether an operation answers nobody without a key."""
    return bool(operation.get("security")) and {} not in operation["security"]


def _declare_keys(document: dict[str, Any], open_paths: tuple[str, ...], asked: bool) -> None:
    document.setdefault("components", {})["securitySchemes"] = _SCHEMES
    refusals = {str(s): {**told, "headers": _HEADERS[int(s)]} for s, told in problems(*_HEADERS).items()}
    for path, item in document["paths"].items():
        if is_open(path, open_paths):
            continue
        for operation in item.values():
            operation["security"] = [*([] if asked else [{}]), *({name: []} for name in _SCHEMES)]
            operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))


def _header(scheme: Mapping[str, str]) -> str:
    return f"{scheme['name']}: KEY" if scheme["type"] == "apiKey" else "Authorization: Bearer KEY"

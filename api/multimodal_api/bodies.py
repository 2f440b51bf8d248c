"""A request's body: dispatch on the content type, read within the caps."""

from __future__ import annotations

from fastapi import Request
from pydantic_core import from_json

from multimodal_api.forms import FormReader, Part
from multimodal_api.problems import ProblemError
from multimodal_api.settings import Settings

FORM, JSON = "multipart/form-data", "application/json"


def kind_of(request: Request) -> str:
    """The content type without its parameters, in lower case.

    Raises:
        ProblemError: 415 for a compressed body.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise ProblemError(
            415,
            "unsupported_content_encoding",
            f"Got Content-Encoding {encoding!r:.60}; send the body as it is.",
        )
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(request: Request, *expected: str) -> ProblemError:
    """The 415 of another content type than those expected."""
    got = request.headers.get("content-type", "")
    return ProblemError(
        415,
        "unsupported_media_type",
        f"Got Content-Type {got!r:.100}; expected {' or '.join(expected)}.",
        headers={"Accept-Post": ", ".join(expected)},
    )


async def read_body(request: Request, settings: Settings) -> bytes | list[Part]:
    """The body of a JSON request, or the parts of a form.

    Raises:
        ProblemError: 415 for another content type; 400 or 413 from reading a form.
    """
    kind = kind_of(request)
    if kind == JSON:
        return await request.body()
    if kind == FORM:
        content_type = request.headers.get("content-type", "")
        reader = FormReader(content_type, max_photo=settings.max_photo, max_field=settings.max_field)
        return await reader.read(request.stream())
    raise unsupported(request, FORM, JSON)


def size_of(body: bytes | list[Part]) -> int:
    """Bytes of what ``read_body`` has read."""
    return len(body) if isinstance(body, bytes) else sum(len(part.data) for part in body)


async def disconnected(request: Request) -> None:
    """Returns once the client has gone; only to be awaited after the whole body is read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def parsed(body: bytes) -> object:
    """What a JSON text says.

    Raises:
        ProblemError: 400 where it is none.
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError(
            400,
            "malformed_json",
            f"The body is not JSON in UTF-8: {error}. NaN and Infinity are not JSON either.",
        ) from None

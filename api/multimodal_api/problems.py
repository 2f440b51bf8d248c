"""Every error as RFC 9457 ``application/problem+json``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from reprlib import Repr
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multimodal.errors import MultimodalError, nearest
from multimodal_api.trace import trace_of

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:multimodal:problem:"

MOST_FIELDS = 20
"""Fields that do not fit and are told of; nobody reads more."""
_SHOWN = 80
"""Characters of what came that an error repeats."""
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = _SHOWN

_log = logging.getLogger("multimodal_api")


class ProblemError(Exception):
    """An error for the client.

    Args:
        status: HTTP status.
        code: stable, machine-readable; the last part of the problem's ``type``.
        detail: what came, what was expected, what to do next.
        headers: extra headers of the answer.
        extra: further members of the problem.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def problem_body(scope: Scope, problem: ProblemError) -> dict[str, Any]:
    """The members of a problem document."""
    return {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "instance": scope.get("path", ""),
        "code": problem.code,
        "request_id": trace_of(scope).request_id,
        **problem.extra,
    }


def problem_response(scope: Scope, problem: ProblemError) -> Response:
    """The answer that tells the client of ``problem``."""
    trace_of(scope).code = problem.code
    text = json.dumps(problem_body(scope, problem), ensure_ascii=True, allow_nan=False)
    return Response(text, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def problem_of_validation(errors: Sequence[ErrorDetails], known: Sequence[str] = ()) -> ProblemError:
    """One 422 for all fields that do not fit; unknown ones are named with the nearest known."""
    entries: dict[str, str] = {}
    for error in errors:
        name = ".".join(str(part) for part in error["loc"][:1]) or "body"
        if name not in entries and len(entries) < MOST_FIELDS:  # a union reports each of its members
            entries[name] = _sentence(error, name, known)
    unknown = any(error["type"] == "extra_forbidden" for error in errors)
    return _problem_of_fields("unknown_field" if unknown else "invalid_field", entries)


def problem_of_unknown(names: Sequence[str], known: Sequence[str]) -> ProblemError:
    """One 422 for more unknown fields than anybody wants to read of."""
    entries = {name[:_SHOWN]: _unknown(name, known) for name in names[:MOST_FIELDS]}
    return _problem_of_fields("unknown_field", entries, f" And {len(names) - len(entries):,} more.")


def _problem_of_fields(code: str, entries: Mapping[str, str], more: str = "") -> ProblemError:
    told = [{"field": field, "message": message} for field, message in entries.items()]
    return ProblemError(422, code, " ".join(entries.values()) + more, extra={"errors": told})


def _sentence(error: ErrorDetails, name: str, known: Sequence[str]) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(name, known)
    return f"{name}: {error['msg']}, got {_short(error.get('input'))}."


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"Unknown field {name[:_SHOWN]!r}.{nearest(name[:_SHOWN], known)} Known fields: {', '.join(known)}."


def _short(value: object) -> str:
    """What came, without first writing out megabytes of it."""
    try:
        shown = _REPR.repr(value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return f"a JSON {type(value).__name__}"
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def install_problem_handlers(app: FastAPI) -> None:
    """Makes the app answer every error as a problem, Starlette's and FastAPI's own too."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(MultimodalError, _on_failure)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_request_validation)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(request.scope, error)


async def _on_failure(request: Request, error: Exception) -> Response:
    """What fails for now and may work later: the database, say."""
    assert isinstance(error, MultimodalError)
    if error.code != "store_failed":
        raise error
    _log.error("request %s: %s", trace_of(request.scope).request_id, error.message)
    detail = "What is kept cannot be reached now; ask again after the time in Retry-After. The log has the reason."
    return problem_response(request.scope, ProblemError(503, "store_failed", detail, headers={"Retry-After": "5"}))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    path = request.url.path
    details = {
        404: f"Nothing is served at {path}; /docs lists what is.",
        405: f"{path} does not take {request.method}; the header Allow names what it takes.",
    }
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    detail = details.get(status.value, str(error.detail))
    return problem_response(request.scope, ProblemError(status.value, code, detail, headers=error.headers))


async def _on_request_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found: Sequence[ErrorDetails] = error.errors()
    inner: list[ErrorDetails] = [{**e, "loc": e["loc"][1:]} for e in found]  # drops "query", "path" and the like
    return problem_response(request.scope, problem_of_validation(inner, _asked_by(request)))


def _asked_by(request: Request) -> list[str]:
    """The names in the query that the request's path takes."""
    route = request.scope.get("route")
    names: list[str] = []
    for field in route.dependant.query_params if isinstance(route, APIRoute) else ():
        model: object = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names += model.model_fields
        else:
            names.append(field.alias)
    return names


class FailureMiddleware:
    """Answers what nobody foresaw with a 500 that tells no more than the request's id; the log has the rest.

    Starlette's own handler would answer too, but then raises again, which closes the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            _log.info("request %s: the client went away before its body was whole", trace_of(scope).request_id)
        except Exception:  # the last line before the server, which would close the connection
            if scope["type"] != "http" or started:
                raise
            await problem_response(scope, _unforeseen(scope))(scope, receive, send)


def _unforeseen(scope: Scope) -> ProblemError:
    request_id = trace_of(scope).request_id
    _log.exception("request %s failed unexpectedly", request_id)
    return ProblemError(
        500,
        "internal_error",
        f"The service failed to answer; its log tells why under request id {request_id}. "
        "Report that id; sending the request again may help.",
    )

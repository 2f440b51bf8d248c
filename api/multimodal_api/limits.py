"""Counts a request's bytes while they arrive, and answers 413 before the body is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multimodal_api.problems import ProblemError, problem_response

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How many bytes a body may have; None: any number, and whoever reads it caps its parts.

    Attributes:
        cure: what can be done where it is too little.
    """

    size: int | None
    cure: str


class BodyLimitMiddleware:
    """Refuses bodies over their limit: at once by Content-Length, else while reading.

    Args:
        usual: for every path that ``by_path`` does not name.
    """

    def __init__(self, app: ASGIApp, usual: BodyLimit, by_path: Mapping[str, BodyLimit]) -> None:
        self.app, self._usual, self._by_path = app, usual, by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._by_path.get(scope["path"], self._usual)
        meter = _Meter(scope, receive, send, limit.size)
        if limit.size is not None and meter.declared > limit.size:
            await self._refuse(scope, meter, limit, f"a body of {meter.declared} bytes")
            return
        try:
            await self.app(scope, meter.receive, meter.send)
        except _OverLimitError:
            if meter.answering:  # nothing sensible can be added to an answer under way
                raise
            await self._refuse(scope, meter, limit, f"more than {limit.size} bytes")

    async def _refuse(self, scope: Scope, meter: _Meter, limit: BodyLimit, came: str) -> None:
        problem = ProblemError(
            413,
            "body_too_large",
            f"Got {came}; a request may hold {limit.size} bytes. {limit.cure}",
            headers={"Connection": "close"},
        )
        await problem_response(scope, problem)(scope, meter.receive, meter.send)


class _OverLimitError(Exception):
    """Raised into whoever reads the body."""


class _Meter:
    """One request's body, counted as it is read."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int | None) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        self.declared = int(length[:20]) if length.isascii() and length.isdecimal() else 0
        self.answering = False
        self._whole = self.declared == 0 and "transfer-encoding" not in headers
        self._receive, self._send = receive, send
        self._limit = limit
        self._read = 0

    async def receive(self) -> Message:
        message = await self._next()
        if self._limit is not None and self._read > self._limit:
            raise _OverLimitError
        return message

    async def send(self, message: Message) -> None:
        self.answering = True
        if message["type"] != "http.response.body" or message.get("more_body", False) or self._whole:
            await self._send(message)
            return
        # The answer ends while the client still sends. Closing now would reset the connection, and the
        # client would never read the answer: it goes out whole, then what still comes is thrown away.
        await self._send({**message, "more_body": True})
        await self._drain()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._whole = True
        return message

    async def _drain(self) -> None:
        enough = self._read + _LINGER_BYTES
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._whole and self._read < enough:
                    await self._next()
        except TimeoutError:
            return

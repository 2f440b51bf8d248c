"""Counts a request's bytes while they arrive, and answers 413 before the body is whole."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multimodal_api.problems import ProblemError, problem_response

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64_000_000


class BodyLimitMiddleware:
    """Refuses bodies of more than ``max_body`` bytes: at once by Content-Length, else while reading."""

    def __init__(self, app: ASGIApp, max_body: int) -> None:
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        meter = _Meter(scope, receive, send, self.max_body)
        if meter.declared > self.max_body:
            await self._refuse(scope, meter, f"a body of {meter.declared} bytes")
            return
        try:
            await self.app(scope, meter.receive, meter.send)
        except _OverLimitError:
            if meter.answering:  # nothing sensible can be added to an answer under way
                raise
            await self._refuse(scope, meter, f"more than {self.max_body} bytes")

    async def _refuse(self, scope: Scope, meter: _Meter, came: str) -> None:
        problem = ProblemError(
            413,
            "body_too_large",
            f"Got {came}; a request may hold {self.max_body} bytes. Send a smaller photo, "
            "or raise MULTIMODAL_MAX_BODY on the server.",
            headers={"Connection": "close"},
        )
        await problem_response(scope, problem)(scope, meter.receive, meter.send)


class _OverLimitError(Exception):
    """Raised into whoever reads the body."""


class _Meter:
    """One request's body, counted as it is read."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
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
        if self._read > self._limit:
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

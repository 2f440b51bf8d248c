"""Tells of each request once it is answered: a line in the log, and the counters."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multimodal_api.trace import Trace, trace_of

Told = Callable[[Scope, int, Trace], None]
"""Gets the request's scope, its status and its trace."""


class ObserveMiddleware:
    """Calls ``told`` for every HTTP request, however it ended; one without an answer has status 499.

    499 is what nginx logs for a client that went away.
    """

    def __init__(self, app: ASGIApp, told: Told) -> None:
        self.app, self._told = app, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 499

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self._told(scope, status, trace_of(scope))

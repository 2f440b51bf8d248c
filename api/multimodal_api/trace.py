"""One request's id and stage times; an ASGI middleware writes them into the answer's headers."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY = "multimodal.trace"
_FIT_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


@dataclass(slots=True)
class Trace:
    """Identity and clock of one request; stage times are milliseconds, in the order they ended."""

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)
    code: str | None = None
    """Of the problem that it was answered with."""
    notes: dict[str, object] = field(default_factory=dict)
    """What its line in the log tells beside."""
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._last = self.started  # one reading of the clock, or the stages do not add up to the total

    def mark(self, stage: str) -> None:
        """Ends a stage that began where the one before it ended."""
        now = time.perf_counter()
        self.stages[stage] = (now - self._last) * 1000
        self._last = now

    def passed(self, stages: Mapping[str, float], way: str) -> None:
        """Ends stages that were measured elsewhere; what is left of the time since the one before was the way there."""
        here = self._last
        self.mark(way)
        self.stages[way] = max(0.0, (self._last - here) * 1000 - sum(stages.values()))
        self.stages |= stages

    def seconds(self) -> float:
        """Since it came."""
        return time.perf_counter() - self.started

    def server_timing(self) -> str:
        """The value of a ``Server-Timing`` header."""
        total = (self._last - self.started) * 1000
        return ", ".join(f"{name};dur={ms:.3f}" for name, ms in (*self.stages.items(), ("total", total)))


def trace_of(scope: Scope) -> Trace:
    """The trace of the request that ``scope`` belongs to."""
    trace = scope.get(_KEY)
    if not isinstance(trace, Trace):
        trace = scope[_KEY] = Trace(uuid.uuid4().hex)
    return trace


class TraceMiddleware:
    """Gives each request an id (its own ``X-Request-ID`` where that is fit to repeat) and a clock."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("x-request-id", "")
        trace = scope[_KEY] = Trace(asked if _FIT_ID.fullmatch(asked) else uuid.uuid4().hex)

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.mark("reply")
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = trace.request_id
                headers["Server-Timing"] = trace.server_timing()
            await send(message)

        await self.app(scope, receive, send_traced)

"""Who may ask, and how often: API keys, with a limit for each."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from multimodal.errors import ConfigError
from multimodal_api.problems import ProblemError, problem_response
from multimodal_api.trace import trace_of

_HOW = "send it as the header Authorization: Bearer KEY, or X-API-Key: KEY"


@dataclass(slots=True)
class Key:
    """A key that may ask.

    Attributes:
        digest: sha256 of the key; the key itself is not kept.
        a_minute: requests; None is any number.
    """

    name: str
    digest: bytes
    a_minute: float | None = None
    _left: float = field(default=0.0, init=False)
    _at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._left, self._at = self.a_minute or 0.0, time.monotonic()

    def wait(self, now: float) -> float:
        """Takes one request; 0 where it may go, else the seconds until one may (a token bucket of a minute)."""
        if self.a_minute is None:
            return 0.0
        rate = self.a_minute / 60
        self._left = min(self.a_minute, self._left + (now - self._at) * rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / rate
        self._left -= 1
        return 0.0


def read_keys(told: str) -> list[Key]:
    """Keys as the environment tells them: ``name=key`` or ``name=key@60`` (a minute), commas between.

    Raises:
        ConfigError: one is not of that form, or a name stands twice.
    """
    keys: list[Key] = []
    for number, part in enumerate(told.split(","), 1):
        name, found, rest = part.strip().partition("=")
        secret, _, limit = rest.rpartition("@") if "@" in rest else (rest, "", "")
        usable = bool(found and name and len(secret) >= 16) and (not limit or _positive(limit))
        if not usable or name in {key.name for key in keys}:
            raise ConfigError(
                f"MULTIMODAL_API_KEYS: entry {number}: expected name=key or name=key@60, each name once, the key of "
                "16 characters or more and without a comma, the limit a number of requests a minute."
            )
        keys.append(Key(name, hashlib.sha256(secret.encode()).digest(), float(limit) if limit else None))
    return keys


def _positive(limit: str) -> bool:
    try:
        return float(limit) >= 1 and math.isfinite(float(limit))
    except ValueError:
        return False


def is_open(path: str, open_paths: Iterable[str]) -> bool:
    """Whether a path needs no key: it is one of these, or below one that ends in a slash."""
    return any(path == one or (one.endswith("/") and one != "/" and path.startswith(one)) for one in open_paths)


class AccessMiddleware:
    """Lets requests through that carry a key, within its limit; a 401 or 429 problem for others.

    Args:
        open_paths: need no key; those below one that ends in a slash neither.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[Key], open_paths: Iterable[str]) -> None:
        self.app, self._keys, self._open = app, list(keys), tuple(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"], self._open):
            await self.app(scope, receive, send)
            return
        problem = self._refusal(scope)
        await (self.app if problem is None else problem_response(scope, problem))(scope, receive, send)

    def _refusal(self, scope: Scope) -> ProblemError | None:
        key = self._key(Headers(scope=scope))
        if key is None:
            return ProblemError(
                401,
                "unknown_key",
                f"Got no API key, or one that is not known; {_HOW}.",
                headers={"WWW-Authenticate": "Bearer", "Connection": "close"},
            )
        trace_of(scope).notes["key"] = key.name
        seconds = key.wait(time.monotonic())
        if not seconds:
            return None
        return ProblemError(
            429,
            "too_many_requests",
            f"The key {key.name!r} may ask {key.a_minute:g} times a minute; ask again after the time in Retry-After.",
            headers={"Retry-After": str(math.ceil(seconds)), "Connection": "close"},
        )

    def _key(self, headers: Mapping[str, str]) -> Key | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        told = headers.get("x-api-key") or (token.strip() if kind.lower() == "bearer" else "")
        digest = hashlib.sha256(told.encode("utf-8", "surrogateescape")).digest()
        found = None
        for key in self._keys:  # all are compared, so that the time tells nothing of which
            if hmac.compare_digest(digest, key.digest):
                found = key
        return found

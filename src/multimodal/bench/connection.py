"""One kept-alive connection to a service, on the standard library: it costs little beside what it measures.

Code that only wants answers takes ``multimodal.client``.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

_STAGE = re.compile(r"([\w-]+);dur=([\d.]+)")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service.

    Attributes:
        body: the JSON it holds.
        ms: from the first byte sent to the last one read.
        stages: milliseconds by stage from ``Server-Timing``; "total" is the whole.
        retry_after: when to ask again, as the service puts it; None where it does not.
        again: whether the connection was found closed and the question asked on a new one.
    """

    status: int
    body: dict[str, Any]
    ms: float
    stages: dict[str, float]
    retry_after: str | None = None
    again: bool = False


class Connection:
    """Talks to one service; not for use by several threads at once."""

    def __init__(self, host: str, port: int, *, timeout: float = 30.0) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Raises OSError or HTTPException where no answer comes."""
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path, None, {})

    def classify(self, fields: Mapping[str, str], photo: bytes | None = None) -> Reply:
        """Asks ``POST /classify``: as a form where there is a photo, else as JSON."""
        if photo is None:
            content, kind = json.dumps(dict(fields)).encode(), "application/json"
        else:
            content, kind = encode_form(fields, photo)
        return self.send("POST", "/classify", content, {"Content-Type": kind})

    def send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        """One request, one answer; the connection is opened again where it was closed in between."""
        reused = self._connection.sock is not None
        started = time.perf_counter()
        try:
            self._connection.request(method, path, body=content, headers=dict(headers))
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            if reused and isinstance(error, ConnectionError):  # servers close a connection that idled
                return replace(self.send(method, path, content, headers), again=True)
            raise
        ms = (time.perf_counter() - started) * 1000
        timing = response.headers.get("Server-Timing", "")
        stages = {name: float(value) for name, value in _STAGE.findall(timing)}
        return Reply(response.status, json.loads(data), ms, stages, response.headers.get("Retry-After"))


def encode_form(
    fields: Mapping[str, str], photo: bytes | None = None, filename: str = "photo.jpg"
) -> tuple[bytes, str]:
    """A multipart/form-data body and its content type; the photo is the part ``image``."""
    boundary = uuid.uuid4().hex
    parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    if photo is not None:
        parts.append(_part(boundary, f'name="image"; filename="{filename}"', photo))
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _part(boundary: str, disposition: str, data: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + data + b"\r\n"

"""How workers of one service write to each other: a JSON head, and the bytes that belong to it."""

from __future__ import annotations

import json
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from multimodal_api.forms import Part
from multimodal_api.problems import ProblemError

_LENGTHS = struct.Struct(">II")

Body = bytes | list[Part]
"""What was read of a request."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A request that another worker answers.

    Attributes:
        left: seconds until its deadline.
    """

    body: Body
    request_id: str
    draft: bool
    left: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of it: ``content``, or a problem.

    Attributes:
        stages: milliseconds by stage where it was answered.
        notes: what the log tells of it.
    """

    content: bytes | ProblemError
    stages: Mapping[str, float]
    notes: Mapping[str, Any]


def question(asked: Handed) -> bytes:
    """A request as it goes to another worker."""
    head: dict[str, Any] = {"id": asked.request_id, "draft": asked.draft, "left": asked.left}
    if isinstance(asked.body, bytes):
        return _frame(head, [asked.body])
    head["parts"] = [[part.name, part.filename, len(part.data)] for part in asked.body]
    return _frame(head, [part.data for part in asked.body])


def answer(given: Answered) -> bytes:
    """An answer as it goes back."""
    head: dict[str, Any] = {"stages": dict(given.stages), "notes": dict(given.notes)}
    told = given.content
    if isinstance(told, bytes):
        return _frame(head, [told])
    parts = {"status": told.status, "code": told.code, "detail": told.detail}
    return _frame({**head, "problem": {**parts, "headers": told.headers, "extra": told.extra}}, [])


async def read_question(reader: StreamReader) -> Handed:
    """Raises IncompleteReadError where the other end is closed."""
    head, data = await _read(reader)
    body: Body = data
    if "parts" in head:
        body, at = [], 0
        for name, filename, size in head["parts"]:
            body.append(Part(name, filename, bytearray(data[at : at + size])))
            at += size
    return Handed(body, head["id"], head["draft"], head["left"])


async def read_answer(reader: StreamReader) -> Answered:
    """Raises IncompleteReadError where the other end is closed."""
    head, data = await _read(reader)
    told = head.get("problem")
    content: bytes | ProblemError = data
    if told is not None:
        extra = {"headers": told["headers"], "extra": told["extra"]}
        content = ProblemError(told["status"], told["code"], told["detail"], **extra)
    return Answered(content, head["stages"], head["notes"])


async def send(writer: StreamWriter, frame: bytes) -> None:
    """Raises OSError where the other end is closed."""
    writer.write(frame)
    await writer.drain()


def _frame(head: Mapping[str, Any], blobs: Iterable[bytes | bytearray]) -> bytes:
    told = json.dumps(head).encode()
    data = b"".join(blobs)
    return _LENGTHS.pack(len(told), len(data)) + told + data


async def _read(reader: StreamReader) -> tuple[dict[str, Any], bytes]:
    head, data = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    told = json.loads(await reader.readexactly(head))
    return told, await reader.readexactly(data)

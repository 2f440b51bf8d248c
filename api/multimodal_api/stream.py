"""``POST /classify/stream``: JSON Lines in, JSON Lines out, any number of products in bounded memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from multimodal_api.asked import AskedOptions, BatchItem
from multimodal_api.bodies import kind_of, parsed, unsupported
from multimodal_api.items import PIECE, Asked, Raw
from multimodal_api.openapi import inlined, json_body, problems
from multimodal_api.problems import ProblemError
from multimodal_api.questions import options_of
from multimodal_api.schemas import ItemAnswer
from multimodal_api.service import service_of

PATH = "/classify/stream"
LINES = "application/x-ndjson"
_TAKEN = (LINES, "application/jsonl", "application/jsonlines")
router = APIRouter()


@router.post(
    PATH,
    summary="The most likely categories of any number of products",
    response_class=Response,
    responses={
        200: {
            "description": "One answer or error a line",
            "content": {LINES: {"schema": inlined(ItemAnswer)}},
        },
        **problems(404, 415, 422, 500, 503),
    },
    openapi_extra=json_body(BatchItem, LINES),
)
async def classify_stream(request: Request, options: Annotated[AskedOptions, Query()]) -> Response:
    """One product a line; answers come back in the same order while later lines still arrive.

    The options stand in the query. Read the answer while you send: both sides hold only a few products.
    """
    service = service_of(request)
    service.check_ready()
    service.admission.check()
    if kind_of(request) not in _TAKEN:
        raise unsupported(request, LINES)
    asked = Asked(service, service.predictor(options.model), options_of(options), bool(options.explain), request.scope)
    lines = read_lines(request.stream(), service.settings.max_body)
    return _LinesResponse(_answers(lines, asked, service.settings.at_once))


async def read_lines(chunks: AsyncIterable[bytes], most: int) -> AsyncIterator[bytes | ProblemError]:
    """The lines of a body that are not blank; a problem in the place of one with more than ``most`` bytes."""
    rest, skipping = bytearray(), False
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for end in whole:
            if skipping:
                skipping = False
            elif len(rest) + len(end) > most:
                yield _too_long(most)
            elif line := bytes(rest + end).strip():
                yield line
            rest.clear()
        if not skipping:
            rest += last
            if len(rest) > most:
                yield _too_long(most)
                rest.clear()
                skipping = True
    if line := bytes(rest).strip():
        yield line


def _too_long(most: int) -> ProblemError:
    return ProblemError(
        413,
        "line_too_large",
        f"Got a line of more than {most} bytes; one product may have as many. Send a smaller photo, or raise "
        "MULTIMODAL_MAX_BODY on the server.",
    )


async def _answers(lines: AsyncIterator[bytes | ProblemError], asked: Asked, most: int) -> AsyncIterator[bytes]:
    """Answered pieces in order, ``most`` of them under way."""
    under_way: deque[asyncio.Task[tuple[bytes, int]]] = deque()
    first = 0
    try:
        async for raws in _pieces(lines):
            under_way.append(asyncio.create_task(asked.piece(raws, first)))
            first += len(raws)
            while under_way and (len(under_way) >= most or under_way[0].done()):
                yield (await under_way.popleft())[0]
        while under_way:
            yield (await under_way.popleft())[0]
    finally:
        for task in under_way:
            task.cancel()


async def _pieces(lines: AsyncIterator[bytes | ProblemError]) -> AsyncIterator[list[Raw]]:
    piece: list[Raw] = []
    async for line in lines:
        piece.append(line if isinstance(line, ProblemError) else _parsed(line))
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _parsed(line: bytes) -> Raw:
    try:
        return parsed(line)
    except ProblemError as problem:
        return problem


class _LinesResponse(Response):
    """Sends while the request is still read; Starlette's own would read it too, to notice who leaves."""

    media_type = LINES

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for some in self._lines:
            await send({"type": "http.response.body", "body": some, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

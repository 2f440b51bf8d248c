"""``POST /classify/batch``: up to a few hundred products, each with its own answer or error."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from multimodal_api.asked import AskedOptions, BatchRequest
from multimodal_api.bodies import JSON, disconnected, kind_of, parsed, unsupported
from multimodal_api.items import PIECE, Asked
from multimodal_api.openapi import json_body, problems
from multimodal_api.problems import ProblemError
from multimodal_api.questions import options_of, validated
from multimodal_api.schemas import BatchResponse
from multimodal_api.service import service_of
from multimodal_api.trace import trace_of

PATH = "/classify/batch"
router = APIRouter()


@router.post(
    PATH,
    summary="The most likely categories of several products",
    response_class=Response,
    responses={200: {"model": BatchResponse}, **problems(400, 404, 413, 415, 422, 500, 503)},
    openapi_extra=json_body(BatchRequest),
)
async def classify_batch(request: Request) -> Response:
    """As many answers as items, in their order; a bad item costs itself alone."""
    service, trace = service_of(request), trace_of(request.scope)
    service.check_ready()
    service.admission.check()
    if kind_of(request) != JSON:
        raise unsupported(request, JSON)
    body = await request.body()
    trace.mark("read")
    items, wanted = await asyncio.to_thread(_items, body, service.settings.max_batch)
    asked = Asked(
        service,
        service.predictor(wanted.model),
        options_of(wanted),
        bool(wanted.explain),
        request.scope,
        time.monotonic() + service.settings.batch_deadline,
    )
    trace.mark("parse")
    gone = asyncio.Event()
    asked = replace(asked, gone=gone.wait)
    watching = asyncio.create_task(_watch(request, gone))
    turns = asyncio.Semaphore(service.settings.at_once)

    async def piece(first: int) -> tuple[bytes, int]:
        async with turns:  # no more waiting at once than can run: others want their turns too
            if gone.is_set():
                raise ClientDisconnect
            return await asked.piece(items[first : first + PIECE], first)

    try:
        found = await asyncio.gather(*(piece(first) for first in range(0, len(items), PIECE)))
    finally:
        watching.cancel()
    trace.mark("predict")
    answers = b",".join(b",".join(lines.splitlines()) for lines, _ in found)
    failed = sum(count for _, count in found)
    return Response(b'{"answers":[%b],"failed":%d}' % (answers, failed), media_type=JSON)


async def _watch(request: Request, gone: asyncio.Event) -> None:
    await disconnected(request)
    gone.set()


def _items(body: bytes, most: int) -> tuple[list[Any], AskedOptions]:
    raw = parsed(body)
    rest = {name: value for name, value in raw.items() if name != "items"} if isinstance(raw, dict) else raw
    wanted = validated(AskedOptions, rest, known=("items",))
    items = raw.get("items") if isinstance(raw, dict) else None
    if not isinstance(items, list) or not items:
        kind = "nothing" if items is None or items == [] else f"a JSON {type(items).__name__}"
        raise ProblemError(422, "invalid_field", f"items: got {kind}, expected a list of 1 to {most} products.")
    if len(items) > most:
        raise ProblemError(
            413,
            "too_many_items",
            f"items: got {len(items)} products, expected {most} at most. Send several batches, or JSON Lines to "
            "/classify/stream, which takes any number.",
        )
    return items, wanted

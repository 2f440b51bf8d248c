"""``POST /classify``."""

from __future__ import annotations

import time
from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from multimodal.types import RowError
from multimodal_api.bodies import disconnected, read_body, size_of
from multimodal_api.convert import model_info, problem_of_row, response_of
from multimodal_api.forms import Part
from multimodal_api.openapi import problems, request_body
from multimodal_api.ports import Predictor
from multimodal_api.questions import Question, read_question
from multimodal_api.schemas import ClassifyResponse
from multimodal_api.service import Service, service_of
from multimodal_api.trace import Trace, trace_of

router = APIRouter()
_Read = tuple[Question, Predictor]


@router.post(
    "/classify",
    summary="The most likely categories of one product",
    response_class=Response,
    responses={200: {"model": ClassifyResponse}, **problems(400, 404, 413, 415, 422, 500, 503)},
    openapi_extra=request_body(),
)
async def classify(request: Request) -> Response:
    """Takes any of title, description, characteristics and a photo, as a form or as JSON."""
    service, trace = service_of(request), trace_of(request.scope)
    service.check_ready()
    service.admission.check()
    body = await read_body(request, service.settings)
    trace.mark("read")
    until = time.monotonic() + service.settings.deadline
    draft = request.headers.get("x-draft", "").lower() in ("1", "true")
    read: _Read | None = None
    if size_of(body) <= service.settings.quick_bytes:
        read = _read(service, body, trace)
        if _is_quick(*read):
            service.check_loop()
            return Response(_answer(service, *read, trace, draft), media_type="application/json")

    def work() -> bytes:
        """Everything that takes time, in one visit to a worker thread."""
        trace.mark("queue")
        return _answer(service, *(read or _read(service, body, trace)), trace, draft)

    content = await service.admission.run(work, until, gone=lambda: disconnected(request))
    return Response(content, media_type="application/json")


def _is_quick(question: Question, predictor: Predictor) -> bool:
    """Whether the answer takes no longer than the way to a worker thread and back: a millisecond or two."""
    return predictor.quick and question.product.image is None and not question.explain


def _read(service: Service, body: bytes | list[Part], trace: Trace) -> _Read:
    question = read_question(body, service.settings)
    predictor = service.predictor(question.model)
    if service.settings.log_inputs:
        trace.notes["title"] = question.product.title
    trace.mark("parse")
    return question, predictor


def _answer(service: Service, question: Question, predictor: Predictor, trace: Trace, draft: bool) -> bytes:
    [answer] = predictor.classify(
        [question.product],
        explain=question.explain,
        **asdict(question.options),
    )
    trace.mark("predict")
    if isinstance(answer, RowError):
        raise problem_of_row(answer)
    service.metrics.answered(predictor, answer, draft=draft)
    if service.recorder is not None:
        service.recorder.keep(trace.request_id, predictor, question.product, answer, draft=draft)
    if service.shadow is not None and predictor.name == service.default:
        service.shadow.follow(predictor.name, question.product, question.options, answer)
    trace.notes |= {"model": predictor.name, "used": answer.used, "decision": answer.decision}
    content = response_of(answer, model_info(predictor)).model_dump_json().encode()
    trace.mark("encode")
    return content

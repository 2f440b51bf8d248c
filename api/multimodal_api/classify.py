"""``POST /classify``."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from multimodal.types import RowError
from multimodal_api.bodies import disconnected, read_body, size_of
from multimodal_api.convert import model_info, problem_of_row, response_of
from multimodal_api.frames import Answered, Body, Handed
from multimodal_api.openapi import problems, request_body
from multimodal_api.peers import Gone, PeerGoneError
from multimodal_api.ports import Predictor
from multimodal_api.problems import ProblemError
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
    asked = Handed(body, trace.request_id, _is_draft(request), service.settings.deadline)
    read: _Read | None = None
    if size_of(body) <= service.settings.quick_bytes:
        read = _read(service, body, trace)
        if _is_quick(*read):
            service.check_loop()
            return Response(_answer(service, *read, trace, asked.draft), media_type="application/json")
    gone = partial(disconnected, request)
    content = await _elsewhere(service, asked, trace, gone)
    if content is None:
        content = await _here(service, asked, trace, gone, read)
    return Response(content, media_type="application/json")


async def handed(service: Service, asked: Handed, gone: Gone) -> Answered:
    """Answers what another worker hands over.

    Raises:
        ClientDisconnect: nobody waits for it any more.
    """
    trace = Trace(asked.request_id)
    content: bytes | ProblemError
    try:
        content = await _here(service, asked, trace, gone)
    except ProblemError as problem:
        content = problem
    return Answered(content, trace.stages, trace.notes)


async def _elsewhere(service: Service, asked: Handed, trace: Trace, gone: Gone) -> bytes | None:
    """The answer of a worker with less to do; None where there is none, or it is no more."""
    name = None if service.peers is None else service.peers.better(service.admission)
    if service.peers is None or name is None:
        return None
    try:
        answered = await service.peers.ask(name, asked, gone)
    except PeerGoneError:
        return None
    except TimeoutError:
        raise service.admission.late("was not answered by another worker") from None
    trace.passed(answered.stages, "hand")
    trace.notes |= answered.notes
    if isinstance(answered.content, ProblemError):
        raise answered.content
    return answered.content


async def _here(service: Service, asked: Handed, trace: Trace, gone: Gone, read: _Read | None = None) -> bytes:
    until = time.monotonic() + asked.left

    def work() -> bytes:
        """Everything that takes time, in one visit to a worker thread."""
        trace.mark("queue")
        return _answer(service, *(read or _read(service, asked.body, trace)), trace, asked.draft)

    return await service.admission.run(work, until, gone=gone)


def _is_draft(request: Request) -> bool:
    return request.headers.get("x-draft", "").lower() in ("1", "true")


def _is_quick(question: Question, predictor: Predictor) -> bool:
    """Whether the answer takes no longer than the way to a worker thread and back: a millisecond or two."""
    return predictor.quick and question.product.image is None and not question.explain


def _read(service: Service, body: Body, trace: Trace) -> _Read:
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

"""``POST /feedback``, and what is worth a person's look."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from multimodal_api.asked import FeedbackRequest
from multimodal_api.bodies import JSON, kind_of, parsed, unsupported
from multimodal_api.openapi import json_body, problems
from multimodal_api.problems import ProblemError
from multimodal_api.questions import validated
from multimodal_api.schemas import FeedbackResponse, ReviewItem, ReviewResponse
from multimodal_api.service import Service, service_of

if TYPE_CHECKING:
    from multimodal_api.recorder import Recorder

PATH = "/feedback"
MAX_BODY = 256_000
"""Bytes; an id, a category and fifty tags take a hundredth of it."""
_MEANING = {
    404: "No answer is kept under that request id",
    409: "Several products were asked about under that request id",
    422: "Fields that do not fit, or a category that is not in the tree",
    503: "Not ready, or no answers are kept: MULTIMODAL_DATABASE is not set",
}
router = APIRouter()


@router.post(
    PATH,
    summary="Say what is right for a product that was answered",
    response_class=Response,
    responses={200: {"model": FeedbackResponse}, **problems(400, 404, 409, 413, 415, 422, 500, 503, meaning=_MEANING)},
    openapi_extra=json_body(FeedbackRequest),
)
async def feedback(request: Request) -> Response:
    """Accepted where it is what was answered, else corrected; the last word on a request counts."""
    service = service_of(request)
    recorder = _recorder(service)
    if kind_of(request) != JSON:
        raise unsupported(request, JSON)
    body = await request.body()
    found = await asyncio.to_thread(lambda: _keep(service, recorder, validated(FeedbackRequest, parsed(body))))
    return Response(found.model_dump_json(), media_type=JSON)


@router.get(
    "/review", summary="Answers worth a person's look", responses=problems(422, 500, 503, meaning={503: _MEANING[503]})
)
def review(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200, description="How many.")] = 20,
) -> ReviewResponse:
    """Unsure and contradictory answers, those of frequent products first, without those that got feedback."""
    from multimodal.store.feedback import review_queue

    recorder = _recorder(service_of(request))
    recorder.flush()
    items = [
        ReviewItem(
            request_id=one.answer.request_id,
            model=one.answer.model,
            title=one.answer.title,
            category_id=one.answer.category_id,
            decision=one.answer.decision,
            confidence=one.answer.confidence,
            conflict=one.answer.conflict,
            suggestions=[str(best["id"]) for best in one.answer.suggestions],
            times=one.times,
            worth=round(one.worth, 4),
        )
        for one in review_queue(recorder.database, limit)
    ]
    return ReviewResponse(items=items)


def _keep(service: Service, recorder: Recorder, said: FeedbackRequest) -> FeedbackResponse:
    from multimodal.store.feedback import AmbiguousRequestError, UnknownRequestError, give_feedback, model_of

    recorder.flush()  # the answer may have been given a moment ago
    model = model_of(recorder.database, said.request_id)
    try:
        if model is not None:
            _check_category(service, model, said.category_id)
        found = give_feedback(recorder.database, said.request_id, said.category_id, said.tags)
    except UnknownRequestError as error:
        raise ProblemError(404, error.code, f"{error.message}.") from None
    except AmbiguousRequestError as error:
        raise ProblemError(409, error.code, f"{error.message}.") from None
    service.metrics.said(found.model, found.branch_id, found.verdict)
    return FeedbackResponse(request_id=said.request_id, verdict=found.verdict, category_id=said.category_id)


def _check_category(service: Service, model: str, category_id: str) -> None:
    served = service.served.get(model)
    if served is not None and category_id not in served.tree.node_index:
        raise ProblemError(
            422,
            "unknown_category",
            f"category_id: got {category_id!r:.80}, expected a category of {model}'s tree; /categories lists them.",
        )


def _recorder(service: Service) -> Recorder:
    service.check_ready()
    if service.recorder is None:
        raise ProblemError(
            503,
            "no_database",
            "No answers are kept, so there is nothing to say something of; set MULTIMODAL_DATABASE to a URL such as "
            "sqlite:///multimodal.db.",
        )
    return service.recorder

"""``/live``, ``/ready``, ``/categories`` and ``/model``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BeforeValidator

from multimodal_api.asked import blank_is_none
from multimodal_api.bodies import JSON
from multimodal_api.convert import model_info
from multimodal_api.openapi import problems
from multimodal_api.problems import ProblemError
from multimodal_api.schemas import CategoriesResponse, CategoryNode, Health, ModelResponse
from multimodal_api.service import service_of

router = APIRouter()
_UNREADY = {503: "Not every model is loaded"}
_FAILED = {503: "A model cannot be loaded"}

ModelName = Annotated[
    str | None,
    BeforeValidator(blank_is_none),
    Query(alias="model", description="Name of a served model; the default one unless asked."),
]


def _told(status: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {JSON: {"example": {"status": status}}}}}


@router.get(
    "/live",
    summary="Whether the process should be kept",
    responses={**_told("live"), **problems(503, meaning=_FAILED)},
)
async def live(request: Request) -> Health:
    """Live while loading too; no longer once loading has failed, so that a supervisor restarts it."""
    service = service_of(request)
    if service.failure is not None:
        raise ProblemError(503, "load_failed", service.failure)
    return Health(status="live")


@router.get(
    "/ready",
    summary="Whether questions can be answered",
    responses={**_told("ready"), **problems(503, meaning=_UNREADY)},
)
async def ready(request: Request) -> Health:
    """Ready once every bundle is loaded and warm."""
    service_of(request).check_ready()
    return Health(status="ready")


@router.get("/categories", summary="The category tree", responses=problems(404, 422, 503, meaning=_UNREADY))
def categories(request: Request, model: ModelName = None) -> CategoriesResponse:
    """Every node of the tree that answers are drawn from."""
    predictor = service_of(request).predictor(model)
    tree = predictor.tree
    nodes = [CategoryNode(id=n.id, name=n.name, parent_id=n.parent_id, is_leaf=tree.is_leaf(n.id)) for n in tree.nodes]
    return CategoriesResponse(model=model_info(predictor), categories=nodes)


@router.get("/model", summary="What is served", responses=problems(404, 422, 503, meaning=_UNREADY))
def model(request: Request, model: ModelName = None) -> ModelResponse:
    """The bundle's manifest: capabilities, metrics, provenance, hashes."""
    service = service_of(request)
    predictor = service.predictor(model)
    return ModelResponse(
        model=model_info(predictor),
        inputs=list(predictor.inputs),
        known_models=service.known,
        default_model=service.default,
        manifest=predictor.manifest.model_dump(mode="json"),
    )

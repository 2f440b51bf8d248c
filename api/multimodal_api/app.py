"""Builds the service: ``uvicorn --factory multimodal_api.app:create_app``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from multimodal_api import batch, classify, feedback, metrics, pages, routes, stream
from multimodal_api.access import AccessMiddleware, read_keys
from multimodal_api.board import board_in
from multimodal_api.document import DocumentedApp
from multimodal_api.limits import BodyLimit, BodyLimitMiddleware
from multimodal_api.logs import configure, log_request
from multimodal_api.observe import ObserveMiddleware
from multimodal_api.peers import Peers
from multimodal_api.ports import Predictor
from multimodal_api.problems import FailureMiddleware, install_problem_handlers
from multimodal_api.reload import Reloader
from multimodal_api.service import Service
from multimodal_api.settings import Settings
from multimodal_api.trace import Trace, TraceMiddleware

_log = logging.getLogger("multimodal_api")
_OPEN = ("/", "/page/", "/docs", "/openapi.json", "/live", "/ready")
"""Paths that need no API key: the pages themselves, though not what they ask, and what supervisors ask."""
_PARTS = (classify, batch, stream, feedback, metrics, pages, routes)


def create_app(settings: Settings | None = None, *, predictors: Mapping[str, Predictor] | None = None) -> FastAPI:
    """A new app.

    Args:
        settings: default: from the environment.
        predictors: served as they are, under their keys; without them the bundles of the settings are
            loaded when the app starts, while ``/live`` already answers unless ``load_first`` is set.

    Raises:
        ConfigError: an environment variable that does not fit, or a default that is none of ``predictors``.
    """
    settings = settings or Settings.from_environment()
    service = Service(settings, predictors)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure(settings.log)
        service.pulse.start()
        _log.info("settings", extra={"told": {"settings": settings.shown()}})
        loaded = asyncio.Event()
        loading = None if predictors else asyncio.create_task(_load(service, loaded))
        if predictors:
            await service.open_store()
            await _meet(service)
        elif settings.waits:
            await loaded.wait()
        try:
            yield
        finally:
            if service.peers is not None:
                await service.peers.close()
            try:
                if loading is not None:
                    loading.cancel()
                    with suppress(asyncio.CancelledError):
                        await loading
            finally:
                service.pulse.stop()
                service.close()

    app = DocumentedApp(
        open_paths=_OPEN,
        asked=settings.api_keys is not None,
        title="multimodal",
        version=_version(),
        summary="Categories of your own tree from a product's title, characteristics and photo.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's own load scripts from another machine; ours is in pages.py
        redoc_url=None,
    )
    app.state.service = service
    for part in _PARTS:
        app.include_router(part.router)
    install_problem_handlers(app)
    if settings.api_keys is not None:
        keys = read_keys(settings.api_keys.get_secret_value())
        app.add_middleware(AccessMiddleware, keys=keys, open_paths=_OPEN)
    # Around it: who is refused while still sending gets to read why.
    app.add_middleware(BodyLimitMiddleware, **_limits(settings))
    app.add_middleware(FailureMiddleware)
    if settings.cors is not None:
        origins = [origin.strip() for origin in settings.cors.split(",")]
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Server-Timing", "Retry-After"],
        )
    app.add_middleware(TraceMiddleware)
    paths = {getattr(route, "path", "") for part in _PARTS for route in (*app.routes, *part.router.routes)}

    def told(scope: Scope, status: int, trace: Trace) -> None:
        path = scope["path"] if scope["path"] in paths else "other"
        service.metrics.requested(path, status, trace, service.admission)
        log_request(scope, status, trace)

    app.add_middleware(ObserveMiddleware, told=told)  # added last, so outermost
    return app


async def _load(service: Service, loaded: asyncio.Event) -> None:
    """Loads all bundles, or fails to, and says so; then watches them until it is cancelled."""
    reloader = Reloader(service)  # before they are read: what changes meanwhile is noticed
    reloader.on_hangup()
    try:
        await reloader.load()
        if service.failure is None:
            await _meet(service)
    finally:
        loaded.set()
    if service.failure is None and service.settings.reload_seconds:
        await reloader.watch(service.settings.reload_seconds)


async def _meet(service: Service) -> None:
    """Other workers of a service that is ready may hand requests to it from now on, and it to them."""
    if service.settings.peers is None:
        return
    board = board_in(service.settings.peers)

    def told(work: int) -> None:
        board.own.work = work

    service.admission.told = told
    service.peers = Peers(board, partial(classify.handed, service))
    await service.peers.open()


def _limits(settings: Settings) -> dict[str, Any]:
    one = BodyLimit(settings.max_body, "Send a smaller photo, or raise MULTIMODAL_MAX_BODY on the server.")
    many = BodyLimit(
        settings.max_batch_body,
        "Send fewer products at once, or raise MULTIMODAL_MAX_BATCH_BODY on the server; /classify/stream has no end.",
    )
    said = BodyLimit(min(feedback.MAX_BODY, settings.max_body), "Say what is right for one request at a time.")
    return {"usual": one, "by_path": {batch.PATH: many, stream.PATH: BodyLimit(None, ""), feedback.PATH: said}}


def _version() -> str:
    try:
        return version("multimodal")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"

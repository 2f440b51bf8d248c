"""Builds the service: ``uvicorn --factory multimodal_api.app:create_app``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from multimodal_api import classify, routes
from multimodal_api.limits import BodyLimitMiddleware
from multimodal_api.ports import Predictor
from multimodal_api.problems import FailureMiddleware, install_problem_handlers
from multimodal_api.service import Service
from multimodal_api.settings import Settings
from multimodal_api.trace import TraceMiddleware


def create_app(settings: Settings | None = None, *, predictors: Mapping[str, Predictor] | None = None) -> FastAPI:
    """A new app.

    Args:
        settings: default: from the environment.
        predictors: served as they are, under their keys; without them the bundles of the settings are
            loaded when the app starts, while ``/live`` already answers.

    Raises:
        ConfigError: an environment variable that does not fit, or a default that is none of ``predictors``.
    """
    settings = settings or Settings.from_environment()
    service = Service(settings, predictors)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = None if predictors else asyncio.create_task(service.load())
        try:
            yield
        finally:
            if loading is not None:
                loading.cancel()
                with suppress(asyncio.CancelledError):
                    await loading
            service.close()

    app = FastAPI(
        title="multimodal",
        version=_version(),
        summary="Categories of your own tree from a product's title, characteristics and photo.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.service = service
    app.include_router(classify.router)
    app.include_router(routes.router)
    install_problem_handlers(app)
    app.add_middleware(BodyLimitMiddleware, max_body=settings.max_body)
    app.add_middleware(FailureMiddleware)
    app.add_middleware(TraceMiddleware)  # added last, so outermost
    return app


def _version() -> str:
    try:
        return version("multimodal")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"

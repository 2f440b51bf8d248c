"""The predictors being served, whether they are ready, and the threads they run in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request

from multimodal.errors import MultimodalError, nearest
from multimodal_api.ports import Predictor
from multimodal_api.problems import ProblemError
from multimodal_api.settings import Settings

T = TypeVar("T")

_log = logging.getLogger("multimodal_api")


class Service:
    """State of one app. Ready at once when predictors are given, else after ``load``."""

    def __init__(self, settings: Settings, predictors: Mapping[str, Predictor] | None = None) -> None:
        self.settings = settings
        self.failure: str | None = None
        self._predictors = dict(predictors or {})
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="classify")

    @property
    def known(self) -> list[str]:
        """Names of the models served, the default one first."""
        return list(self._predictors)

    async def load(self) -> None:
        """Opens and warms the bundle of the settings; what fails is kept and shown by /ready and /live."""
        try:
            predictor = await self.run(self._open)
        except (MultimodalError, OSError) as error:
            self.failure = f"{self.settings.bundle}: {error}"
            _log.error("the bundle cannot be served: %s", self.failure)
        except Exception as error:  # noqa: BLE001 - whatever it is, probes must see that it will never be ready
            self.failure = f"{self.settings.bundle}: {type(error).__name__} while loading; the service's log has more"
            _log.exception("the bundle cannot be served")
        else:
            self._predictors[predictor.name] = predictor

    def _open(self) -> Predictor:
        import multimodal  # onnxruntime is loaded with the first bundle, not with the API

        predictor: Predictor = multimodal.load(self.settings.bundle, threads=self.settings.threads)
        predictor.warm_up()
        return predictor

    def check_ready(self) -> None:
        """Raises a 503 problem while nothing can answer."""
        if self._predictors:
            return
        if self.failure is not None:
            raise ProblemError(503, "load_failed", f"The model could not be loaded: {self.failure}")
        raise ProblemError(
            503,
            "not_ready",
            "The model is still loading; ask again in a second.",
            headers={"Retry-After": "1"},
        )

    def predictor(self, name: str | None = None) -> Predictor:
        """The predictor of that name, or the first; a 503 or 404 problem where there is none."""
        self.check_ready()
        found = self._predictors.get(self.known[0] if name is None else name)
        if found is None:
            raise ProblemError(
                404,
                "unknown_model",
                f"model: got {name!r:.80}, expected one of {', '.join(self.known)}." + nearest(name or "", self.known),
                extra={"known_models": self.known},
            )
        return found

    async def run(self, work: Callable[[], T]) -> T:
        """Runs work in the pool, away from the event loop; waits for a free thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Lets running work end and takes no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def service_of(request: Request) -> Service:
    """The service of the app that got the request."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service

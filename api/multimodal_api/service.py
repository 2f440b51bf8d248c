"""The predictors being served, whether they are ready, and how their work is admitted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fastapi import Request

from multimodal.errors import MultimodalError, nearest
from multimodal_api.admission import Admission
from multimodal_api.loading import LoadError, by_name, default_of, open_predictor
from multimodal_api.memory import give_back_large, settle
from multimodal_api.metrics import Metrics
from multimodal_api.peers import Peers
from multimodal_api.ports import Predictor
from multimodal_api.problems import ProblemError
from multimodal_api.pulse import Pulse
from multimodal_api.settings import Settings
from multimodal_api.shadow import Shadow

if TYPE_CHECKING:
    from multimodal_api.recorder import Recorder

_LATE = 0.1
"""Seconds that the event loop may be behind: as long as a full queue of quick answers takes."""
_log = logging.getLogger("multimodal_api")


class Service:
    """State of one app. Ready at once when predictors are given, else after ``load``.

    All predictors share the threads. None of them answers before all are there: half a service would look
    whole to those who run it.
    """

    def __init__(self, settings: Settings, predictors: Mapping[str, Predictor] | None = None) -> None:
        """Raises ConfigError where the settings ask for a default that is not among ``predictors``."""
        self.settings = settings
        self.failure: str | None = None
        self._predictors: dict[str, Predictor] = {}
        self._default = ""
        if predictors:
            self._serve(predictors)
        self.admission = Admission(settings.at_once, settings.queue)
        self.pulse = Pulse()
        self.metrics = Metrics()
        self.shadow: Shadow | None = None
        self.recorder: Recorder | None = None
        self.peers: Peers | None = None
        self._names: dict[str, str] = {}
        # One thread for all bundles: each that has opened one keeps memory of its own (malloc's arenas).
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="opens-bundles")

    @property
    def known(self) -> list[str]:
        """Names of the models served, in the order of their bundles."""
        return list(self._predictors)

    @property
    def default(self) -> str:
        """Name of the model that answers where a request names none; empty while none is loaded."""
        return self._default

    async def load(self) -> None:
        """Opens and warms every bundle of the settings; what fails is kept and shown by /ready and /live."""
        give_back_large()
        try:
            await self._store_opened()
            opened = await self._open_all()
            if self.settings.shadow is not None:
                beside = await self.open(self.settings.shadow)
                self.shadow = Shadow(beside, self.metrics.compared)
            self._serve(by_name(opened))
            self._names = {folder: predictor.name for folder, predictor in opened}
            settle()
        except MultimodalError as error:
            self.failure = f"The service will not become ready: {error.message}"
            _log.error("%s", self.failure)

    async def open(self, folder: str) -> Predictor:
        """A verified and warmed bundle, opened beside what answers meanwhile.

        Raises:
            LoadError: it cannot be served.
        """
        try:
            opening = asyncio.get_running_loop().run_in_executor(self._opener, open_predictor, folder, self.settings)
        except RuntimeError:  # of an executor that was shut down
            raise LoadError(f"{folder}: the service is being stopped, so no bundle is opened any more.") from None
        return await opening

    async def _store_opened(self) -> None:
        try:
            await self.open_store()
        except MultimodalError:
            raise
        except Exception as error:  # whatever it is, probes must see that the service will never be ready
            _log.exception("the database cannot be opened")
            raise LoadError(f"the database cannot be opened: {type(error).__name__}; the log has more.") from error

    async def open_store(self) -> None:
        """Opens the database of the settings, if there is one.

        Raises:
            StoreError: it cannot be opened.
        """
        told = self.settings
        if told.database is not None and self.recorder is None:
            from multimodal_api.recorder import Recorder  # SQLAlchemy takes a third of a second to import

            self.recorder = await asyncio.to_thread(Recorder, told.database, told.keep_photos, told.keep_days)

    async def _open_all(self) -> list[tuple[str, Predictor]]:
        """Each is tried, whatever became of those before it, so that all that fail are told at once."""
        folders = self.settings.bundles
        opened: list[tuple[str, Predictor]] = []
        failures: list[str] = []
        for folder in folders:
            try:
                opened.append((folder, await self.open(folder)))
            except LoadError as error:
                failures.append(error.message)
        if not failures:
            return opened
        told = " ".join(failures)
        if len(folders) > 1:
            told = (
                f"{len(failures)} of {len(folders)} bundles cannot be served: {told} The service is ready "
                "only with all of them: mend what failed, or leave it out of MULTIMODAL_BUNDLE."
            )
        raise LoadError(told)

    def _serve(self, predictors: Mapping[str, Predictor]) -> None:
        self._default = default_of(list(predictors), self.settings.default_model)
        self._predictors = dict(predictors)  # last: from here on the service is ready

    def replace(self, folder: str, predictor: Predictor) -> None:
        """Lets another bundle of the same name answer from now on; requests under way end with the old one.

        Raises:
            LoadError: it has another name.
        """
        before = self.name_of(folder)
        if predictor.name != before:
            raise LoadError(
                f"{folder}: got a bundle of the name {predictor.name!r}, expected {before!r} as before; "
                "requests ask by name. Start the service anew to serve it under another."
            )
        self._predictors = {**self._predictors, before: predictor}
        self.metrics.reloaded(before, ok=True)
        settle()

    def name_of(self, folder: str) -> str:
        """The model served from a folder."""
        return self._names[folder]

    @property
    def served(self) -> Mapping[str, Predictor]:
        """The predictors by name."""
        return self._predictors

    def check_ready(self) -> None:
        """Raises a 503 problem while nothing can answer."""
        if self._predictors:
            return
        if self.failure is not None:
            raise ProblemError(503, "load_failed", self.failure)
        raise ProblemError(
            503,
            "not_ready",
            "The service is still loading; ask again in a second.",
            headers={"Retry-After": "1"},
        )

    def predictor(self, name: str | None = None) -> Predictor:
        """The predictor of that name, or the default one; a 503 or 404 problem where there is none."""
        self.check_ready()
        found = self._predictors.get(self._default if name is None else name)
        if found is None:
            raise ProblemError(
                404,
                "unknown_model",
                f"model: got {name!r:.80}, expected one of {', '.join(self.known)}." + nearest(name or "", self.known),
                extra={"known_models": self.known},
            )
        return found

    def check_loop(self) -> None:
        """Raises a 503 problem while the event loop is far behind; what it answers itself waits in no queue.

        Handing that to the threads instead would cost more, and leave the service behind for good.
        """
        if self.pulse.late > _LATE:
            raise ProblemError(
                503,
                "overloaded",
                f"The service is {1000 * self.pulse.late:.0f} ms behind. Ask again after the time in Retry-After, or "
                "serve with more workers.",
                headers={"Retry-After": "1"},
            )

    def close(self) -> None:
        """Lets running work end and takes no more."""
        self.admission.close()
        self._opener.shutdown(wait=False, cancel_futures=True)
        if self.shadow is not None:
            self.shadow.close()
        if self.recorder is not None:
            self.recorder.close()


def service_of(request: Request) -> Service:
    """The service of the app that got the request."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service

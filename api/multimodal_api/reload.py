"""Bundles that change while they are served: noticed, opened beside the old ones, switched to once they answer."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterable
from pathlib import Path

from multimodal_api.loading import LoadError
from multimodal_api.service import Service

_log = logging.getLogger("multimodal_api")

Signature = tuple[tuple[str, int, int], ...]


def signature_of(folder: str) -> Signature:
    """Name, size and time of change of every file of a bundle; empty where there is none."""
    try:
        files = sorted(file for file in Path(folder).iterdir() if file.is_file())
        return tuple((file.name, state.st_size, state.st_mtime_ns) for file in files for state in [file.stat()])
    except OSError:  # it is being replaced in this moment
        return ()


class Reloader:
    """Watches the folders of the bundles served.

    A bundle is read again once its files have changed and then stayed the same for one look: a folder that is still
    copied to is let alone. It is verified, opened and warmed beside the one that answers; what fails changes nothing.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._served = {folder: signature_of(folder) for folder in service.settings.bundles}
        self._seen = dict(self._served)
        self._lock = asyncio.Lock()

    async def watch(self, seconds: float) -> None:
        """Looks every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self.look()

    async def look(self) -> None:
        """Reloads what has changed since it was loaded and has not since the last look."""
        changed = []
        for folder, served in self._served.items():
            now = await asyncio.to_thread(signature_of, folder)
            if now and now == self._seen[folder] != served:
                changed.append(folder)
            self._seen[folder] = now
        await self.reload(changed)

    async def reload(self, folders: Iterable[str]) -> None:
        """Reads bundles again, changed or not; a failure is logged and counted, and the old one answers on."""
        async with self._lock:
            for folder in folders:
                signature = await asyncio.to_thread(signature_of, folder)
                try:
                    opened = await self._service.open(folder)
                    self._service.replace(folder, opened)
                except LoadError as error:
                    _log.error("%s was not reloaded, the one before answers on: %s", folder, error.message)
                    self._service.metrics.reloaded(self._service.name_of(folder), ok=False)
                else:
                    _log.info("%s was reloaded: %s %s", folder, opened.name, opened.version)
                self._served[folder] = signature  # what failed is tried again once it changes

    async def load(self) -> None:
        """Has the service load its bundles; what asks meanwhile for a reload waits until it has."""
        async with self._lock:
            await self._service.load()

    def on_hangup(self) -> None:
        """Reloads everything at SIGHUP, where signals can be had: not in a thread of a test, nor on Windows.

        Called before anything is loaded: without a handler a signal that came meanwhile would end the process.
        ``multimodal serve`` sees to one that comes before.
        """
        tasks: set[asyncio.Task[None]] = set()

        def again() -> None:
            task = asyncio.get_running_loop().create_task(self._reload_loaded())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    async def _reload_loaded(self) -> None:
        async with self._lock:  # what is loading has ended then
            failure = self._service.failure
        if failure is None:
            await self.reload(self._served)
        else:
            _log.error("Nothing was reloaded. %s Start it anew once that is mended.", failure)

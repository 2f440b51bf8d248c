"""Several processes that serve one app: uvicorn's supervisor, with what it does otherwise than one process mended."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from uvicorn.supervisors import Multiprocess

_log = logging.getLogger("uvicorn.error")


class Workers(Multiprocess):
    """Hands SIGHUP on to its processes, each of which then reads its bundles again without losing a request.

    uvicorn's own way is to start all of them anew. A process that is still starting gets its signal once it handles
    it: the default at SIGHUP would be its end.
    """

    def init_processes(self) -> None:
        """See ``Multiprocess.run``."""
        with hangups_held():
            super().init_processes()

    def keep_subprocess_alive(self) -> None:
        """See ``Multiprocess.run``: it may start a process."""
        with hangups_held():
            super().keep_subprocess_alive()

    def handle_ttin(self) -> None:
        """See ``Multiprocess.handle_signals``: one process more."""
        with hangups_held():
            super().handle_ttin()

    def handle_hup(self) -> None:
        """See ``Multiprocess.handle_signals``."""
        _log.info("Received SIGHUP, handing it on to %d processes.", len(self.processes))
        for process in self.processes:
            if process.pid is not None:
                with suppress(ProcessLookupError):  # it has just ended, and is started again by itself
                    os.kill(process.pid, signal.SIGHUP)


@contextmanager
def hangups_held() -> Iterator[None]:
    """Within it SIGHUP waits; processes started there keep it waiting, as masks are inherited, until they handle it."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def hangups_ignored() -> Iterator[None]:
    """Within it SIGHUP does nothing until something handles it: for a process that has read no bundle yet."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def run_workers(config: uvicorn.Config) -> None:
    """As ``uvicorn.run`` does it, without Nagle's algorithm.

    asyncio switches that off on sockets that it has made itself alone. With it on, the second half of an answer waits
    for the client's delayed acknowledgement: 40 ms. What this socket accepts inherits its options.
    """
    listening = config.bind_socket()
    if listening.family != getattr(socket, "AF_UNIX", None):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(KeyboardInterrupt):
        Workers(config, sockets=[listening]).run()

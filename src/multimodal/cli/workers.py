"""Several processes that serve one app: uvicorn's supervisor, with what it does otherwise than one process mended."""

from __future__ import annotations

import logging
import os
import signal
import socket
from contextlib import suppress

import uvicorn
from uvicorn.supervisors import Multiprocess

_log = logging.getLogger("uvicorn.error")


class Workers(Multiprocess):
    """Hands SIGHUP on to its processes, each of which then reads its bundles again without losing a request.

    uvicorn's own way is to start all of them anew.
    """

    def handle_hup(self) -> None:
        """See ``Multiprocess.handle_signals``."""
        _log.info("Received SIGHUP, handing it on to %d processes.", len(self.processes))
        for process in self.processes:
            if process.pid is not None:
                with suppress(ProcessLookupError):  # it has just ended, and is started again by itself
                    os.kill(process.pid, signal.SIGHUP)


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

"""Runs the service as a process of its own on this machine, to ask and to measure it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO

from multimodal.bench.connection import Connection
from multimodal.errors import MultimodalError

HOST = "127.0.0.1"
APP = "multimodal_api.app:create_app"
"""What uvicorn serves."""
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.01


class LocalServiceError(MultimodalError):
    """The service did not come up; the message holds the end of its log."""

    code = "service_failed"


@dataclass(frozen=True, slots=True)
class LocalService:
    """A running service.

    Attributes:
        started: ``time.perf_counter()`` right before its process was made.
    """

    port: int
    pid: int
    started: float

    def client(self, *, timeout: float = 30.0) -> Connection:
        """A new connection to it."""
        return Connection(HOST, self.port, timeout=timeout)


def free_port(wanted: int = 0) -> int:
    """A port of the loopback that nobody listens on now; LocalServiceError when ``wanted`` is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise LocalServiceError(
                f"Port {wanted} of {HOST} cannot be used ({error.strerror}); give another, or 0 for a free one."
            ) from None
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def local_service(
    bundle: str,
    *more: str,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    ready_within: float = 60.0,
    workers: int = 1,
    command: Sequence[str] = (),
) -> Iterator[LocalService]:
    """Starts the service, waits for /ready, and stops it at the end.

    Args:
        bundle: folder of the bundle that answers where a request names no model.
        more: folders of bundles to serve beside it.
        port: 0 picks a free one.
        environment: variables added to this process's, of which those of other services (MULTIMODAL_…) are left out.
        ready_within: seconds.
        workers: processes.
        command: starts another service, one that has /ready and takes ``--port`` and ``--workers``.

    Raises:
        LocalServiceError: the port is taken, the service ended, a bundle cannot be loaded, or it is not
            ready in time.
    """
    port = free_port(port)
    words = list(command)
    if not words and workers == 1:
        words = [sys.executable, "-m", "uvicorn", "--factory", APP]
        words += ["--host", HOST, "--log-level", "warning", "--no-access-log", "--http", "h11"]
    elif not words:  # which knows what uvicorn needs for several
        database = (environment or {}).get("MULTIMODAL_DATABASE", "none")
        words = [sys.executable, "-m", "multimodal.cli.main", "serve", "--database", database]
    words += ["--port", str(port), *(["--workers", str(workers)] if workers > 1 else [])]
    # What is set for another service is not for this one: its default model, its database, its keys.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MULTIMODAL_")}
    variables = {**kept, **(environment or {}), "MULTIMODAL_BUNDLE": ",".join((bundle, *more))}
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(words, env=variables, stdout=log, stderr=log)
        try:
            _wait_ready(process, port, started + ready_within, log)
            yield LocalService(port, process.pid, started)
        finally:
            _stop(process)


def _wait_ready(process: subprocess.Popen[bytes], port: int, until: float, log: IO[bytes]) -> None:
    state = "it did not answer"
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise LocalServiceError(f"The service ended with code {process.returncode}.{_tail(log)}")
        with suppress(OSError, HTTPException), Connection(HOST, port, timeout=5) as client:
            reply = client.get("/ready")
            if reply.status == 200:
                return
            state = f"{reply.body.get('code')}: {reply.body.get('detail')}"
            if reply.body.get("code") == "load_failed":
                raise LocalServiceError(str(reply.body["detail"]))
        time.sleep(_POLL_SECONDS)
    raise LocalServiceError(f"The service was not ready in time; last state: {state}{_tail(log)}")


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    text = log.read().decode("utf-8", "replace").strip()
    return f" The end of its log:\n{text[-2000:]}" if text else " Its log is empty."


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

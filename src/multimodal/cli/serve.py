"""``multimodal serve``: the HTTP service under uvicorn."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from multimodal.errors import InputError, MissingExtraError

_NEEDED = ("fastapi", "uvicorn", "python_multipart")


def serve(
    bundle: Annotated[Path, typer.Argument(help="Bundle to serve.", envvar="MULTIMODAL_BUNDLE")] = Path(
        "artifacts/fashion"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with its own copy of the model.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads inside one classification.", envvar="MULTIMODAL_THREADS"),
    ] = None,
) -> None:
    """Serves a bundle over HTTP: POST /classify, its description at /docs.

    \b
    Examples:
      multimodal serve artifacts/fashion --port 8000
      curl -s localhost:8000/classify -F title="Women floral maxi dress" -F image=@photo.jpg
    """
    for module in _NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("serve", feature="`multimodal serve`")
    import uvicorn

    from multimodal.artifact import read_manifest

    read_manifest(bundle)  # fails here, in one line, rather than in every worker
    _check_free(host, port)
    os.environ["MULTIMODAL_BUNDLE"] = str(bundle)  # workers are processes of their own and read it there
    if threads is not None:
        os.environ["MULTIMODAL_THREADS"] = str(threads)
    uvicorn.run("multimodal_api.app:create_app", factory=True, host=host, port=port, workers=workers)


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"--host {host} --port {port}: cannot listen there ({error.strerror or error}); "
                "expected a free port of this machine. Choose another --port, or stop what uses it."
            ) from error

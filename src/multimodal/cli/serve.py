"""``multimodal serve``: the HTTP service under uvicorn."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from multimodal.errors import InputError, MissingExtraError, nearest
from multimodal.types import RuntimeName

_NEEDED = ("fastapi", "uvicorn", "python_multipart")
_APP = "multimodal_api.app:create_app"
_LOOP = "multimodal_api.even_loop:EvenLoop"
_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"service": {"()": "multimodal_api.server_log.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "service", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"uvicorn": {"level": "INFO"}},
}
"""uvicorn's log, and what libraries warn of, as the service writes its own: MULTIMODAL_LOG."""
_BUNDLE = "artifacts/fashion"
_DATABASE = "sqlite:///multimodal.db"


def serve(
    bundles: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="BUNDLE",
            help=f"Bundles to serve; without any those of MULTIMODAL_BUNDLE, separated by commas, or {_BUNDLE}.",
            show_default=False,
        ),
    ] = None,
    default: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The model that answers where a request names none; the first bundle's unless given.",
            envvar="MULTIMODAL_DEFAULT_MODEL",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with its own copy of the models.")] = 1,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="MULTIMODAL_DATABASE",
            help="Where answers and feedback are kept: a URL of SQLite or PostgreSQL, or none; "
            f"{_DATABASE} unless said.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads inside one classification.", envvar="MULTIMODAL_THREADS"),
    ] = None,
    runtime: Annotated[
        RuntimeName | None,
        typer.Option(help="What runs the photo graph: onnxruntime unless said, or openvino.", show_default=False),
    ] = None,
) -> None:
    """Serves bundles over HTTP: POST /classify, its description at /docs. A request chooses by a model's name.

    \b
    Examples:
      multimodal serve artifacts/fashion --port 8000
      curl -s localhost:8000/classify -F title="Women floral maxi dress" -F image=@photo.jpg
      multimodal serve artifacts/fashion out/bundle --default fashion
      curl -s localhost:8000/classify -F title="Leather ankle boots" -F model=sample
    """
    for module in _NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("serve", feature="`multimodal serve`")
    import uvicorn

    by_file = bool(os.environ.get("MULTIMODAL_SETTINGS"))  # it may name bundle and database, too
    told = ",".join(map(str, bundles)) if bundles else os.environ.get("MULTIMODAL_BUNDLE")
    if told or not by_file:
        told = told or _BUNDLE
        _check_models([part.strip() for part in told.split(",")], default)
        os.environ["MULTIMODAL_BUNDLE"] = told  # workers are processes of their own and read it there
    _check_free(host, port)
    if default is not None:
        os.environ["MULTIMODAL_DEFAULT_MODEL"] = default
    if threads is not None:
        os.environ["MULTIMODAL_THREADS"] = str(threads)
    if runtime is not None:
        os.environ["MULTIMODAL_RUNTIME"] = runtime
    if database is not None or not by_file:
        os.environ["MULTIMODAL_DATABASE"] = database or _DATABASE
    from multimodal.cli.workers import hangups_ignored, run_workers

    with TemporaryDirectory(prefix="multimodal-") as shared:
        told_uvicorn: dict[str, Any] = {
            "factory": True,
            "host": host,
            "port": port,
            "timeout_graceful_shutdown": 30,
            "http": "h11",  # httptools reads headers of any size into memory
            "log_config": _LOG,
            "access_log": False,  # the service has a line of its own for each request: MULTIMODAL_LOG
        }
        if workers > 1:  # where workers keep their figures for /metrics to tell of all of them
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", shared)
            os.environ["MULTIMODAL_WORKERS"] = str(workers)
            if hasattr(socket, "AF_UNIX"):
                os.environ["MULTIMODAL_PEERS"] = str(Path(shared, "workers"))
            run_workers(uvicorn.Config(_APP, workers=workers, loop=_LOOP, **told_uvicorn))
        else:
            with hangups_ignored():
                uvicorn.run(_APP, **told_uvicorn)


def _check_models(folders: Sequence[str], default: str | None) -> None:
    """Fails here, in one line, rather than in every worker; reads manifests alone."""
    from multimodal.artifact import read_manifest
    from multimodal.artifact.names import check_names

    if not all(folders):
        raise InputError(
            f"MULTIMODAL_BUNDLE={','.join(folders)!r}: one of the folders is empty; "
            "expected bundles' folders separated by commas. Take the comma out that is too many."
        )
    names = [read_manifest(Path(folder)).name for folder in folders]
    check_names(zip(folders, names, strict=True))
    if default is not None and default not in names:
        raise InputError(
            f"--default: got {default!r:.80}, expected one of {', '.join(names)}.{nearest(default, names)} "
            "Give one of them, or leave it out (and MULTIMODAL_DEFAULT_MODEL unset) for the first."
        )


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

"""``multimodal bench``: what a bundle's service can do on this machine."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multimodal.cli.console import print_json, progress, stderr, stdout
from multimodal.cli.numbers import whole_numbers
from multimodal.errors import InputError, MissingExtraError
from multimodal.types import RuntimeName

if TYPE_CHECKING:
    from multimodal.bench.asks import Request
    from multimodal.bench.connection import Reply
    from multimodal.bench.local import LocalService

_TRIES, _PAUSE = 5, 1.0
_SWEEP_SHARE = 4
"""A load of the sweep lasts one of so many parts of the others: there are many of them."""


def bench(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    requests: Annotated[int, typer.Option(min=20, help="Requests of each kind, one by one.")] = 300,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long each load lasts; one of the sweep takes a quarter of it.")
    ] = 5.0,
    connections: Annotated[int, typer.Option(min=1, help="Connections that ask as fast as they can.")] = 4,
    workers: Annotated[int, typer.Option(min=1, help="Processes of the service.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads inside one classification.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Classifications at once.")] = None,
    sweep_connections: Annotated[
        str, typer.Option(metavar="N,N,…", help="Numbers of connections to try one after the other.")
    ] = "1,2,4,8",
    sweep_concurrency: Annotated[
        str | None,
        typer.Option(metavar="N,N,…", help="Classifications at once to try, each with each of --sweep-threads."),
    ] = None,
    sweep_threads: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Threads inside one classification to try.")
    ] = None,
    runtime: Annotated[
        RuntimeName, typer.Option(help="What runs the photo graph; openvino needs the extra of that name.")
    ] = "onnxruntime",
    title: Annotated[
        list[str] | None,
        typer.Option(help="A title to ask about; more by more options. English ones of drawings otherwise."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw stages and sweep there; needs the extra report.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Starts the service and measures it: latency by stage, waits when requests come by chance, memory, and the
    most it answers by connections, and by concurrency and threads where asked.

    Who asks runs on this machine, too, and takes its share of it.

    \b
    Examples:
      multimodal bench artifacts/fashion
      multimodal bench artifacts/grocery-ru --title "Молоко 3,2% 950мл" --seconds 10 --json
      multimodal bench artifacts/fashion --sweep-concurrency 1,2 --sweep-threads 1,2 --plot speed.png
    """
    for module in ("fastapi", "uvicorn", "python_multipart"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("serve", feature="`multimodal bench`")
    numbers = whole_numbers("--sweep-connections", sweep_connections, least=1)
    tried_concurrency = (
        whole_numbers("--sweep-concurrency", sweep_concurrency, least=1) if sweep_concurrency else [concurrency]
    )
    tried_threads = whole_numbers("--sweep-threads", sweep_threads, least=1) if sweep_threads else [threads]
    if plot is not None:
        _check_plot(plot)
    from multimodal.artifact import read_manifest
    from multimodal.bench.asks import asks_of
    from multimodal.bench.local import local_service
    from multimodal.bench.measure import Effort, machine, measure_service
    from multimodal.bench.processes import resident_mb
    from multimodal.bench.sweep import Setting, settings_of, sweep
    from multimodal.cli.bench_tables import print_figures

    def start(setting: Setting) -> AbstractContextManager[LocalService]:
        more = {"MULTIMODAL_RUNTIME": runtime, "MULTIMODAL_LOG": "off"}
        return local_service(str(bundle), environment={**setting.environment(), **more}, workers=workers)

    manifest = read_manifest(bundle)
    asks = asks_of(manifest.inputs, title or ())
    if not asks:
        raise InputError(
            f"{bundle}: it takes {', '.join(manifest.inputs)}; expected a bundle that takes titles or photos, which "
            "this command asks about"
        )
    with stderr().status("Starting the service") as status, start(Setting(concurrency, threads)) as service:
        first = _first_reply(service, asks[0].requests[0])
        if first.status != 200:
            raise InputError(f"{bundle}: the service answered {first.status}, expected 200: {first.body.get('detail')}")
        rows = measure_service(service.client, asks, Effort(requests, seconds, connections), status.update)
        resident = resident_mb(service.pid)
    settings, part = settings_of(tried_concurrency, tried_threads), seconds / _SWEEP_SHARE
    loads = len(settings) * len(asks) * len(numbers)
    with progress("As many as it takes", loads, "loads", speed=False) as advance:
        swept = sweep(start, asks, settings, connections=numbers, seconds=part, on_progress=advance)
    figures = {
        "bundle": manifest.name,
        "machine": machine(),
        "settings": {
            **{"workers": workers, "threads": threads, "concurrency": concurrency, "runtime": runtime},
            **{"connections": connections, "seconds": seconds, "requests": requests},
            **{"sweep_connections": numbers, "sweep_seconds": part},
        },
        "resident_mb": resident,
        "asked": rows,
        "sweep": swept,
    }
    if as_json:
        print_json(figures)
    else:
        print_figures(figures)
    if plot is not None:
        _draw(figures, plot)
        (stderr() if as_json else stdout()).print(f"Wrote {plot}", markup=False, soft_wrap=True)


def _first_reply(service: LocalService, request: Request) -> Reply:
    """The first answer; a refusal for being behind (503) is no fault of the bundle, so it is asked again."""
    with service.client() as client:
        for left in reversed(range(_TRIES)):
            reply = client.send("POST", "/classify", request.content, request.headers)
            if reply.status != 503 or not left:
                break
            time.sleep(_PAUSE)
    return reply


def _check_plot(file: Path) -> None:
    """What would fail after a minute of work fails now."""
    from multimodal.report.style import require_matplotlib

    require_matplotlib("`multimodal bench --plot`")
    if file.suffix.lower() != ".png" or file.is_dir():
        raise InputError(f"--plot {file}: expected a file for the picture whose name ends in .png, as speed.png")
    blocking = next((folder for folder in file.parents if folder.exists() and not folder.is_dir()), None)
    if blocking is not None:
        raise InputError(f"--plot {file}: {blocking} is a file, expected a folder; name another place")


def _draw(figures: Mapping[str, Any], file: Path) -> None:
    from multimodal.report.speed import plot_speed

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        plot_speed(figures, file)
    except OSError as error:
        raise InputError(f"--plot {file}: cannot be written ({error.strerror}); choose another place") from error

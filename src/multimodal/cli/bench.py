"""``multimodal bench``: what a bundle's service can do on this machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer

from multimodal.cli.console import print_json, stderr, stdout
from multimodal.errors import InputError, MissingExtraError
from multimodal.types import RuntimeName

_COLUMNS = ("sent", "server p50, ms", "server p99, ms", "client p50, ms", "answers/s", "at 60 %: p50, ms", "p99, ms")


def bench(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    requests: Annotated[int, typer.Option(min=20, help="Requests of each kind, one by one.")] = 300,
    seconds: Annotated[float, typer.Option(min=1, help="How long each load lasts.")] = 10.0,
    connections: Annotated[int, typer.Option(min=1, help="Connections that ask as fast as they can.")] = 4,
    workers: Annotated[int, typer.Option(min=1, help="Processes of the service.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads inside one classification.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Classifications at once.")] = None,
    runtime: Annotated[
        RuntimeName, typer.Option(help="What runs the photo graph; openvino needs the extra of that name.")
    ] = "onnxruntime",
    title: Annotated[
        list[str] | None,
        typer.Option(help="A title to ask about; more by more options. English ones of drawings otherwise."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Starts the service and measures it: latency, the most it answers, and waits when requests come by chance.

    Who asks runs on this machine, too, and takes its share of it.

    \b
    Examples:
      multimodal bench artifacts/fashion
      multimodal bench artifacts/grocery-ru --title "Молоко 3,2% 950мл" --seconds 5 --json
    """
    for module in ("fastapi", "uvicorn", "python_multipart"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("serve", feature="`multimodal bench`")
    from multimodal.artifact import read_manifest
    from multimodal.bench.asks import asks_of
    from multimodal.bench.local import local_service
    from multimodal.bench.measure import Effort, machine, measure_service
    from multimodal.bench.processes import resident_mb

    manifest = read_manifest(bundle)
    told = {
        "MULTIMODAL_THREADS": threads,
        "MULTIMODAL_CONCURRENCY": concurrency,
        "MULTIMODAL_RUNTIME": runtime,
    }
    environment = {name: str(value) for name, value in told.items() if value is not None}
    asks = asks_of(manifest.inputs, title or ())
    if not asks:
        raise InputError(
            f"{bundle}: it takes {', '.join(manifest.inputs)}; expected a bundle that takes titles or photos, which "
            "this command asks about"
        )
    with (
        stderr().status("Starting the service") as status,
        local_service(str(bundle), environment={**environment, "MULTIMODAL_LOG": "off"}, workers=workers) as service,
    ):
        with service.client() as client:
            first = client.send("POST", "/classify", asks[0].requests[0].content, asks[0].requests[0].headers)
        if first.status != 200:
            raise InputError(f"{bundle}: the service answered {first.status}, expected 200: {first.body.get('detail')}")
        rows = measure_service(service.client, asks, Effort(requests, seconds, connections), status.update)
        resident = resident_mb(service.pid)
    figures = {
        "bundle": manifest.name,
        "machine": machine(),
        "settings": {
            **{"workers": workers, "threads": threads, "concurrency": concurrency, "runtime": runtime},
            **{"connections": connections, "seconds": seconds, "requests": requests},
        },
        "resident_mb": resident,
        "asked": rows,
    }
    if as_json:
        print_json(figures)
    else:
        _show(figures)


def _show(figures: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(*_COLUMNS)
    for row in figures["asked"]:
        come = row["coming"]
        cells = [row["server_p50_ms"], row["server_p99_ms"], row["client_p50_ms"]]
        times = [f"{value:.2f}" for value in cells]
        table.add_row(
            row["sent"], *times, f"{row['answers_per_second']:.0f}", f"{come['p50_ms']:.2f}", f"{come['p99_ms']:.2f}"
        )
    machine, failed = figures["machine"], sum(row["failed"] for row in figures["asked"])
    stdout().print(table)
    resident = "" if figures["resident_mb"] is None else f"Resident {figures['resident_mb']:.0f} MB; "
    stdout().print(
        f"{resident}{failed} requests failed; {machine['processor']}, "
        f"{machine['cores']} cores. At 60 %: requests come by chance, at 60 % of the most.",
        markup=False,
        soft_wrap=True,
    )

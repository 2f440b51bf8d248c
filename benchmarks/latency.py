"""Latency of ``POST /classify`` on a real server, its cold start, memory and install size.

    python benchmarks/latency.py --bundle artifacts/fashion [--json out.json] [--install-size VENV]
    python benchmarks/latency.py --bundle artifacts/grocery-ru --titles ../shared/data/perekrestok_ru/val.parquet

One worker, one thread, one kept-alive connection, one request at a time. Server-side times come from the
header Server-Timing: from the request's first byte seen by the app to the start of its answer. Titles of a file are
also answered in batches, by two threads, without the service.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np

from command import show
from multimodal import Product, load
from multimodal.artifact import open_bundle
from multimodal.bench.asks import Ask, asks_of
from multimodal.bench.connection import Connection
from multimodal.bench.load import one_by_one, percentile
from multimodal.bench.local import APP, HOST, free_port, local_service
from multimodal.bench.measure import failed, latency, machine
from multimodal.bench.processes import pinned, resident_mb

_ASKED = 64
_BATCH_THREADS, _ROUNDS = 2, 5


def main() -> None:
    """Measures and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="artifacts/fashion")
    parser.add_argument("--titles", type=Path, help="a parquet file whose column title is asked; else drawn titles")
    parser.add_argument("--requests", type=int, default=300, help="of each kind")
    parser.add_argument("--cold-starts", type=int, default=5)
    parser.add_argument("--core", type=int, help="pin the server to this core; the default leaves it free")
    parser.add_argument("--install-size", metavar="VENV", help="an environment that holds core + serve alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    figures = measure(options)
    if options.install_size:
        figures["install_mb"] = install_bytes(Path(options.install_size)) / 1e6
    show(figures, markdown(figures), options.json)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All figures but the install size."""
    titles = [] if options.titles is None else read_titles(options.titles)
    asks = asks_of(open_bundle(options.bundle).manifest.inputs, titles[:_ASKED])
    cold = [cold_start(options.bundle, asks[0], options.core) for _ in range(options.cold_starts)]
    rows = []
    with ExitStack() as stack:
        with pinned(options.core):  # the server alone: asking goes on from any core
            service = stack.enter_context(local_service(options.bundle, environment=one_thread()))
        for ask in asks:
            outcome, replies = one_by_one(service.client, ask, options.requests)
            if failed(outcome):
                raise SystemExit(f"{ask.sent}: got statuses {dict(outcome.statuses)}, expected 200 alone")
            names = [name for name in replies[0].stages if name != "total"]
            stages = {name: percentile([r.stages[name] for r in replies], 50) for name in names}
            rows.append({"sent": ask.sent, **latency(outcome), "stages_p50_ms": stages})
        resident = resident_mb(service.pid)
    return {
        "machine": machine(),
        "bundle": options.bundle,
        "requests": options.requests,
        "largest_bytes": max(len(request.content) for ask in asks for request in ask.requests),
        "latency": rows,
        "cold_start_s": float(np.median(cold)),
        "cold_starts_s": cold,
        "resident_mb": resident,
        **({"titles_per_second": titles_per_second(options.bundle, titles), "titles": len(titles)} if titles else {}),
    }


def read_titles(file: Path) -> list[str]:
    """The titles of a parquet file."""
    import pyarrow.parquet as pq

    return [title for title in pq.read_table(file, columns=["title"])["title"].to_pylist() if title]


def titles_per_second(bundle: str, titles: Sequence[str]) -> float:
    """Titles that a predictor answers a second, in batches: the median of some rounds."""
    predictor = load(bundle, threads=_BATCH_THREADS)
    products = [Product(id=number, title=title) for number, title in enumerate(titles)]
    rates = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        predictor.classify(products)
        rates.append(len(products) / (time.perf_counter() - started))
    return float(np.median(rates))


def one_thread() -> dict[str, str]:
    """The server's settings: one classification at a time, one thread in it."""
    return {"MULTIMODAL_THREADS": "1", "MULTIMODAL_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}


def cold_start(bundle: str, ask: Ask, core: int | None) -> float:
    """Seconds from making the process to its first answer to ``ask``."""
    port, request = free_port(), ask.requests[0]
    command = [sys.executable, "-m", "uvicorn", "--factory", APP]
    command += ["--http", "h11", "--host", HOST, "--port", str(port), "--log-level", "error", "--no-access-log"]
    variables = {**os.environ, **one_thread(), "MULTIMODAL_BUNDLE": bundle}
    with pinned(core):
        started = time.perf_counter()
        process = subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL)  # a line for each try
    try:
        while time.perf_counter() < started + 60:
            if process.poll() is not None:
                raise SystemExit(f"the server ended with code {process.returncode}")
            with suppress(OSError):
                socket.create_connection((HOST, port), timeout=1).close()
                with Connection(HOST, port) as connection:
                    reply = connection.send("POST", "/classify", request.content, request.headers)
                if reply.status == 200:
                    return time.perf_counter() - started
                if reply.body.get("code") != "not_ready":
                    raise SystemExit(f"got status {reply.status}, expected 200: {reply.body.get('detail')}")
            time.sleep(0.005)
        raise SystemExit("no answer within 60 s of starting the server")
    finally:
        process.terminate()
        process.wait(20)


def install_bytes(environment: Path) -> int:
    """Bytes of site-packages, less pip and setuptools with what it brings."""
    [packages] = environment.glob("lib/python*/site-packages")
    own = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    tops = [p for p in packages.iterdir() if not p.name.startswith(own)]
    files = [f for top in tops for f in (top.rglob("*") if top.is_dir() else [top])]
    return sum(f.stat().st_size for f in files if f.is_file() and not f.is_symlink())


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = [
        "| sent | server p50, ms | server p99, ms | client p50, ms | client p99, ms |",
        "|---|---|---|---|---|",
    ]
    keys = ("server_p50_ms", "server_p99_ms", "client_p50_ms", "client_p99_ms")
    for row in figures["latency"]:
        lines.append(f"| {row['sent']} | " + " | ".join(f"{row[key]:.2f}" for key in keys) + " |")
    lines += ["", "| what | figure |", "|---|---|"]
    lines.append(f"| cold start to first answer ({figures['latency'][0]['sent']}) | {figures['cold_start_s']:.2f} s |")
    lines.append(
        f"| resident memory after {figures['requests']} requests of each kind | {figures['resident_mb']:.0f} MB |"
    )
    if "titles_per_second" in figures:
        lines.append(f"| titles a second in batches, two threads | {figures['titles_per_second']:,.0f} |")
    if "install_mb" in figures:
        lines.append(f"| core + serve, installed | {figures['install_mb']:.0f} MB |")
    told = figures["machine"]
    lines += [
        "",
        f"One worker, one thread, {told['processor']}, {told['cores']} cores, "
        f"Python {told['python']}; the largest request has {figures['largest_bytes'] / 1000:.1f} kB.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

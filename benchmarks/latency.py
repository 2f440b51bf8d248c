"""Latency of ``POST /classify`` on a real server, its cold start, memory and install size.

    python benchmarks/latency.py --bundle artifacts/fashion [--json out.json] [--install-size VENV]

One worker, one thread, one kept-alive connection, one request at a time. Server-side times come from the
header Server-Timing: from the request's first byte seen by the app to the start of its answer.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from multimodal.artifact import open_bundle
from multimodal.data.sample import draw_products
from multimodal_api.client import Client
from multimodal_api.local import HOST, LocalService, free_port, local_service

TITLE = "Puma Men Navy Blue Striped Polo Tshirt"
SEED = 31_337
SIZE = (800, 600)
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Ask:
    """A kind of request, sent many times."""

    name: str
    fields: Mapping[str, str]
    photo: bytes | None


def main() -> None:
    """Measures and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="artifacts/fashion")
    parser.add_argument("--requests", type=int, default=300, help="of each kind")
    parser.add_argument("--cold-starts", type=int, default=5)
    parser.add_argument("--core", type=int, help="pin the server to this core; the default leaves it free")
    parser.add_argument("--install-size", metavar="VENV", help="an environment that holds core + serve alone")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    figures = measure(options.bundle, options.requests, options.cold_starts, options.core)
    if options.install_size:
        figures["install_mb"] = install_bytes(Path(options.install_size)) / 1e6
    print(markdown(figures))
    if options.json:
        Path(options.json).parent.mkdir(parents=True, exist_ok=True)
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(bundle: str, requests: int, cold_starts: int, core: int | None) -> dict[str, Any]:
    """All figures but the install size."""
    photo = enlarged_photo()
    asks = asks_of(open_bundle(bundle).manifest.inputs, photo)
    cold = [cold_start(bundle, asks[0], core) for _ in range(cold_starts)]
    with ExitStack() as stack:
        with pinned(core):  # the server alone: asking goes on from any core
            service = stack.enter_context(local_service(bundle, environment=one_thread()))
        rows = [time_requests(service, ask, requests) for ask in asks]
        resident = resident_mb(service.pid)
    return {
        "machine": {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "bundle": bundle,
        "requests": requests,
        "photo_bytes": len(photo),
        "latency": rows,
        "cold_start_s": float(np.median(cold)),
        "cold_starts_s": cold,
        "resident_mb": resident,
    }


def asks_of(inputs: Collection[str], photo: bytes) -> list[Ask]:
    """What a bundle of some inputs can be asked, the fullest first."""
    by_photo = [Ask("800×600 JPEG", {}, photo)] if "image" in inputs else []
    if "title" not in inputs:
        return by_photo
    by_title = [Ask("title", {"title": TITLE}, None)]
    both = [Ask("800×600 JPEG + title", {"title": TITLE}, photo)] if by_photo else []
    return [*both, *by_title, *by_photo]


def enlarged_photo() -> bytes:
    """A drawn photo at 800x600 with noise, so that decoding costs what a camera's photo costs."""
    drawn = next(p.image.data for p in draw_products(50, SEED) if p.image is not None and p.image.data)
    image = Image.open(io.BytesIO(drawn)).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    noise = np.random.default_rng(SEED).normal(0, 6, (SIZE[1], SIZE[0], 3))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=85)
    return out.getvalue()


def one_thread() -> dict[str, str]:
    """The server's settings: one classification at a time, one thread in it."""
    return {"MULTIMODAL_THREADS": "1", "MULTIMODAL_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """A process made inside runs on that core alone."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def time_requests(service: LocalService, ask: Ask, requests: int) -> dict[str, Any]:
    """Percentiles in milliseconds, by server and by client."""
    with service.client() as client:
        for _ in range(WARM_UP):
            expect_answer(client, ask)
        replies = [expect_answer(client, ask) for _ in range(requests)]
    server = [stages["total"] for _, stages in replies]
    stage_names = [name for name in replies[0][1] if name != "total"]
    return {
        "sent": ask.name,
        "server_p50_ms": percentile(server, 50),
        "server_p99_ms": percentile(server, 99),
        "client_p50_ms": percentile([ms for ms, _ in replies], 50),
        "client_p99_ms": percentile([ms for ms, _ in replies], 99),
        "stages_p50_ms": {name: percentile([s[name] for _, s in replies], 50) for name in stage_names},
    }


def expect_answer(client: Client, ask: Ask) -> tuple[float, dict[str, float]]:
    """Client milliseconds and the server's stages; SystemExit for anything but a 200."""
    reply = client.classify(ask.fields, ask.photo)
    if reply.status != 200:
        raise SystemExit(f"{ask.name}: got status {reply.status}, expected 200: {reply.body.get('detail')}")
    return reply.ms, reply.stages


def cold_start(bundle: str, ask: Ask, core: int | None) -> float:
    """Seconds from making the process to its first answer to ``ask``."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "multimodal_api.app:create_app"]
    command += ["--host", HOST, "--port", str(port), "--log-level", "error", "--no-access-log"]
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
                with Client(HOST, port) as client:
                    reply = client.classify(ask.fields, ask.photo)
                if reply.status == 200:
                    return time.perf_counter() - started
                if reply.body.get("code") != "not_ready":
                    raise SystemExit(f"got status {reply.status}, expected 200: {reply.body.get('detail')}")
            time.sleep(0.005)
        raise SystemExit("no answer within 60 s of starting the server")
    finally:
        process.terminate()
        process.wait(20)


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit(f"/proc/{pid}/status names no VmRSS")


def install_bytes(environment: Path) -> int:
    """Bytes of site-packages, less pip and setuptools."""
    [packages] = environment.glob("lib/python*/site-packages")
    tops = [p for p in packages.iterdir() if not p.name.startswith(("pip", "setuptools", "_distutils_hack"))]
    files = [f for top in tops for f in (top.rglob("*") if top.is_dir() else [top])]
    return sum(f.stat().st_size for f in files if f.is_file() and not f.is_symlink())


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile."""
    return float(np.percentile(values, q))


def processor() -> str:
    """The processor's name, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


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
    if "install_mb" in figures:
        lines.append(f"| core + serve, installed | {figures['install_mb']:.0f} MB |")
    machine = figures["machine"]
    lines += [
        "",
        f"One worker, one thread, {machine['processor']}, {machine['cores']} cores, "
        f"Python {machine['python']}; the JPEG has {figures['photo_bytes'] // 1000} kB.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

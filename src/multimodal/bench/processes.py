"""Memory and cores of processes, as Linux tells them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def resident_mb(pid: int) -> float | None:
    """Resident memory of a process and of those it started, in 10^6 bytes; None where there is no ``/proc``."""
    if not Path("/proc").is_dir():
        return None
    total = 0.0
    for one in (pid, *children(pid)):
        with suppress(FileNotFoundError):  # ended meanwhile
            lines = Path(f"/proc/{one}/status").read_text(encoding="ascii").splitlines()
            total += sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS:"))
    return total


def children(pid: int) -> list[int]:
    """Processes that a process started, and those that they did."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):
            for child in map(int, listed.read_text(encoding="ascii").split()):
                found += [child, *children(child)]
    return found


def processor() -> str:
    """The processor's name, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown"


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

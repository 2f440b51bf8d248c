"""Answers a second by connections, and by how many classifications run at once and with how many threads each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from typing import Any

from multimodal.bench.asks import Ask
from multimodal.bench.load import Connect, Outcome, back_to_back, percentile
from multimodal.bench.local import LocalService
from multimodal.bench.measure import failed, failures
from multimodal.bench.processes import resident_mb

_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Setting:
    """How a service shares the cores; None leaves it to the service.

    Attributes:
        concurrency: classifications at once.
        threads: inside one classification.
    """

    concurrency: int | None = None
    threads: int | None = None

    def environment(self) -> dict[str, str]:
        """The variables that tell the service so."""
        told = {"MULTIMODAL_CONCURRENCY": self.concurrency, "MULTIMODAL_THREADS": self.threads}
        return {name: str(value) for name, value in told.items() if value is not None}


Start = Callable[[Setting], AbstractContextManager[LocalService]]


def settings_of(concurrency: Iterable[int | None], threads: Iterable[int | None]) -> list[Setting]:
    """Each of the one with each of the other."""
    return [Setting(*both) for both in product(concurrency, threads)]


def sweep(
    start: Start,
    asks: Sequence[Ask],
    settings: Sequence[Setting],
    *,
    connections: Sequence[int],
    seconds: float,
    on_progress: Callable[[int], None],
) -> list[dict[str, Any]]:
    """The most a service answers at each setting, started anew for each so that none inherits caches or memory.

    Args:
        start: a service of such a setting, stopped on leaving.
        connections: that ask back to back, one number after the other.
        seconds: of each load.
        on_progress: called with the number of loads done so far.
    """
    rows: list[dict[str, Any]] = []
    for setting in settings:
        with start(setting) as service:
            loads = []
            for ask in asks:
                back_to_back(service.client, ask, connections=max(connections), requests=_WARM_UP)
                for number in connections:
                    loads.append(_load(service.client, ask, number, seconds))
                    on_progress(len(rows) * len(asks) * len(connections) + len(loads))
            resident = resident_mb(service.pid)
        told = {"concurrency": setting.concurrency, "threads": setting.threads}
        rows.append({**told, "resident_mb": resident, "loads": loads})
    return rows


def setting_name(row: Mapping[str, Any]) -> str:
    """The setting of a row in words; what the service chose by itself is not named."""
    told = [f"{key} {row[key]}" for key in ("concurrency", "threads") if row[key] is not None]
    return ", ".join(told) or "default"


def _load(connect: Connect, ask: Ask, connections: int, seconds: float) -> dict[str, Any]:
    outcome = back_to_back(connect, ask, connections=connections, seconds=seconds)
    return {
        "sent": ask.sent,
        "connections": connections,
        "answers_per_second": outcome.rate,
        "client_p50_ms": _waited(outcome, 50),
        "client_p99_ms": _waited(outcome, 99),
        "failed": failed(outcome),
        "failures": failures(outcome),
    }


def _waited(outcome: Outcome, q: float) -> float | None:
    """None where nothing was answered, as JSON knows no nan."""
    return percentile(outcome.waited, q) if outcome.waited else None

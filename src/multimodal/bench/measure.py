"""What a service can do: milliseconds one by one, answers a second at most, and waiting times when requests come."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multimodal.bench.asks import Ask
from multimodal.bench.connection import Reply
from multimodal.bench.load import NO_ANSWER, Connect, Outcome, as_they_come, back_to_back, one_by_one, percentile
from multimodal.bench.processes import processor

SHARE = 0.6
"""Of the most it can do: the load at which a service should still feel quick."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Attributes:
        requests: of each kind, one by one.
        seconds: of each load.
        connections: that ask back to back.
    """

    requests: int = 300
    seconds: float = 10.0
    connections: int = 4


def measure_service(connect: Connect, asks: Sequence[Ask], effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """The figures of each kind of request.

    Args:
        connect: opens a connection to the service.
        tell: is told what is measured next.
    """
    rows = []
    for ask in asks:
        tell(f"{ask.sent}: one by one")
        alone, replies = one_by_one(connect, ask, effort.requests)
        tell(f"{ask.sent}: as many as it takes")
        most = back_to_back(connect, ask, connections=effort.connections, seconds=effort.seconds)
        tell(f"{ask.sent}: as they come, {SHARE:.0%} of that")
        rate = max(0.5, SHARE * most.rate)
        come = as_they_come(connect, ask, rate=rate, seconds=effort.seconds)
        rows.append(
            {
                "sent": ask.sent,
                **latency(alone),
                "stages_p50_ms": stage_times(replies, 50),
                "stages_p99_ms": stage_times(replies, 99),
                "answers_per_second": most.rate,
                "coming": {"per_second": rate, **waiting(come)},
                "failed": failed(alone) + failed(most) + failed(come),
                "failures": failures(alone, most, come),
            }
        )
    return rows


def latency(outcome: Outcome) -> dict[str, float]:
    """Percentiles in milliseconds, by the service and by who asked."""
    return {
        "server_p50_ms": percentile(outcome.inside, 50),
        "server_p99_ms": percentile(outcome.inside, 99),
        "client_p50_ms": percentile(outcome.waited, 50),
        "client_p99_ms": percentile(outcome.waited, 99),
    }


def stage_times(replies: Sequence[Reply], q: float) -> dict[str, float]:
    """The q-th percentile of each stage's milliseconds, of answers (200) alone; "total" is not among them.

    The stages of one answer add up to its total, percentiles of many need not.
    """
    stages = [reply.stages for reply in replies if reply.status == 200]
    names = [name for name in dict.fromkeys(name for one in stages for name in one) if name != "total"]
    return {name: percentile([one.get(name, 0.0) for one in stages], q) for name in names}


def waiting(outcome: Outcome) -> dict[str, float]:
    """Percentiles in milliseconds of what those who asked waited."""
    return {f"p{q}_ms": percentile(outcome.waited, q) for q in (50, 95, 99)}


def failed(outcome: Outcome) -> int:
    """Requests without an answer of 200."""
    return outcome.requests - len(outcome.waited)


def failures(*outcomes: Outcome) -> dict[str, int]:
    """Requests without an answer of 200, by HTTP status, or as "no answer"."""
    found = sum((outcome.statuses for outcome in outcomes), Counter[int]())
    return {"no answer" if status == NO_ANSWER else str(status): n for status, n in found.items() if status != 200}


def machine() -> Mapping[str, Any]:
    """What it was measured on."""
    return {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()}

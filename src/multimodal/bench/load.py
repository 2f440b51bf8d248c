"""Load on a service: one request after the other, as many as it takes, or as they come.

Requests that come by themselves (Poisson arrivals) are timed from when they were due, not from when they could be
sent: a service that stalls is charged for all who waited meanwhile ("coordinated omission", Gil Tene).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException

import numpy as np

from multimodal.bench.asks import Ask, Request
from multimodal.bench.connection import Connection, Reply

Connect = Callable[[], Connection]
NO_ANSWER = 0
"""Stands among the statuses for a request that got none."""
_PATH = "/classify"


@dataclass(slots=True)
class Outcome:
    """What became of some requests.

    Attributes:
        seconds: from the first to the last.
        statuses: HTTP status -> requests; ``NO_ANSWER`` where there was none.
        waited: milliseconds that each answered request (200) took, as who asked saw it.
        inside: milliseconds inside the service of the same, where it says so (``Server-Timing``).
        refused_waited: milliseconds of those that were refused.
        bare_refusals: refusals that did not say when to ask again.
        again: requests whose connection was found closed, so that they were sent once more.
    """

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    waited: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    refused_waited: list[float] = field(default_factory=list)
    bare_refusals: int = 0
    again: int = 0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    @property
    def rate(self) -> float:
        """Answers (200) a second."""
        return len(self.waited) / self.seconds if self.seconds else 0.0

    def keep(self, reply: Reply | None, ms: float) -> None:
        """Adds one request; None got no answer."""
        self.statuses[NO_ANSWER if reply is None else reply.status] += 1
        if reply is None:
            return
        self.again += reply.again
        if reply.status == 200:
            self.waited.append(ms)
            if "total" in reply.stages:
                self.inside.append(reply.stages["total"])
        else:
            self.refused_waited.append(ms)
            self.bare_refusals += reply.status == 503 and not reply.retry_after


def percentile(values: Sequence[float], q: float) -> float:
    """The q-th percentile; nan of nothing."""
    return float(np.percentile(values, q)) if values else float("nan")


def one_by_one(connect: Connect, ask: Ask, requests: int, warm_up: int = 20) -> tuple[Outcome, list[Reply]]:
    """One connection, one request at a time; also the replies themselves."""
    outcome, replies = Outcome(), []
    with connect() as connection:
        for i in range(warm_up):
            _send(connection, ask.requests[i % len(ask.requests)])
        started = time.perf_counter()
        for i in range(requests):
            reply = _send(connection, ask.requests[i % len(ask.requests)])
            outcome.keep(reply, 0.0 if reply is None else reply.ms)
            replies += [] if reply is None else [reply]
        outcome.seconds = time.perf_counter() - started
    return outcome, replies


def back_to_back(
    connect: Connect,
    ask: Ask,
    *,
    connections: int,
    seconds: float = float("inf"),
    requests: int | None = None,
    each: Callable[[int], None] | None = None,
) -> Outcome:
    """Every connection asks again as soon as it has its answer: what the service can do at most.

    Args:
        seconds: after which no request is sent any more.
        requests: after which none is, either.
        each: called with the number of requests sent so far, under a lock.
    """
    outcome, lock, sent = Outcome(), threading.Lock(), 0
    started = time.perf_counter()

    def work(connection: Connection) -> None:
        nonlocal sent
        while time.perf_counter() - started < seconds:
            with lock:
                if requests is not None and sent >= requests:
                    return
                number, sent = sent, sent + 1
                if each is not None:
                    each(sent)
            reply = _send(connection, ask.requests[number % len(ask.requests)])
            with lock:
                outcome.keep(reply, 0.0 if reply is None else reply.ms)

    _in_threads(connect, connections, work)
    outcome.seconds = time.perf_counter() - started
    return outcome


def as_they_come(
    connect: Connect, ask: Ask, *, rate: float, seconds: float, connections: int = 64, seed: int = 1
) -> Outcome:
    """Requests come by chance, ``rate`` a second on average, whether or not earlier ones are answered.

    Args:
        connections: requests under way at once, at most; a request waits for one, and its time runs.
    """
    gaps = np.random.default_rng(seed).exponential(1 / rate, max(1, round(rate * seconds)))
    due, lock, following = np.cumsum(gaps), threading.Lock(), 0
    outcome = Outcome()
    started = time.perf_counter()

    def work(connection: Connection) -> None:
        nonlocal following
        while True:
            with lock:
                if following == len(due):
                    return
                number, following = following, following + 1
            at = started + due[number]
            time.sleep(max(0.0, at - time.perf_counter()))
            reply = _send(connection, ask.requests[number % len(ask.requests)])
            ms = (time.perf_counter() - at) * 1000
            with lock:
                outcome.keep(reply, ms)

    _in_threads(connect, connections, work)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _send(connection: Connection, asked: Request) -> Reply | None:
    try:
        return connection.send("POST", _PATH, asked.content, asked.headers)
    except (OSError, HTTPException, ValueError):
        return None


def _in_threads(connect: Connect, threads: int, work: Callable[[Connection], None]) -> None:
    def run(_: int) -> None:
        with connect() as connection:
            work(connection)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(run, range(threads)):  # what failed in a thread is raised here
            pass

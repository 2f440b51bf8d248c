"""Admission control: how many requests work at once, how many wait, and how long any of them may take.

Beyond that a request is refused at once, with the time after which asking again makes sense: a queue without a bound
answers everybody late (Nygard, "Release It!", 2018: back pressure and load shedding).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from starlette.requests import ClientDisconnect

from multimodal_api.problems import ProblemError

T = TypeVar("T")

_SMOOTHING = 0.1


class Admission:
    """Threads for the work of requests, and who may use them. Belongs to one event loop.

    Args:
        slots: pieces of work at once.
        queue: requests that may wait for a slot; more are refused.

    Attributes:
        told: gets the requests that run and wait whenever their number changes.
    """

    def __init__(self, slots: int, queue: int) -> None:
        self._slots, self._queue = slots, queue
        self.told: Callable[[int], None] | None = None
        self._free = asyncio.Semaphore(slots)
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="classify")
        self._usual = 0.01
        self.waiting = self.running = 0

    @property
    def busy(self) -> bool:
        """Whether work would have to wait for its turn."""
        return self._free.locked()

    def check(self) -> None:
        """Raises a 503 problem while the queue is full; to be asked before a body is read."""
        if self._free.locked() and self.waiting >= self._queue:
            raise ProblemError(
                503,
                "overloaded",
                f"{self.running} requests are being answered and {self.waiting} wait, which is all that may. "
                "Ask again after the time in Retry-After, or serve with more workers.",
                headers={"Retry-After": str(self._relief())},
            )

    async def run(
        self,
        work: Callable[[], T],
        until: float,
        *,
        gone: Callable[[], Awaitable[object]] | None = None,
        patient: bool = False,
    ) -> T:
        """Runs work in a thread, in its turn.

        Args:
            until: ``time.monotonic()`` by which the answer must be there. Work that waits longer is never begun;
                work that takes longer goes on, and what it finds is thrown away.
            gone: returns once nobody waits for the answer any more; work that has not begun by then never is.
            patient: a piece of something larger, which takes no place in the queue.

        Raises:
            ProblemError: 503 where it is late, or the queue is full.
            ClientDisconnect: ``gone`` returned.
        """
        if not patient:
            self.check()  # again: many may have read their bodies at the same time
        await self._take(until, gone, patient)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, work)
        self._count(running=1)
        future.add_done_callback(partial(self._done, time.monotonic()))
        try:
            async with asyncio.timeout(until - time.monotonic()):
                return await asyncio.shield(future)
        except TimeoutError:
            if future.done() and not future.cancelled() and isinstance(future.exception(), TimeoutError):
                raise  # the work's own
            raise self.late("was not answered") from None

    async def _take(self, until: float, gone: Callable[[], Awaitable[object]] | None, patient: bool) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        self._count(waiting=not patient)
        left = None if gone is None else asyncio.ensure_future(gone())
        turn = asyncio.ensure_future(self._free.acquire())
        try:
            both = [turn] if left is None else [turn, left]
            await asyncio.wait(both, timeout=until - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
            if turn.done():
                return
            if left is not None and left.done():
                raise ClientDisconnect
            raise self.late("waited for its turn")
        except BaseException:
            if not turn.cancel() and turn.done() and not turn.cancelled():
                self._free.release()  # its turn came in the moment it was given up
            raise
        finally:
            self._count(waiting=-(not patient))
            if left is not None:
                left.cancel()

    def _done(self, began: float, future: asyncio.Future[T]) -> None:
        self._count(running=-1)
        self._free.release()
        self._usual += _SMOOTHING * (time.monotonic() - began - self._usual)
        if not future.cancelled():
            future.exception()  # late work's error belongs to nobody any more

    def _count(self, *, waiting: int = 0, running: int = 0) -> None:
        self.waiting += waiting
        self.running += running
        if self.told is not None:
            self.told(self.waiting + self.running)

    def late(self, what: str) -> ProblemError:
        """The 503 of a request whose deadline is over."""
        return ProblemError(
            503,
            "deadline_exceeded",
            f"The request {what} until its deadline; the service is busy. Ask again after the time in Retry-After, "
            "or raise MULTIMODAL_DEADLINE.",
            headers={"Retry-After": str(self._relief())},
        )

    def _relief(self) -> int:
        """Seconds after which those who wait now should have been answered, at least 1."""
        return max(1, math.ceil(self._usual * (self.waiting + self.running) / self._slots))

    def close(self) -> None:
        """Lets running work end and takes no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

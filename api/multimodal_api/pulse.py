"""How late the event loop is: what waits for it waits where nobody counts it."""

from __future__ import annotations

import asyncio
import time

_BEAT = 0.02


class Pulse:
    """Looks every 20 milliseconds how much later than asked for the loop came round.

    Attributes:
        late: seconds, the lesser of the last two beats: one long piece of work is no backlog.
    """

    def __init__(self) -> None:
        self.late = self._last = 0.0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins, in the running loop."""
        self._wait()

    def _wait(self) -> None:
        due = time.monotonic() + _BEAT
        self._next = asyncio.get_running_loop().call_later(_BEAT, self._beat, due)

    def _beat(self, due: float) -> None:
        late = time.monotonic() - due
        self.late, self._last = min(late, self._last), late
        self._wait()

    def stop(self) -> None:
        """Ends."""
        if self._next is not None:
            self._next.cancel()

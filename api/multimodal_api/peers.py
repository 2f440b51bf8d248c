"""Workers that answer for each other: who is busy hands a request to one with less to do.

Without it a request waits behind the others of its connection's worker while another worker idles; of several queues
beside each other the last percent waits twice as long as in one (join the shortest queue: Winston, 1977).
"""

from __future__ import annotations

import asyncio
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import ClientDisconnect

from multimodal_api.admission import Admission
from multimodal_api.board import Board
from multimodal_api.frames import Answered, Handed, answer, question, read_answer, read_question, send

Gone = Callable[[], Awaitable[object]]
Answer = Callable[[Handed, Gone], Awaitable[Answered]]
"""Answers a request that was handed over; ``Gone`` returns once nobody waits for it any more."""
_Connection = tuple[StreamReader, StreamWriter]

_GRACE = 1.0
"""Seconds after a deadline in which the other worker may still say that it is over."""
_BUFFER = 1 << 20
_LOOK_SECONDS = 0.01
_ENDING = ".sock"


class PeerGoneError(Exception):
    """The other worker is no more; whoever asked it answers by itself."""


class Peers:
    """The other workers of one service. Belongs to one event loop.

    Args:
        board: tells how busy each is.
        answer: what answers the requests that they hand over.
    """

    def __init__(self, board: Board, answer: Answer) -> None:
        self._board, self._answer = board, answer
        self._server: asyncio.Server | None = None
        self._idle: dict[str, list[_Connection]] = {}
        self._asking: set[StreamWriter] = set()
        self._under_way = 0

    async def open(self) -> None:
        """Takes requests of others from now on."""
        place = self._place(self._board.name)
        place.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, place, limit=_BUFFER)

    async def close(self) -> None:
        """Takes no more, and lets those under way end."""
        self._board.leave()
        self._place(self._board.name).unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()
        while self._under_way:  # each has a deadline
            await asyncio.sleep(_LOOK_SECONDS)
        for writer in (*self._asking, *(writer for idle in self._idle.values() for _, writer in idle)):
            writer.close()

    def better(self, admission: Admission) -> str | None:
        """Name of a worker that has less to do; None where a request has its turn here at once, or as soon."""
        own = admission.running + admission.waiting
        if not admission.busy:
            return None
        work = {name: load.work for name, load in self._board.others.items()}
        name = min(work, key=lambda name: work[name], default=None)
        return name if name is not None and work[name] < own else None

    async def ask(self, name: str, asked: Handed, gone: Gone) -> Answered:
        """The answer of another worker.

        Raises:
            PeerGoneError: it ended before it answered.
            TimeoutError: it did not answer until well after the deadline.
            ClientDisconnect: ``gone`` returned.
        """
        try:
            connection = await self._connection(name)
        except OSError:
            self._board.forget_ended()
            raise PeerGoneError from None
        asking, left = asyncio.ensure_future(_ask(connection, asked)), asyncio.ensure_future(gone())
        kept = False
        try:
            await asyncio.wait({asking, left}, timeout=asked.left + _GRACE, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise ClientDisconnect if left.done() else TimeoutError
            answered = asking.result()
            kept = True
            return answered
        except (OSError, IncompleteReadError):
            raise PeerGoneError from None
        finally:
            left.cancel()
            asking.cancel()
            if kept:
                self._idle.setdefault(name, []).append(connection)
            else:
                connection[1].close()  # the other end notices, and does not begin with it

    async def _connection(self, name: str) -> _Connection:
        idle = self._idle.get(name, [])
        while idle:
            reader, writer = idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_unix_connection(self._place(name), limit=_BUFFER)

    def _place(self, name: str) -> Path:
        return self._board.folder / f"{name}{_ENDING}"

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._asking.add(writer)
        try:
            while True:
                asked = await read_question(reader)
                self._under_way += 1
                try:
                    given = await self._answer(asked, lambda: reader.read(1))  # who asks sends nothing meanwhile
                    await send(writer, answer(given))
                finally:
                    self._under_way -= 1
        except (OSError, IncompleteReadError, ClientDisconnect):
            pass  # who asked is gone; what else fails is told by asyncio, and answered where it was handed over
        finally:
            self._asking.discard(writer)
            writer.close()


async def _ask(connection: _Connection, asked: Handed) -> Answered:
    reader, writer = connection
    await send(writer, question(asked))
    return await read_answer(reader)

"""The event loop of workers that share a listening socket: each takes its share of the connections."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from typing import Any

from multimodal_api.board import Board, board_in

VARIABLE = "MULTIMODAL_PEERS"
_STEP_BACK = 0.002
"""Seconds in which a worker with fewer connections may take the next one."""
_REST = 1.0

_Factory = Callable[[], asyncio.Protocol]


class EvenLoop(asyncio.SelectorEventLoop):
    """Leaves a connection to a worker that has fewer of them.

    asyncio takes as many as there wait, so whichever process is awake first gets all that come together; proxies keep
    them, and of 64 one of two workers had up to all.
    """

    async def create_server(  # type: ignore[override]
        self, factory: _Factory, *where: Any, sock: socket | None = None, backlog: int = 100, **more: Any
    ) -> asyncio.Server:
        """See ``asyncio.loop.create_server``."""
        folder = os.environ.get(VARIABLE)
        if sock is None or not folder or more.get("ssl") is not None:
            return await super().create_server(factory, *where, sock=sock, backlog=backlog, **more)
        # Not started: the sockets are its own to close, and who takes connections from them is here.
        server = await super().create_server(factory, sock=sock, backlog=backlog, start_serving=False, **more)
        sock.listen(backlog)
        door = _Door(self, sock, factory, board_in(folder))
        door.open()
        return server


class _Door:
    """Takes connections from a listening socket, one at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket, factory: _Factory, board: Board) -> None:
        self._loop, self._sock, self._factory, self._board = loop, sock, factory, board
        self._coming: set[asyncio.Task[Any]] = set()
        self._resting = False

    def open(self) -> None:
        """Looks for connections from now on, unless it rests."""
        if self._sock.fileno() >= 0 and not self._resting:  # below 0 the server was closed meanwhile
            self._loop.add_reader(self._sock, self._knock)

    def _rest(self) -> None:
        """Looks for none for a second."""
        self._resting = True
        self._loop.remove_reader(self._sock)
        self._loop.call_later(_REST, self._wake)

    def _wake(self) -> None:
        self._resting = False
        self.open()

    def _knock(self) -> None:
        others = self._board.others.values()
        if others and self._board.own.connections > min(other.connections for other in others):
            self._loop.remove_reader(self._sock)
            self._loop.call_later(_STEP_BACK, self._last_call)
        else:
            self._take()

    def _last_call(self) -> None:
        """Takes what the others left: they may be busy, or no more."""
        if self._sock.fileno() >= 0:
            if self._take():
                self._board.forget_ended()
            self.open()

    def _take(self) -> bool:
        """Whether there was one."""
        try:
            connection, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # another worker has it
        except OSError as error:  # no more files may be open: asyncio waits a second, too
            self._loop.call_exception_handler({"message": "a connection cannot be taken", "exception": error})
            self._rest()
            return False
        connection.setblocking(False)
        self._board.own.connections += 1
        coming = self._loop.create_task(self._come(connection))
        self._coming.add(coming)
        coming.add_done_callback(self._coming.discard)
        return True

    async def _come(self, connection: socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._counted, connection)
        except OSError:
            self._board.own.connections -= 1
            with suppress(OSError):
                connection.close()

    def _counted(self) -> asyncio.Protocol:
        """A protocol that tells the board when its connection ends."""
        protocol = self._factory()
        lost = protocol.connection_lost

        def connection_lost(exc: Exception | None) -> None:
            self._board.own.connections -= 1
            lost(exc)

        protocol.connection_lost = connection_lost  # type: ignore[method-assign]
        return protocol

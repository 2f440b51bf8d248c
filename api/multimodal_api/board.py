"""What the workers of one service tell each other: how many connections each has, and how much work."""

from __future__ import annotations

import mmap
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

_NUMBERS = 2
_BYTES = 4 * _NUMBERS
_ENDING = ".load"
_LOOK_SECONDS = 0.2


class Load:
    """Two numbers in a file that several processes have in memory; only its owner writes them."""

    def __init__(self, file: Path) -> None:
        """Raises OSError or ValueError where there is no such file, or one of another size."""
        with file.open("r+b") as opened:
            self._numbers = memoryview(mmap.mmap(opened.fileno(), _BYTES)).cast("i")

    @property
    def connections(self) -> int:
        """Open connections of clients."""
        return self._numbers[0]

    @connections.setter
    def connections(self, number: int) -> None:
        self._numbers[0] = number

    @property
    def work(self) -> int:
        """Classifications that run or wait for their turn."""
        return self._numbers[1]

    @work.setter
    def work(self, number: int) -> None:
        self._numbers[1] = number


class Board:
    """One worker's view of all of them: a folder where each keeps a file named by its process.

    Attributes:
        folder: of the files.
        name: this worker's.
        own: what it tells.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        """
        Args:
            name: the number of this process unless given.
        """
        self.folder, self.name = folder, name or str(os.getpid())
        folder.mkdir(parents=True, exist_ok=True)
        # Whole before it has its name: others may look at any time.
        begun = folder / f"{self.name}.new"
        begun.write_bytes(bytes(_BYTES))
        begun.rename(folder / f"{self.name}{_ENDING}")
        self.own = Load(folder / f"{self.name}{_ENDING}")
        self._others: dict[str, Load] = {}
        self._looked = float("-inf")

    @property
    def others(self) -> dict[str, Load]:
        """What the other workers tell, by their names; who has just begun may be missing for a moment."""
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            there = {file.stem for file in self.folder.glob(f"*{_ENDING}")} - {self.name}
            for name in self._others.keys() - there:
                del self._others[name]
            for name in there - self._others.keys():
                with suppress(OSError, ValueError):  # gone again
                    self._others[name] = Load(self.folder / f"{name}{_ENDING}")
        return self._others

    def forget(self, name: str) -> None:
        """Takes away what a worker told that is no more."""
        self._others.pop(name, None)
        (self.folder / f"{name}{_ENDING}").unlink(missing_ok=True)

    def forget_ended(self) -> None:
        """Takes away what processes told that ended without leaving."""
        for name in [name for name in self._others if name.isdecimal()]:
            try:
                os.kill(int(name), 0)
            except ProcessLookupError:
                self.forget(name)
            except OSError:
                continue  # somebody else's: it lives

    def leave(self) -> None:
        """Nobody counts on this worker any more."""
        (self.folder / f"{self.name}{_ENDING}").unlink(missing_ok=True)


@cache
def board_in(folder: str) -> Board:
    """The board of this process; the event loop and the app have the same."""
    return Board(Path(folder))

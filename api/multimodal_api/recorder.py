"""Keeps answers for feedback, behind the requests' backs: a thread writes what has come together."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, Full, Queue

from multimodal.errors import MultimodalError
from multimodal.store import Database, open_database
from multimodal.store.database import StoreError
from multimodal.store.feedback import purge
from multimodal.store.records import Given, keep_answers
from multimodal.types import Prediction, Product
from multimodal_api.ports import Predictor

_log = logging.getLogger("multimodal_api")
_WAITING = 1000
_AT_ONCE = 500
_PHOTO_BYTES = 64_000_000
"""Of photos that wait, all together: 500 of the largest would be gigabytes."""
_DAY = 24 * 3600.0
_GATHER = 0.2
"""Seconds in which answers are gathered for one transaction."""
_PATIENCE = 1.0
"""Seconds that feedback waits for an answer that is still to be written."""
_LAST = 10.0
"""Seconds for the last answers when the service ends."""


class Recorder:
    """Writes answers to a database without keeping anybody waiting; what it cannot keep up with is not kept.

    Args:
        url: of the database.
        photos: folder for photos, named by their hash; None keeps none.
        days: after so many, answers without feedback are forgotten.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, url: str, photos: str | None, days: float) -> None:
        self.database: Database = open_database(url)
        self._photos = None if photos is None else Path(photos)
        self._days = days
        self._queue: Queue[Given | threading.Event | None] = Queue(_WAITING)
        self._held = 0
        self._lock = threading.Lock()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()
        self.lost = 0

    def keep(
        self, request_id: str, predictor: Predictor, product: Product, answer: Prediction, *, draft: bool = False
    ) -> None:
        """Has an answer written some time; returns at once.

        Args:
            draft: asked while somebody was still typing.
        """
        given = Given(request_id, predictor.name, predictor.version, product, answer, draft=draft)
        if not self._queued(given):
            self.lost += 1
            if self.lost % 1000 == 1:
                _log.warning("the database is slower than the requests: %d answers were not kept", self.lost)

    def _queued(self, given: Given) -> bool:
        size = _photo_bytes(given)
        with self._lock:
            if self._held + size > _PHOTO_BYTES:
                return False
            try:
                self._queue.put_nowait(given)
            except Full:
                return False
            self._held += size
        return True

    def flush(self) -> None:
        """Waits until what came before is written, a second at most.

        Raises:
            StoreError: it took longer.
        """
        written = threading.Event()
        try:
            self._queue.put(written, timeout=_PATIENCE)
            self._hurry.set()
        except Full:
            written.clear()
        if not written.wait(_PATIENCE):
            raise StoreError("the database is slower than the requests; ask again in a moment")

    def close(self) -> None:
        """Writes what is left, some seconds long, and ends."""
        with suppress(Full):
            self._queue.put(None, timeout=_PATIENCE)
            self._hurry.set()
            self._thread.join(_LAST)
        self.database.close()

    def _write(self) -> None:
        forget_at = time.monotonic()
        while True:
            if time.monotonic() >= forget_at:
                self._forget()
                forget_at = time.monotonic() + _DAY
            try:
                taken = self._together(self._queue.get(timeout=60))
            except Empty:
                continue
            given = [one for one in taken if isinstance(one, Given)]
            try:
                self._insert(given)
            except (MultimodalError, OSError, ValueError) as error:
                self.lost += len(given)
                _log.error("%d answers were not kept: %s", len(given), error)
            with self._lock:
                self._held -= sum(map(_photo_bytes, given))
            for one in taken:
                if isinstance(one, threading.Event):
                    one.set()
            if None in taken:
                return

    def _together(self, first: Given | threading.Event | None) -> list[Given | threading.Event | None]:
        """What comes within a moment, or until somebody waits: one transaction for many costs requests less.

        It sleeps meanwhile: woken by each answer, it would take the interpreter from the request that gave it.
        """
        found = [first]
        if isinstance(first, Given):
            self._hurry.wait(_GATHER)
        self._hurry.clear()
        with suppress(Empty):
            while len(found) < _AT_ONCE:
                found.append(self._queue.get_nowait())
        return found

    def _insert(self, given: list[Given]) -> None:
        keep_answers(self.database, [replace(one, image=self._photo(one.product)) for one in given])

    def _photo(self, product: Product) -> str | None:
        if self._photos is None or product.image is None or product.image.data is None:
            return None
        data = product.image.data
        name = hashlib.sha256(data).hexdigest()
        file = self._photos / name[:2] / name
        try:
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        except OSError as error:
            _log.error("a photo was not kept: %s", error)
            return None
        return str(file.absolute())

    def _forget(self) -> None:
        try:
            gone, photos = purge(self.database, self._days)
            for photo in photos:
                Path(photo).unlink(missing_ok=True)
        except (MultimodalError, OSError, ValueError) as error:
            _log.error("old answers were not forgotten: %s", error)
        else:
            if gone:
                _log.info("%d answers of more than %g days were forgotten", gone, self._days)


def _photo_bytes(given: Given) -> int:
    image = given.product.image
    return 0 if image is None or image.data is None else len(image.data)

"""A shadow: a bundle that answers beside the live one, for its decisions to be compared, never to be sent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from threading import BoundedSemaphore

from multimodal.options import AnswerOptions
from multimodal.types import Prediction, Product
from multimodal_api.ports import Predictor

_log = logging.getLogger("multimodal_api")
_WAITING = 32

Compared = Callable[[str, str, str], None]
"""Gets the model, the branch that the live bundle answered, and what the shadow did: "same", or how it differs."""


class Shadow:
    """One thread beside the service's own; products that would wait behind too many others are not compared.

    Args:
        compared: called once for each product.
    """

    def __init__(self, predictor: Predictor, compared: Compared) -> None:
        self.predictor, self._compared = predictor, compared
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._places = BoundedSemaphore(_WAITING)

    def follow(self, model: str, product: Product, options: AnswerOptions, live: Prediction) -> None:
        """Has the shadow answer what the live bundle did, some time; returns at once."""
        branch = live.suggestions[0].path[0].id
        if not self._places.acquire(blocking=False):
            self._compared(model, branch, "skipped")
            return
        try:
            answer = self._pool.submit(self._answer, product, options, live)
        except RuntimeError:  # the service is ending
            self._places.release()
        else:
            answer.add_done_callback(partial(self._done, model, branch))

    def _answer(self, product: Product, options: AnswerOptions, live: Prediction) -> str:
        from multimodal.serving.diff import difference  # onnxruntime comes with the first bundle, not with the API

        [answer] = self.predictor.classify([product], **asdict(options))
        return difference(live, answer)

    def _done(self, model: str, branch: str, answer: Future[str]) -> None:
        self._places.release()
        if answer.cancelled():
            return
        error = answer.exception()
        if error is not None:  # a shadow harms nobody; the log says what happened
            _log.error("the shadow %s failed", self.predictor.name, exc_info=error)
        self._compared(model, branch, "failed" if error else answer.result())

    def close(self) -> None:
        """Drops what waits and lets the running answer end."""
        self._pool.shutdown(wait=True, cancel_futures=True)

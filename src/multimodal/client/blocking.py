"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from multimodal.client.exchange import (
    Retries,
    Tries,
    answers,
    body_of,
    headers_of,
    import_httpx,
    pieces,
    told,
)
from multimodal.options import AnswerOptions, Decoding
from multimodal.types import Answer, Product


class Client:
    """Asks one service; thread-safe.

    Args:
        url: where it is, as ``http://127.0.0.1:8000``.
        api_key: sent with every request.
        timeout: seconds for one try.

    Raises:
        MissingExtraError: httpx is not installed.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout: float = 30.0, retries: Retries | None = None
    ) -> None:
        self._httpx = import_httpx()
        self._retries = retries or Retries()
        self._http = self._httpx.Client(base_url=url, headers=headers_of(api_key), timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def classify(
        self,
        products: Sequence[Product],
        *,
        top_k: int = 2,
        min_confidence: float | None = None,
        accuracy: float | None = None,
        decoding: Decoding = "argmax",
        explain: bool = False,
        model: str | None = None,
    ) -> list[Answer]:
        """One answer for each product, in order, as ``Predictor.classify`` gives it; a bad product is a ``RowError``.

        Args:
            model: name of a model of the service; its default one unless asked.

        Raises:
            InputError: an option that does not fit.
            ServiceError: the service refuses the whole, fails, or cannot be reached.
        """
        options = AnswerOptions(top_k, min_confidence, accuracy, decoding)
        found: list[Answer] = []
        for first, piece in pieces(products):
            body = body_of(piece, options, explain, model)
            found += answers(self._send("POST", "/classify/batch", body), piece, first)
        return found

    def feedback(self, request_id: str, category_id: str, tags: Mapping[str, bool] | None = None) -> str:
        """Says what is right for an answer: "accepted" or "corrected" comes back; ServiceError as of ``classify``."""
        body = {"request_id": request_id, "category_id": category_id, "tags": dict(tags or {})}
        return str(self._send("POST", "/feedback", body)["verdict"])

    def model(self, name: str | None = None) -> dict[str, Any]:
        """What the service tells of a model: its manifest, and the names of all."""
        return self._send("GET", "/model" if name is None else f"/model?model={name}")

    def categories(self, model: str | None = None) -> list[dict[str, Any]]:
        """Every node of a model's tree: id, name, parent_id, is_leaf."""
        answer = self._send("GET", "/categories" if model is None else f"/categories?model={model}")
        return list(answer["categories"])

    def ready(self) -> bool:
        """Whether the service answers questions now."""
        try:
            return bool(self._http.get("/ready").status_code == 200)
        except self._httpx.TransportError:
            return False

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        tries = Tries(self._retries, str(self._http.base_url))
        while True:
            try:
                response = self._http.request(method, path, json=body)
            except self._httpx.TransportError as error:
                wait = tries.lost(error, late=isinstance(error, self._httpx.ReadTimeout))
            else:
                again = tries.answered(response)
                if again is None:
                    return told(response)
                wait = again
            time.sleep(wait)

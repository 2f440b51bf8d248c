"""The asynchronous client."""

from __future__ import annotations

import asyncio
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


class AsyncClient:
    """As ``Client``, for asynchronous code; several batches are under way at once.

    Args:
        url, api_key, timeout, retries: as of ``Client``.
        at_once: batches under way at once.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retries: Retries | None = None,
        at_once: int = 4,
    ) -> None:
        self._httpx = import_httpx()
        self._retries = retries or Retries()
        self._http = self._httpx.AsyncClient(base_url=url, headers=headers_of(api_key), timeout=timeout)
        self._turns = asyncio.Semaphore(at_once)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def classify(
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
        """As ``Client.classify``."""
        options = AnswerOptions(top_k, min_confidence, accuracy, decoding)

        async def piece(first: int, some: list[Product]) -> list[Answer]:
            async with self._turns:  # photos are read in their turn: all at once would not fit into memory
                body = await asyncio.to_thread(body_of, some, options, explain, model)
                return answers(await self._send("POST", "/classify/batch", body), some, first)

        waiting = [piece(first, some) for first, some in pieces(products)]
        return [answer for found in await asyncio.gather(*waiting) for answer in found]

    async def feedback(self, request_id: str, category_id: str, tags: Mapping[str, bool] | None = None) -> str:
        """As ``Client.feedback``."""
        body = {"request_id": request_id, "category_id": category_id, "tags": dict(tags or {})}
        return str((await self._send("POST", "/feedback", body))["verdict"])

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        tries = Tries(self._retries, str(self._http.base_url))
        while True:
            try:
                response = await self._http.request(method, path, json=body)
            except self._httpx.TransportError as error:
                wait = tries.lost(error, late=isinstance(error, self._httpx.ReadTimeout))
            else:
                again = tries.answered(response)
                if again is None:
                    return told(response)
                wait = again
            await asyncio.sleep(wait)

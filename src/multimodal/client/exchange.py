"""What both clients share: requests, retries, and errors in the service's words."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.client.decode import answer_of
from multimodal.errors import MissingExtraError, MultimodalError
from multimodal.options import AnswerOptions
from multimodal.types import Answer, ImageRef, Product, RowError

if TYPE_CHECKING:
    from httpx2 import Response

BATCH = 64
"""Products of one request, fewer where their photos are large."""
BATCH_BYTES = 20_000_000
"""Photos of one request, as they are: in base64 well below what the service takes."""
_AGAIN = (429, 502, 503, 504)


class ServiceError(MultimodalError):
    """The service refused, failed, or could not be reached.

    Attributes:
        status: of its answer; None where there was none.
        request_id: under which its log tells more.
    """

    code = "service_failed"

    def __init__(
        self, message: str, *, code: str | None = None, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.status, self.request_id = status, request_id


@dataclass(frozen=True, slots=True)
class Retries:
    """When to ask again: the service is busy, or there was no connection.

    Attributes:
        times: at most, after the first.
        first: seconds to wait before the first; doubled each time, and spread so that clients do not come together.
        longest: seconds to wait at most, also where the service asks for more.
    """

    times: int = 3
    first: float = 0.2
    longest: float = 10.0

    def wait(self, tried: int, asked: str | None = None) -> float:
        """Seconds before the next try.

        Args:
            tried: how often it was asked already.
            asked: the service's ``Retry-After``.
        """
        seconds: float = self.first * 2.0 ** (tried - 1) * random.uniform(0.5, 1.5)
        if asked is not None and asked.isdecimal():
            seconds = max(seconds, float(asked))
        return min(seconds, self.longest)


class Tries:
    """Decides after each try of one request whether there is another, and when.

    Args:
        where: the service, for the error.
    """

    def __init__(self, retries: Retries, where: str) -> None:
        self._retries, self._where, self._tried = retries, where, 0

    def lost(self, error: Exception, *, late: bool) -> float:
        """Seconds to wait after a try without an answer.

        Args:
            late: the answer took too long. The service may still be at work on it: asking again would add to that.

        Raises:
            ServiceError: it was the last try.
        """
        self._tried += 1
        if late or self._tried > self._retries.times:
            tries = "1 try" if self._tried == 1 else f"{self._tried} tries"
            reason = str(error) or type(error).__name__
            raise ServiceError(f"{self._where}: no answer after {tries} ({reason})") from error
        return self._retries.wait(self._tried)

    def answered(self, response: Response) -> float | None:
        """Seconds to wait after an answer that may be another one a moment later; None where it stands."""
        self._tried += 1
        if response.status_code not in _AGAIN or self._tried > self._retries.times:
            return None
        return self._retries.wait(self._tried, response.headers.get("retry-after"))


def headers_of(api_key: str | None) -> dict[str, str]:
    """What every request carries."""
    return {} if api_key is None else {"Authorization": f"Bearer {api_key}"}


def told(response: Response) -> dict[str, Any]:
    """The JSON of an answer.

    Raises:
        ServiceError: it is an error, or none of this service's answers.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and response.status_code < 400:
        return body
    request_id = response.headers.get("x-request-id")
    if not isinstance(body, dict) or "code" not in body:
        raise ServiceError(
            f"{response.request.url}: got status {response.status_code} without a problem document, expected an "
            "answer of the service; is it another one that listens there?",
            status=response.status_code,
            request_id=request_id,
        )
    detail = str(body.get("detail", body["code"]))
    raise ServiceError(detail, code=str(body["code"]), status=response.status_code, request_id=request_id)


def pieces(products: Sequence[Product]) -> Iterator[tuple[int, list[Product]]]:
    """Products that are asked about together, with the place of the first of them."""
    piece: list[Product] = []
    first = held = 0
    for place, product in enumerate(products):
        size = _bytes_of(product.image)
        if piece and (len(piece) == BATCH or held + size > BATCH_BYTES):
            yield first, piece
            piece, first, held = [], place, 0
        piece.append(product)
        held += size
    if piece:
        yield first, piece


def body_of(products: Sequence[Product], options: AnswerOptions, explain: bool, model: str | None) -> dict[str, Any]:
    """The body that asks about some products; it holds their photos."""
    asked = {
        "top_k": options.top_k,
        "min_confidence": options.min_confidence,
        "accuracy": options.accuracy,
        "decoding": options.decoding,
        "explain": explain,
        "model": model,
    }
    told = {name: value for name, value in asked.items() if value is not None}
    return {**told, "items": [_item(product) for product in products]}


def answers(body: Mapping[str, Any], products: Sequence[Product], first: int) -> list[Answer]:
    """The answers of one piece, in the order of its products; photos that could not be read here are errors."""
    found: list[Answer] = []
    for place, (item, product) in enumerate(zip(body["answers"], products, strict=True), first):
        unread = _unread(product.image)
        if unread is not None and not (product.title or product.description or product.characteristics):
            found.append(RowError(product.id, place, "image", "image_not_found", unread))
        else:
            found.append(answer_of(item, product.id, place))
    return found


def _item(product: Product) -> dict[str, Any]:
    item = {
        "title": product.title,
        "description": product.description,
        "characteristics": product.characteristics,
        "image_base64": _photo(product.image),
    }
    return {name: value for name, value in item.items() if value is not None}


def _photo(image: ImageRef | None) -> str | None:
    if image is None or _unread(image) is not None:
        return None
    data = Path(image.path).read_bytes() if image.data is None and image.path is not None else image.data
    return None if data is None else base64.b64encode(data).decode("ascii")


def _bytes_of(image: ImageRef | None) -> int:
    if image is None or _unread(image) is not None:
        return 0
    if image.data is not None:
        return len(image.data)
    return 0 if image.path is None else Path(image.path).stat().st_size


def _unread(image: ImageRef | None) -> str | None:
    """Why a photo cannot be sent; None where it can, or there is none."""
    if image is None or image.data is not None or image.path is None or Path(image.path).is_file():
        return None
    return f"{image.path}: no such file; expected a photo"


def import_httpx() -> Any:
    """httpx, or a MissingExtraError that says how to get it."""
    try:
        import httpx2
    except ImportError as error:
        raise MissingExtraError("client", feature="multimodal.client") from error
    return httpx2

"""What a service is asked while it is measured: drawn products, made into requests before the clock starts."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from multimodal.bench.connection import encode_form
from multimodal.data.sample import draw_products
from multimodal.types import Product

SEED = 31_337
SIZE = (800, 600)
PHOTO = "800×600 JPEG"
_NOISE, _QUALITY = 6, 85
_DRAWN = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One request to ``POST /classify``."""

    content: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests of a kind, to be sent in turn, many times over.

    Attributes:
        sent: what they hold, in words.
    """

    sent: str
    requests: tuple[Request, ...]


def asks_of(inputs: Collection[str], titles: Sequence[str] = (), *, forms: bool = False, seed: int = SEED) -> list[Ask]:
    """What a bundle of some inputs can be asked, the fullest first.

    Args:
        inputs: of the bundle.
        titles: to send in the place of the drawn products'.
        forms: whether titles without a photo go as forms, too, and not as JSON.
    """
    drawn = [p for p in draw_products(4 * _DRAWN, seed) if p.image is not None and p.title][:_DRAWN]
    said = list(titles) or [product.title or "" for product in drawn]
    photos = [enlarged_photo(product, seed + i) for i, product in enumerate(drawn)] if "image" in inputs else []
    asks = []
    if photos and "title" in inputs:
        both = [request(said[i % len(said)], photo) for i, photo in enumerate(photos)]
        asks.append(Ask(f"{PHOTO} + title", tuple(both)))
    if "title" in inputs:
        asks.append(Ask("title", tuple(request(title, form=forms) for title in said)))
    if photos:
        asks.append(Ask(PHOTO, tuple(request(None, photo) for photo in photos)))
    return asks


def request(title: str | None, photo: bytes | None = None, *, form: bool = False) -> Request:
    """A form where there is a photo or one is asked for, else JSON."""
    fields = {} if title is None else {"title": title}
    if photo is None and not form:
        return Request(json.dumps(fields).encode(), {"Content-Type": "application/json"})
    content, kind = encode_form(fields, photo)
    return Request(content, {"Content-Type": kind})


def enlarged_photo(product: Product, seed: int = SEED) -> bytes:
    """A drawn product's photo at 800x600 with noise, so that decoding costs what a camera's photo costs."""
    assert product.image is not None
    assert product.image.data is not None
    image = Image.open(io.BytesIO(product.image.data)).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    noise = np.random.default_rng(seed).normal(0, _NOISE, (SIZE[1], SIZE[0], 3))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()

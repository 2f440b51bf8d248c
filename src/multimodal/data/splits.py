"""Draws rows by a hash of their group, so that a split is the same whatever the order of the rows."""

from __future__ import annotations

import hashlib
from typing import Literal

from multimodal.types import Product

Half = Literal["select", "calibrate"]
_SPAN = 2**64


def split_key(product: Product, row: int) -> str:
    """What stays together: the group, else the id, else the row's number."""
    if product.group is not None:
        return f"group:{product.group}"
    return f"row:{row}" if product.id is None else f"id:{product.id}"


def split_half(product: Product, row: int) -> Half:
    """The half of a validation split that a product belongs to.

    ``select`` chooses (early stopping, backbones, gates), ``calibrate`` fits temperatures and thresholds.
    The parity of the first byte of sha256 over the group decides (the id without a group, the row's
    number without an id): about half of the groups each, the same on every machine and in any order.
    """
    return "select" if _digest("half", split_key(product, row))[0] % 2 == 0 else "calibrate"


def in_share(product: Product, row: int, share: float, seed: int) -> bool:
    """Whether a product belongs to a random ``share`` of its source; whole groups do, or do not.

    A larger share with the same seed holds all of a smaller one.
    """
    if share >= 1:
        return True
    drawn = int.from_bytes(_digest(f"share:{seed}", split_key(product, row))[:8], "big")
    return drawn < share * _SPAN


def held_out(count: int, wanted: int, purpose: str = "held out") -> frozenset[int]:
    """``wanted`` of the numbers 0 to ``count`` - 1, by a hash of each: the same on every machine."""
    order = sorted(range(count), key=lambda i: hashlib.sha256(f"{purpose}/{i}".encode()).digest())
    return frozenset(order[:wanted])


def _digest(purpose: str, key: str) -> bytes:
    return hashlib.sha256(f"{purpose}\n{key}".encode("utf-8", "surrogatepass")).digest()

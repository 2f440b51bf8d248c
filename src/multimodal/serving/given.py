"""What came with a product, before any kitchen: which inputs are there, and what is no product at all."""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import replace

from multimodal.errors import ImageError
from multimodal.text.scalars import is_missing
from multimodal.types import Characteristics, ImageRef, InputName, Product, RowError


def in_its_row(item: object, row: int) -> RowError:
    """A row that could not be read, or is no product, as the error of its place."""
    if isinstance(item, RowError):
        return replace(item, row=row)
    return RowError(
        None,
        row,
        "read",
        "not_a_product",
        f"got {type(item).__name__}, expected a Product; make one of the row: Product(title=..., image=ImageRef(...))",
    )


def shown(product: Product, usable: frozenset[InputName]) -> Product:
    """The product's text as far as it may be seen."""
    characteristics: Characteristics | None = product.characteristics
    return Product(
        title=product.title if "title" in usable else None,
        description=product.description if "description" in usable else None,
        characteristics=characteristics if "characteristics" in usable else None,
    )


def checked_photo(photo: object) -> ImageRef:
    """What a product gives as its photo; raises ImageError for anything but an ``ImageRef``."""
    if not isinstance(photo, ImageRef):
        raise ImageError(
            f"got {type(photo).__name__}, expected an ImageRef; give the photo's bytes as ImageRef(data=...) or its "
            "file as ImageRef(path=...)",
            code="not_an_image",
        )
    return photo


def is_there(value: object) -> bool:
    """Nothing, a blank text and the NaN and infinities of a table are not there."""
    if is_missing(value):
        return False
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, float):
        return math.isfinite(value)
    return len(value) > 0 if isinstance(value, Sized) else True

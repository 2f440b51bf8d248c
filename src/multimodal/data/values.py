"""Single values of a row as they come from a file: ids, texts, labels and photos."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal

from multimodal.errors import InputError
from multimodal.types import Characteristics, ImageRef, RowId

_NAMED = (("name", "value"), ("key", "value"))


class Unreadable:
    """Stands for a value that the file's own reader could not decode."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def text_value(value: object) -> str | None:
    """A text column's value; None for null, NaN, infinities and blanks; numbers become their text.

    Raises:
        InputError: a list, bytes, a struct, or text in another encoding.
    """
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if value is None:
        return None
    if isinstance(value, bool | int | date | datetime | time):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, Unreadable):
        raise InputError(f"{value.reason}, expected text in UTF-8; save the source as UTF-8", code="not_utf8")
    raise InputError(
        f"got {_kind(value)}, expected text or a number; turn it into text, or map another column",
        code="not_text",
    )


def characteristics_value(value: object) -> Characteristics | None:
    """As ``text_value``, and also a struct or a map of names and values, or a list.

    A list holds pairs, ``{"name", "value"}`` objects (or ``"key"``), objects of names and values, or text in the
    grammar of characteristics. What has no value is left out.

    Raises:
        InputError: a list of anything else, bytes, or text in another encoding.
    """
    if isinstance(value, dict):
        filled = {str(name): one for name, one in value.items() if not _absent(one)}
        return filled or None
    if isinstance(value, list | tuple):
        items = [item for item in value if not _absent(item)]
        if items and all(isinstance(item, str) for item in items):
            return text_value("\n".join(items))
        pairs = tuple((name, one) for item in items for name, one in _pairs(item) if not _absent(one))
        return pairs or None
    return text_value(value)


def id_value(value: object) -> RowId:
    """An id with its type: integers stay, whole floats (from columns with holes) become integers.

    Raises:
        InputError: as ``text_value``.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return text_value(value)


def label_value(value: object) -> str | None:
    """A category id or a group as stripped text, ``12.0`` as ``"12"``.

    Raises:
        InputError: as ``text_value``.
    """
    text = text_value(value)
    return None if text is None else text.strip()


def image_value(value: object, named: Callable[[str], ImageRef | None]) -> ImageRef | None:
    """A photo from bytes, a ``{bytes, path}`` struct, or text.

    Only null and blank text are absent; empty bytes are a photo that cannot be read.

    Args:
        named: gives the photo that a text stands for: a path, an address, the photo itself in base64.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, Mapping):
        path = value.get("path")
        data = value.get("bytes")
        if isinstance(data, bytes):
            return ImageRef(data=data, name=path if isinstance(path, str) else None)
        value = path
    if isinstance(value, bytes):
        return ImageRef(data=value)
    if value is None or (isinstance(value, str) and (not value or value.isspace())) or _absent(value):
        return None
    if isinstance(value, str):
        return named(value.strip())
    reason = value.reason if isinstance(value, Unreadable) else f"got {_kind(value)}"
    raise InputError(
        f"{reason}, expected the photo's bytes, a struct of bytes and path, a path, or a data URL; "
        "map another column",
        code="not_an_image",
    )


def _pairs(item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        keys = next((pair for pair in _NAMED if set(pair) <= set(item)), None)
        if keys is None:
            yield from ((str(name), one) for name, one in item.items())
        else:
            yield _name(item[keys[0]]), item[keys[1]]
    elif isinstance(item, list | tuple) and len(item) == 2:
        yield _name(item[0]), item[1]
    elif isinstance(item, str):
        yield "", item
    else:
        raise InputError(
            f"got a list with {_kind(item)} in it, expected pairs, objects with name and value, or text; "
            "map another column",
            code="not_text",
        )


def _name(value: object) -> str:
    return "" if value is None else str(value).strip()


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number(value: float | Decimal) -> str | None:
    if not math.isfinite(value):
        return None
    return str(int(value)) if value == int(value) else str(value)


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "a list", bytes: "bytes", dict: "a struct"}
    return names.get(type(value), type(value).__name__)

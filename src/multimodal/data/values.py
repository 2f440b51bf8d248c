"""Single values of a row as they come from a file: ids, texts, labels and photos."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal

from multimodal.data.archive import NoPhoto
from multimodal.data.embedded import EmbeddedPhoto
from multimodal.data.missing import is_missing_word
from multimodal.errors import InputError
from multimodal.types import Characteristics, ImageRef, RowId

PHOTO_KEYS = ("bytes", "path", "src", "url", "file_name")
"""Under which an object may hold a photo, the first one filled first."""
_NAMED = (("name", "value"), ("key", "value"))
_SHOWN = 8
_TAG_WORDS = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True, "0.0": False, "1.0": True}
"""Columns of 0 and 1 with holes are floats to the programs that write them."""


class Unreadable:
    """Stands for a value that the file's own reader could not decode."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def text_value(value: object) -> str | None:
    """A text column's value; None for null, NaN, infinities, blanks and words of ``MISSING``.

    Numbers become their text.

    Raises:
        InputError: a list, bytes, a struct, or text in another encoding.
    """
    text = _as_written(value)
    return None if text is None or is_missing_word(text) else text


def _as_written(value: object) -> str | None:
    """As ``text_value``, but a word is a word."""
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
    """A category id as stripped text, ``12.0`` as ``"12"``.

    A category may well be called None or N/A: only null, NaN and blanks are no label. What is called so by
    mistake is not in the tree, and its row says so.

    Raises:
        InputError: as ``text_value``.
    """
    text = _as_written(value)
    return None if text is None else text.strip()


def group_value(value: object) -> str | None:
    """A group as stripped text; None as for ``text_value``, or all rows without one would be one group.

    Raises:
        InputError: as ``text_value``.
    """
    text = text_value(value)
    return None if text is None else text.strip()


def tag_value(value: object) -> bool | None:
    """Whether a tag holds: 0 or 1, false or true, no or yes, as numbers or words; None as for ``text_value``.

    Raises:
        InputError: anything else.
    """
    text = text_value(value)
    if text is None:
        return None
    found = _TAG_WORDS.get(text.strip().casefold())
    if found is None:
        raise InputError(f"got {text[:40]!r}, expected 0 or 1, or nothing where it is not known", code="not_a_tag")
    return found


def image_value(value: object, named: Callable[[str], ImageRef | None]) -> ImageRef | None:
    """A photo from bytes, text, or an object that holds one under a name of ``PHOTO_KEYS``.

    Only null and the texts that ``text_value`` takes for nothing are absent; empty bytes are a photo that cannot
    be read, and so is an object that holds something, but nothing under a known name.

    Args:
        named: gives the photo that a text stands for: a path, an address, the photo itself in base64.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, Mapping):
        return _of_object(value, named)
    if isinstance(value, bytes):
        return ImageRef(data=value)
    if _nothing(value):
        return None
    if isinstance(value, str):
        return named(value.strip())
    reason = value.reason if isinstance(value, Unreadable) else f"got {_kind(value)}"
    raise InputError(
        f"{reason}, expected the photo's bytes, a struct of bytes and path, a path, or a data URL; "
        "map another column",
        code="not_an_image",
    )


def _of_object(value: Mapping[str, object], named: Callable[[str], ImageRef | None]) -> ImageRef | None:
    data, path = value.get("bytes"), value.get("path")
    if isinstance(data, bytes):
        return ImageRef(data=data, name=path if isinstance(path, str) else None)
    if isinstance(data, str) and not _nothing(data):  # JSON knows no bytes
        return ImageRef(name="embedded photo", source=EmbeddedPhoto(data))
    found = next((value[key] for key in PHOTO_KEYS[1:] if not _nothing(value.get(key))), None)
    if found is not None:
        return image_value(found, named)
    if all(_nothing(one) for one in value.values()):
        return None
    message = (
        f"got an object with {', '.join(list(value)[:_SHOWN])}, expected a photo under {', '.join(PHOTO_KEYS)}; "
        "rename the one that holds it, or map another column"
    )
    return ImageRef(name="photo", source=NoPhoto("not_an_image", message))


def _nothing(value: object) -> bool:
    return _absent(value) or (isinstance(value, str) and is_missing_word(value))


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

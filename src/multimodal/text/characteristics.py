"""Parses characteristics: ``name1: v1 | v2 / name2: v``, a mapping, or a list of pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

from multimodal.errors import InputError
from multimodal.text.scalars import is_missing, number_text
from multimodal.types import Characteristics, Product

Pair = tuple[str, str]

# A slash between spaces, or a new line, may start a pair: it does only when a name follows.
_BOUNDARY = re.compile(r"(?<=\s)/(?=\s)|[\r\n]+")
_NAME = re.compile(r"\s*([^:：|/\r\n][^:：|\r\n]{0,79})[:：](?!//)(\s|$)?")
_TIGHT_LETTERS = 2
_MAX_DEPTH = 8
_LONGEST = 200
"""Letters of an attribute's value that tell it from others."""


def parse_characteristics(value: Characteristics | None) -> tuple[Pair, ...]:
    """Name and value pairs in the order they stand; several values of a name give several pairs.

    A slash starts a new pair only where a ``name:`` follows it, so slashes and colons may stand inside
    values. A name without a value gives an empty value. A str without any ``name:`` gives one pair with
    an empty name. Never raises for a str.

    Args:
        value: a str in the grammar above; a mapping whose values may be text, numbers, lists, mappings
            or None; or a sequence of pairs, of ``{"name", "value"}`` mappings, or of str.

    Raises:
        InputError: a mapping or list nested deeper than eight levels.
    """
    if value is None:
        return ()
    return tuple(_pairs(value))


def attribute_value(product: Product, name: str, characteristic: str | None) -> str | None:
    """The value that a product tells of an attribute: its own, else that of a characteristic; None if it tells none.

    Of several values of a characteristic none is taken: which of them the photo shows is not known.
    """
    value = (product.attributes or {}).get(name)
    if value is None and characteristic is not None and product.characteristics is not None:
        try:
            pairs = parse_characteristics(product.characteristics)
        except InputError:  # such a row is refused where its text is read; its photo may still be of use
            return None
        found = [v for n, v in pairs if n == characteristic]
        value = found[0] if len(found) == 1 else None
    return (value or "").strip()[:_LONGEST] or None


def render_characteristics(value: Characteristics | None) -> str:
    """The same characteristics as one str in the grammar; a str comes back as it is.

    Parsing it gives the same pairs, where names have a letter and none of ``: | /``, and no value holds
    what would be a pair of its own (« / name: »). Raises as ``parse_characteristics`` does.
    """
    return "".join(_rendered(value)) if value is not None else ""


def rendered_length(value: Characteristics, most: int) -> int:
    """Characters of ``render_characteristics(value)``; some number above ``most`` where they are more than that.

    Takes no longer for a list of millions than for one of ``most`` characters. Raises as ``parse_characteristics``.
    """
    if not isinstance(value, str | Mapping) and len(value) > most:
        return len(value)  # entries of nothing, perhaps, but nobody has that many to tell
    length = 0
    for piece in _rendered(value):
        length += len(piece)
        if length > most:
            break
    return length


def _rendered(value: Characteristics) -> Iterator[str]:
    """The pieces of the text, in order."""
    if isinstance(value, str):
        yield value
        return
    first, last = True, None
    for name, text in _pairs(value):
        if name and name == last and text:
            yield f" | {text}"
        else:
            yield ("" if first else " / ") + (f"{name}: {text}" if name else text)
        first, last = False, name if text else None  # an empty value is a pair of its own


def _pairs(value: Characteristics) -> Iterator[Pair]:
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, Mapping):
        return _from_mapping(value, "", 0)
    return (pair for item in value for pair in _from_item(item))


def _from_text(text: str) -> Iterator[Pair]:
    starts = [(0, 0), *((m.start(), m.end()) for m in _BOUNDARY.finditer(text))]
    pairs = [(begin, *named) for begin, after in starts if (named := _name_at(text, after)) is not None]
    head = text[: pairs[0][0] if pairs else len(text)].strip()
    if head:
        yield "", head
    for i, (_, name, after) in enumerate(pairs):
        end = pairs[i + 1][0] if i + 1 < len(pairs) else len(text)
        for part in _alternatives(text[after:end]):
            yield name, part


def _name_at(text: str, start: int) -> tuple[str, int] | None:
    """The name that stands at ``start`` and the position after its colon."""
    match = _NAME.match(text, start)
    if match is None or _BOUNDARY.search(text, match.start(1), match.end(1)):
        return None
    name = match[1].strip()
    letters = sum(map(str.isalpha, name))
    # 'C:x' and '16:9' are values; 'Цвет:красный' is a pair that lost its space
    if not name or letters < (_TIGHT_LETTERS if match[2] is None else 1):
        return None
    return name, match.end(1) + 1


def _alternatives(text: str) -> list[str]:
    return [part for piece in text.split("|") if (part := piece.strip())] or [""]


def _from_mapping(value: Mapping[Any, object], prefix: str, depth: int) -> Iterator[Pair]:
    for key, inner in value.items():
        name = " ".join(f"{prefix} {'' if key is None else key}".split())
        yield from _from_value(name, inner, depth)


def _from_value(name: str, value: object, depth: int) -> Iterator[Pair]:
    if depth > _MAX_DEPTH:
        raise InputError(
            f"characteristics: {name[:60]!r} is nested deeper than {_MAX_DEPTH} levels; "
            "expected text, numbers, or lists of them",
            code="characteristics_too_deep",
        )
    if isinstance(value, str):
        for part in _alternatives(value):
            yield name, part
    elif isinstance(value, Mapping):
        yield from _from_mapping(value, name, depth + 1)
    elif isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        for inner in value if isinstance(value, Sequence) else sorted(value, key=str):
            yield from _from_value(name, inner, depth + 1)
    else:
        yield name, _scalar(value)


def _scalar(value: object) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, Real | Decimal):  # 42 and 42.0 are one value
        return number_text(value, "characteristics")
    return str(value).strip()


def _from_item(item: object) -> Iterator[Pair]:
    if isinstance(item, str):
        yield from _from_text(item)
    elif isinstance(item, Mapping):
        # Services add fields of their own: an id, a unit, a locale.
        keys = next((k for k in (("name", "value"), ("key", "value")) if set(k) <= set(item)), None)
        if keys is None:
            yield from _from_mapping(item, "", 0)
        else:
            yield from _from_value(str(item[keys[0]] or "").strip(), item[keys[1]], 0)
    elif isinstance(item, Sequence) and not isinstance(item, bytes) and len(item) == 2:
        yield from _from_value("" if item[0] is None else str(item[0]).strip(), item[1], 0)
    else:
        yield from _from_value("", item, 0)

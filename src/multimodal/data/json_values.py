"""Objects of JSON files, one after another and with bounded memory: one object a line, or one long array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from multimodal.data.text_file import open_bytes
from multimodal.errors import DataError

# The standard library's decoder works on a window of the text. Streaming parsers (ijson) were tried: they refuse
# the NaN that json.dump writes, and give a whole file up for one byte that is no UTF-8.
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")
_CHUNK = 1 << 16
LARGEST = 32 << 20
"""Bytes of a line, and characters of a value, that are read at most: a photo of 10 MB in base64, and then some."""
_CUT_NEAR = 16
_KEEP = "surrogateescape"  # bytes that are no UTF-8 become lone surrogates: they cost their row and not the file


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """What stands in the place of an object that cannot be read."""

    code: str
    message: str


Item = dict[str, Any] | BrokenRow


def json_lines(file: Path) -> Iterator[Item]:
    """One item for each line that is not blank; a line that is no object costs itself alone.

    Raises:
        DataError: the file cannot be opened. OSError, EOFError, zlib.error: it is damaged as gzip.
    """
    with open_bytes(file) as stream:
        while line := stream.readline(LARGEST + 1):
            if len(line) > LARGEST and not line.endswith(b"\n"):
                while rest := stream.readline(_CHUNK):
                    if rest.endswith(b"\n"):
                        break
                yield BrokenRow("json", f"got a line of more than {LARGEST:,} bytes; expected one object a line")
            elif not line.isspace():
                yield _line(line.removeprefix(b"\xef\xbb\xbf"))


def json_array(file: Path) -> Iterator[Item]:
    """The objects of an array, or of the one list of objects inside an object.

    Raises:
        DataError: the file cannot be opened, or holds neither. ValueError: damaged or cut JSON. OSError,
            EOFError, zlib.error: damaged gzip.
    """
    with TextIOWrapper(open_bytes(file), "utf-8-sig", errors=_KEEP) as text:
        window = _Window(text)
        opening = window.peek()
        if opening == "[":
            yield from map(_object, window.elements())
        elif opening == "{":
            yield from _inside(window, file)
        else:
            got = f"starts with {opening!r}" if opening else "got an empty file"
            raise DataError(f"{file}: {got}, expected an array of objects, [{{…}}, …]; write it so")
        if window.peek():
            raise DataError(
                f"{file}: goes on after the end of its JSON; expected one array, or one object with a list inside. "
                "Is it an object a line? Then set format: jsonl, or rename it .jsonl"
            )


def _line(line: bytes) -> Item:
    try:
        return _object(json.loads(line.decode("utf-8", _KEEP)))
    except (ValueError, RecursionError) as error:
        return BrokenRow("json", f"got a line that is no JSON ({error}); expected one object a line")


def _object(value: object) -> Item:
    if isinstance(value, dict):
        return value
    return BrokenRow("json", f"got {str(value)[:40]!r}, expected an object of names and values; write one a product")


def _inside(window: _Window, file: Path) -> Iterator[Item]:
    """The objects of the one top-level key whose list starts with an object."""
    names: list[str] = []
    for name in window.members():
        if window.peek() != "[":
            window.value()
            continue
        elements = window.elements()
        first = next(elements, None)
        if not isinstance(first, dict):
            for _ in elements:
                pass
            continue
        if names:
            raise DataError(
                f"{file}: got the lists {names[0]!r} and {name!r}, expected one list of objects; write them to "
                "files of their own"
            )
        names.append(name)
        yield first
        yield from map(_object, elements)
    if not names:
        raise DataError(
            f"{file}: got an object without a list of objects at its top, expected [{{…}}, …] or "
            '{"products": [{…}, …]}; for an object a line set format: jsonl, or rename it .jsonl'
        )


class _Window:
    """A stretch of a text that is decoded value by value, so that a long array never stands in memory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._text, self._at = stream, "", 0

    def peek(self) -> str:
        """The next sign that is not blank; empty at the end."""
        while True:
            found = _BLANKS.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, *expected: str) -> str:
        """The next sign, which must be one of those expected; ValueError when it is not."""
        found = self.peek()
        if found not in expected or not found:
            raise ValueError(f"got {found or 'the end'!r} where {' or '.join(expected)} was expected")
        self._at += 1
        return found

    def value(self) -> object:
        """The next value, whole; ValueError when it is damaged, breaks off or is larger than ``LARGEST``."""
        self.peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._is_cut(error) and self._more():
                    continue
                raise ValueError(error.msg) from None  # its position is that of the window, and would mislead
            if end == len(self._text) and isinstance(found, int | float) and self._more():
                continue  # the number may go on
            self._at = end
            return found

    def elements(self) -> Iterator[object]:
        """The values of the array that starts here."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",", "]") == "]":
                return

    def members(self) -> Iterator[str]:
        """The names in the object that starts here; whoever takes a name also takes the value behind it."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            name = self.value()
            self.take(":")
            yield str(name)
            if self.take(",", "}") == "}":
                return

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether more text may mend it: the fault lies at the window's end, or is a string without one."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _CUT_NEAR

    def _more(self) -> bool:
        kept = self._text[self._at :]
        if len(kept) > LARGEST:
            raise ValueError(f"a value of more than {LARGEST:,} characters, or a string without an end")
        more = self._stream.read(max(_CHUNK, len(kept)))  # as much again, so that large values cost linear time
        self._text, self._at = kept + more, 0
        return bool(more)

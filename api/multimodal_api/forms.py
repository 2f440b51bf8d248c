"""Reads multipart/form-data part by part, each within its own cap, nothing written to disk."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from multimodal_api.problems import ProblemError

_MAX_PARTS = 64


@dataclass(slots=True)
class Part:
    """One field of a form; ``filename`` is None for a text field."""

    name: str
    filename: str | None
    data: bytearray = field(default_factory=bytearray)


class FormReader:
    """Parses one form as its chunks arrive.

    Args:
        content_type: the request's header; it holds the boundary.
        max_photo: bytes of a part with a file name.
        max_field: bytes of any other part.
    """

    def __init__(self, content_type: str, *, max_photo: int, max_field: int) -> None:
        self._caps = (max_photo, max_field)
        self._parts: list[Part] = []
        self._header = (bytearray(), bytearray())
        self._disposition = ""
        self._ended = False
        self._parser = self._make_parser(content_type)

    async def read(self, chunks: AsyncIterable[bytes]) -> list[Part]:
        """The parts in the order they came.

        Raises:
            ProblemError: 413 for a part over its cap, 400 for what is no complete form.
        """
        try:
            async for chunk in chunks:
                self._parser.write(chunk)
        except FormParserError as error:
            raise _bad_form(f"the body does not follow its boundary ({error})") from None
        if not self._ended:
            raise _bad_form("the body ends before its closing boundary")
        return self._parts

    def _make_parser(self, content_type: str) -> MultipartParser:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _bad_form(f"the header Content-Type names no boundary (got {content_type!r:.100})")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _bad_form(str(error)) from None

    def _on_part_begin(self) -> None:
        self._disposition = ""
        if len(self._parts) >= _MAX_PARTS:
            raise ProblemError(413, "too_many_fields", f"Got more than {_MAX_PARTS} form fields; send fewer.")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = value.decode("latin-1")
        name.clear()
        value.clear()

    def _on_headers_finished(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"name" not in options:
            raise _bad_form("a part has no name in its Content-Disposition")
        filename = options.get(b"filename")
        shown = None if filename is None else filename.decode("utf-8", "replace")
        self._parts.append(Part(options[b"name"].decode("utf-8", "replace"), shown))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._parts[-1]
        part.data.extend(data[start:end])
        is_file = part.filename is not None
        cap = self._caps[0] if is_file else self._caps[1]
        if len(part.data) > cap:
            code = "image_too_large_bytes" if is_file else "field_too_large"
            raise ProblemError(
                413, code, f"{part.name[:80]}: got more than {cap} bytes, the most it may hold; send less."
            )

    def _on_end(self) -> None:
        self._ended = True


def _bad_form(what: str) -> ProblemError:
    return ProblemError(
        400,
        "malformed_form",
        f"Expected multipart/form-data, but {what}. Let an HTTP library build the form.",
    )

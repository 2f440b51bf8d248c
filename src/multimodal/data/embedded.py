"""Photos that stand in a text column themselves: data URLs, and base64 that can be nothing else."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import unquote

from multimodal.errors import ImageError
from multimodal.types import ImageRef

# base64 of how JPEG, PNG, WebP and GIF begin. A path of sixty-four characters that starts so, with no dot in it
# and nothing else that base64 lacks, is not one that anybody has.
_STARTS = ("/9j/", "iVBORw0KGgo", "UklGR", "R0lGOD")
_LOOKED_AT = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64}")
_BLANK = re.compile(r"\s+")
_NAME = "embedded photo"


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photo as base64, with or without the head of a data URL; decoded when it is read."""

    text: str

    def read(self, max_bytes: int) -> bytes:
        """Raises ImageError: another encoding, damaged base64, or a photo over the cap."""
        head, comma, body = self.text.partition(",") if self.text[:5].casefold() == "data:" else ("", ",", self.text)
        if not comma or (head and not head.rstrip().casefold().endswith(";base64")):
            raise ImageError(
                f"{_NAME}: got a data URL that starts {self.text[:40]!r}, expected data:image/jpeg;base64,…; "
                "encode the photo as base64, or give its path",
                code="image_unreadable",
            )
        size = len(body) * 3 // 4
        if size > 2 * max_bytes:  # by far, whatever blanks there are; the exact size is checked once decoded
            raise ImageError(
                f"{_NAME}: got about {size:,} bytes, expected at most {max_bytes:,}; save it smaller or at a "
                "lower quality",
                code="image_too_large_bytes",
            )
        try:
            plain = _BLANK.sub("", unquote(body) if "%" in body else body)
            return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ImageError(
                f"{_NAME}: got damaged base64 ({error}), expected a whole photo; encode it again",
                code="image_truncated",
            ) from None


def embedded_photo(text: str) -> ImageRef | None:
    """The photo that ``text`` holds, or None where it is a path or an address."""
    bare = text.startswith(_STARTS) and _BASE64.match(text[:_LOOKED_AT]) and "." not in text
    if bare or text[:5].casefold() == "data:":
        return ImageRef(name=_NAME, source=EmbeddedPhoto(text))
    return None


def holds_embedded(text: str) -> bool:
    """Whether a stretch of a file holds what looks like an embedded photo."""
    return "data:image/" in text or any(f"{mark}{start}" in text for mark in ',;\t"' for start in _STARTS)

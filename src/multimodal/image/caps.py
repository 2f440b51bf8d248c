"""How large a photo may be, and its bytes read with that in mind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from multimodal.errors import ImageError
from multimodal.types import ImageRef


@dataclass(frozen=True, slots=True)
class ImageCaps:
    """Limits checked before any work is done for a photo.

    Attributes:
        max_bytes: largest encoded photo, in bytes.
        max_pixels: largest width x height, read from the header.
    """

    max_bytes: int = 10_000_000
    max_pixels: int = 50_000_000


DEFAULT_CAPS = ImageCaps()


def photo_name(ref: ImageRef) -> str:
    """What messages call the photo."""
    return ref.name or ref.path or "photo"


def read_photo(ref: ImageRef, caps: ImageCaps = DEFAULT_CAPS) -> bytes:
    """The encoded photo, never more than ``caps.max_bytes`` of it.

    Raises:
        ImageError: code image_missing, image_empty, image_too_large_bytes, or one of the photo's source.
    """
    if ref.source is not None:
        data = ref.source.read(caps.max_bytes)
    else:
        data = _read_file(ref.path, caps) if ref.path is not None else ref.data or b""
    if len(data) > caps.max_bytes:
        raise _too_large(photo_name(ref), len(data), caps)
    if not data:
        raise ImageError(
            f"{photo_name(ref)}: got 0 bytes, expected an encoded photo; send the file again, or leave the photo out",
            code="image_empty",
        )
    return data


def _read_file(path: str, caps: ImageCaps) -> bytes:
    if "://" in path:
        raise ImageError(
            f"{path}: got an address, expected the path of a file; photos are not fetched, so download them "
            "first, name the files in this column and give their folder or zip as images_root",
            code="image_missing",
        )
    try:
        size = Path(path).stat().st_size
        if size > caps.max_bytes:
            raise _too_large(path, size, caps)
        with Path(path).open("rb") as stream:
            return stream.read(caps.max_bytes + 1)  # one more than allowed shows a file that grew
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"{path}: no photo can be read there ({reason}); expected a file, check the path and the folder "
            "that relative paths start from",
            code="image_missing",
        ) from None


def _too_large(name: str, size: int, caps: ImageCaps) -> ImageError:
    return ImageError(
        f"{name}: got {size:,} bytes, expected at most {caps.max_bytes:,}; save it smaller or at a lower quality",
        code="image_too_large_bytes",
    )

"""Decodes a photo to RGB: known formats only, caps before work, every failure an ImageError."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from io import BytesIO
from threading import Lock

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from multimodal.errors import ImageError
from multimodal.image.caps import DEFAULT_CAPS, ImageCaps, photo_name, read_photo
from multimodal.image.colour import to_rgb
from multimodal.image.fitting import SIDEWAYS, fitted, upright
from multimodal.image.letterbox import fitted_size
from multimodal.types import ImageRef

# Named imports register these plugins alone: no search through all of Pillow's at the first photo.
_PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    BmpImagePlugin.BmpImageFile,
    TiffImagePlugin.TiffImageFile,
    *((AvifImagePlugin.AvifImageFile,) if AvifImagePlugin.SUPPORTED else ()),
)
FORMATS = tuple(plugin.format for plugin in _PLUGINS)
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")
_AVIF_BRANDS = (b"avif", b"avis", b"mif1")
_ORIENTATION = 0x0112
_OVERSAMPLE = 2
_LARGE_PIXELS = 16_000_000
_ONE_LARGE = Lock()
"""Of photos that take up to 200 MB, one is loaded and shrunk at a time, however many threads there are."""


def decode_image(
    photo: ImageRef | bytes, *, target: tuple[int, int] | None = None, caps: ImageCaps = DEFAULT_CAPS
) -> Image.Image:
    """Decodes a photo; its content decides the format, not its name.

    The first frame of an animation is taken, EXIF rotation is applied, transparency is laid over white,
    and every colour mode becomes RGB.

    Args:
        target: (height, width) in pixels that the photo will be fitted into. A JPEG is then decoded at a
            reduced size, still at least twice what it will be shown at.

    Returns:
        An RGB image, upright.

    Raises:
        ImageError: code image_missing, image_empty, image_too_large_bytes, image_too_many_pixels,
            image_truncated or image_unreadable.
    """
    return _decoded(photo, target, caps, lambda image, orientation: upright(to_rgb(image), orientation))


def decode_fitted(photo: ImageRef | bytes, height: int, width: int, caps: ImageCaps = DEFAULT_CAPS) -> Image.Image:
    """``decode_image`` and the resize that ``letterbox`` would do, in less memory; see ``fitted``.

    Raises:
        ImageError: as ``decode_image``.
    """
    return _decoded(photo, (height, width), caps, lambda image, orientation: fitted(image, orientation, height, width))


def _decoded(
    photo: ImageRef | bytes,
    target: tuple[int, int] | None,
    caps: ImageCaps,
    finish: Callable[[Image.Image, int], Image.Image],
) -> Image.Image:
    """What ``finish`` makes of the loaded photo, of any mode, and its EXIF orientation."""
    ref = ImageRef(data=photo) if isinstance(photo, bytes) else photo
    data = read_photo(ref, caps)
    image = _open(data, photo_name(ref), caps)
    try:
        if target is not None and isinstance(image, JpegImagePlugin.JpegImageFile):
            _draft(image, target)
        with _ONE_LARGE if image.width * image.height > _LARGE_PIXELS else nullcontext():
            image.load()
            return finish(image, _orientation(image))
    except ImageError as error:
        raise ImageError(f"{photo_name(ref)}: {error.message}", code=error.code) from None
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(photo_name(ref), str(error), caps) from None
    except Exception as error:  # on damaged data Pillow's plugins raise nearly anything
        raise _damaged(photo_name(ref), image.format or "image", error) from error


def _open(data: bytes, name: str, caps: ImageCaps) -> ImageFile.ImageFile:
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(name, str(error), caps) from None
    except UnidentifiedImageError:
        raise _unidentified(data, name) from None
    except Exception as error:  # as above: a plugin reading a damaged header
        raise _damaged(name, "image", error, cut=_starts_like_photo(data)) from error
    width, height = image.size
    if width * height > caps.max_pixels:
        raise _too_many_pixels(name, f"{width}x{height}", caps)
    return image


def _draft(image: JpegImagePlugin.JpegImageFile, target: tuple[int, int]) -> None:
    height, width = target
    if _orientation(image) in SIDEWAYS:
        height, width = width, height
    fit_width, fit_height = fitted_size(image.size, height, width)
    image.draft("RGB", (_OVERSAMPLE * fit_width, _OVERSAMPLE * fit_height))


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged metadata, of any kind, is no damaged photo
        return 1
    return found if isinstance(found, int) else 1


def _too_many_pixels(name: str, got: str, caps: ImageCaps) -> ImageError:
    return ImageError(
        f"{name}: got {got} pixels, expected at most {caps.max_pixels:,} in all; scale the photo down",
        code="image_too_many_pixels",
    )


def _unidentified(data: bytes, name: str) -> ImageError:
    if _starts_like_photo(data):
        return ImageError(
            f"{name}: got {len(data):,} bytes that start like a photo, with a header that breaks off, "
            "is damaged or says 0 pixels, expected a whole file; upload it again",
            code="image_truncated",
        )
    return ImageError(
        f"{name}: got bytes that start with {data[:8]!r}, expected one of {', '.join(FORMATS)}; "
        "send the photo itself, in one of these formats",
        code="image_unreadable",
    )


def _starts_like_photo(data: bytes) -> bool:
    webp = data[:4] == b"RIFF" and data[8:12] in {b"", b"WEBP"}
    avif = data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS
    return webp or avif or data.startswith(_STARTS)


def _damaged(name: str, kind: str, error: Exception, *, cut: bool = False) -> ImageError:
    text = str(error).casefold()
    cut = cut or isinstance(error, EOFError) or any(w in text for w in ("truncat", "not enough", "broken", "eof"))
    what = "that breaks off" if cut else "that is damaged"
    return ImageError(
        f"{name}: got a {kind} {what} ({error}), expected a whole file; upload it again, or save it anew",
        code="image_truncated" if cut else "image_unreadable",
    )

"""Files that somebody may send in the place of a photo, by mistake or not; made here, none of them kept."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

import photos

REFUSED, ANSWERED = "refused", "answered"


def corpus() -> dict[str, tuple[bytes, str]]:
    """Name -> the file, and what becomes of it."""
    photo = photos.encoded(photos.noise())
    return {
        "bomb: a PNG that says 60,000 x 60,000": (photos.png_with_size(60_000, 60_000), REFUSED),
        "bomb: a GIF that says 65,535 x 65,535": (_gif_with_size(65_535, 65_535), REFUSED),
        "bomb: a JPEG that says 65,000 x 65,000": (_jpeg_with_size(65_000, 65_000), REFUSED),
        "bomb: a BMP that says 2^30 x 2^30": (_bmp_with_size(2**30, 2**30), REFUSED),
        "bomb: a black PNG of 36 megapixels in 100 kB": (_black_png(6000, 6000), ANSWERED),
        "bomb: clear colours of 36 megapixels": (_clear_png(6000, 6000), ANSWERED),
        "bomb: real numbers of 36 megapixels": (_tiff_of_numbers(6000, 6000), ANSWERED),
        "bomb: text of 90 MB packed into a PNG": (_png_with_text(90_000_000), REFUSED),
        "1 x 60,000 pixels": (photos.encoded(Image.new("RGB", (1, 60_000), (9, 90, 9)), "PNG"), ANSWERED),
        "60,000 x 1 pixels": (photos.encoded(Image.new("RGB", (60_000, 1), (9, 90, 9)), "PNG"), ANSWERED),
        "1 x 1 pixel": (photos.encoded(Image.new("RGB", (1, 1)), "PNG"), ANSWERED),
        "truncated JPEG, at the header": (photo[:20], REFUSED),
        "truncated JPEG, in the middle": (photo[: len(photo) // 2], REFUSED),
        "truncated AVIF": (photos.encoded(photos.noise(), "AVIF")[:200], REFUSED),
        "truncated WebP": (photos.encoded(photos.noise(), "WEBP")[:100], REFUSED),
        "polyglot: a JPEG and a zip": (photo + _zip(), ANSWERED),
        "polyglot: a GIF header and a script": (b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert(1)//", REFUSED),
        "polyglot: a zip with a photo inside": (_zip(), REFUSED),
        "polyglot: a PDF around a photo": (b"%PDF-1.7\n" + photo, REFUSED),
        "polyglot: HTML that ends in a photo": (b"<script>alert(1)</script>" + photo, REFUSED),
        "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>', REFUSED),
        "SVG that reads a file": (
            b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
            REFUSED,
        ),
        "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", REFUSED),
        "a pickle": (b"cos\nsystem\n(S'true'\ntR.", REFUSED),
        "a TIFF whose directory points to itself": (struct.pack("<2sHIHI", b"II", 42, 8, 0, 8), REFUSED),
        "a TIFF of 2^31 strips": (_tiff_of_strips(2**31 - 1), REFUSED),
        "CMYK JPEG": (photos.in_mode("CMYK jpeg")[0], ANSWERED),
        "16-bit PNG": (photos.in_mode("I;16 png")[0], ANSWERED),
        "animated WebP": (photos.animated("WEBP"), ANSWERED),
        "a broken colour profile": (photos.encoded(photos.noise(), "JPEG", icc_profile=b"\xff" * 500), ANSWERED),
        "megabytes of zeros behind a photo": (photo + b"\0" * 5_000_000, ANSWERED),
        "zeros": (b"\0" * 100_000, REFUSED),
    }


def _gif_with_size(width: int, height: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)
    return head + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00;"


def _jpeg_with_size(width: int, height: int) -> bytes:
    data = bytearray(photos.encoded(photos.noise(16, 16)))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _bmp_with_size(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def _black_png(width: int, height: int) -> bytes:
    return photos.encoded(Image.fromarray(np.zeros((height, width), np.uint8)), "PNG")


def _clear_png(width: int, height: int) -> bytes:
    return photos.encoded(Image.new("RGBA", (width, height)), "PNG")


def _tiff_of_numbers(width: int, height: int) -> bytes:
    return photos.encoded(Image.new("F", (width, height), 0.5), "TIFF", compression="tiff_adobe_deflate")


def _png_with_text(size: int) -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * size, 9))
    return photos.encoded(kind="PNG", pnginfo=told)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("photo.jpg", photos.encoded())
    return out.getvalue()


def _tiff_of_strips(strips: int) -> bytes:
    entries = [(256, 4, 1, 100), (257, 4, 1, 100), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, strips, 8)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHI", b"II", 42, 8) + directory + b"\0\0\0\0"

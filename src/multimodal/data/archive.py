"""Photos in a zip, read one at a time without unpacking it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from multimodal.errors import DataError, ImageError
from multimodal.types import ImageRef

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
"""Suffixes that a name without one is tried with, in any case of letters."""

_METHODS = (ZIP_STORED, ZIP_DEFLATED)  # of the others zipfile unpacks a block at once, however large
_ENCRYPTED = 0x1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class NoPhoto:
    """A photo that is known to be out of reach before it is asked for."""

    code: str
    message: str

    def read(self, max_bytes: int) -> bytes:
        """Raises ImageError, always."""
        raise ImageError(self.message, code=self.code)


@dataclass(frozen=True, slots=True)
class ZippedPhoto:
    """One photo of an archive."""

    archive: PhotoArchive
    entry: str

    def read(self, max_bytes: int) -> bytes:
        """Raises ImageError: an encrypted or damaged entry, or one over the cap by what it declares."""
        return self.archive.read(self.entry, max_bytes)


class PhotoArchive:
    """The photos of one zip. Keeps the list of their names, no photo; reading is safe between threads."""

    def __init__(self, file: Path) -> None:
        """Raises DataError when the file is missing, is no zip or holds no photo."""
        self.file = file
        try:
            self._zip = ZipFile(file)
        except (OSError, BadZipFile, ValueError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{file}: not readable as a zip ({reason}); expected a whole zip of photos") from None
        self._by_stem: dict[str, list[str]] = {}
        for info in self._zip.infolist():
            if _is_photo(info):
                self._by_stem.setdefault(stem_of(PurePosixPath(info.filename).name), []).append(info.filename)
        if not self._by_stem:
            raise DataError(f"{file}: got a zip without photos; expected files such as {', '.join(PHOTO_SUFFIXES[:4])}")

    def __repr__(self) -> str:  # the same in every run: rows are told apart by it
        return f"PhotoArchive({str(self.file)!r})"

    def find(self, name: str) -> ImageRef | None:
        """The photo of a name, or None where there is none.

        A name is a path inside, the end of one (``1.jpg`` finds ``photos/1.jpg``), or either without its
        suffix. A name that fits several entries gives a photo that cannot be read: the right one is not known.
        """
        wanted = name.replace("\\", "/").removeprefix("./")
        if self._holds(wanted):
            return self._ref(wanted)
        whole = wanted != stem_of(wanted)  # the name has a suffix
        fitting = [
            entry
            for entry in self._by_stem.get(stem_of(PurePosixPath(wanted).name), ())
            if f"/{entry if whole else stem_of(entry)}".endswith(f"/{wanted}")
        ]
        if len(fitting) <= 1:
            return self._ref(fitting[0]) if fitting else None
        shown = ", ".join(fitting[:_SHOWN])
        message = f"{self.file}: {name!r} fits {len(fitting)} photos ({shown}), expected one; name it with its folder"
        return ImageRef(name=f"{self.file}/{name}", source=NoPhoto("image_ambiguous", message))

    def names(self) -> list[str]:
        """A few of the photos' paths inside, for messages."""
        return [entries[0] for entries in list(self._by_stem.values())[:_SHOWN]]

    def read(self, entry: str, max_bytes: int) -> bytes:
        """At most ``max_bytes + 1`` bytes of a photo, whatever the archive declares; see ``ZippedPhoto.read``."""
        info, where = self._zip.getinfo(entry), f"{self.file}/{entry}"
        if info.flag_bits & _ENCRYPTED:
            raise ImageError(
                f"{where}: got an encrypted entry, expected one without a password; zip the photos again without",
                code="image_encrypted",
            )
        if info.compress_type not in _METHODS:
            raise ImageError(
                f"{where}: got compression method {info.compress_type}, expected stored or deflated; zip it again",
                code="image_unreadable",
            )
        if info.file_size > max_bytes:
            raise ImageError(
                f"{where}: got {info.file_size:,} bytes as declared, expected at most {max_bytes:,}; save it smaller "
                "or at a lower quality",
                code="image_too_large_bytes",
            )
        try:
            with self._zip.open(info) as stream:
                return stream.read(max_bytes + 1)
        except (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
            raise ImageError(
                f"{where}: got a damaged entry ({error}), expected a whole photo; zip it again",
                code="image_truncated",
            ) from None

    def _holds(self, entry: str) -> bool:
        try:
            return not self._zip.getinfo(entry).is_dir()
        except KeyError:
            return False

    def _ref(self, entry: str) -> ImageRef:
        return ImageRef(name=f"{self.file}/{entry}", source=ZippedPhoto(self, entry))


def stem_of(name: str) -> str:
    """A name without the suffix of a photo; other dots stay."""
    head, dot, suffix = name.rpartition(".")
    return head if head and f"{dot}{suffix}".casefold() in PHOTO_SUFFIXES else name


def _is_photo(info: ZipInfo) -> bool:
    name = PurePosixPath(info.filename).name
    hidden = name.startswith(".") or info.filename.startswith("__MACOSX/")  # what macOS adds is no photo
    return not info.is_dir() and not hidden and stem_of(name) != name

"""Where the values of an image column lead: files below a folder, entries of a zip, photos in the text itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from multimodal.data.archive import PHOTO_SUFFIXES, NoPhoto, PhotoArchive, stem_of
from multimodal.data.embedded import embedded_photo
from multimodal.data.values import id_value, image_value
from multimodal.errors import DataError
from multimodal.types import ImageRef

_ARCHIVES_KEPT = 8


@dataclass(frozen=True, slots=True)
class PhotoPlace:
    """The place that relative paths of photos start from.

    Attributes:
        root: a folder, or the file of ``archive``.
        archive: the zip that holds the photos, if one does.
        by_id: the column holds the rows' ids; a row without a photo of its id has none.
    """

    root: Path
    archive: PhotoArchive | None = None
    by_id: bool = False
    _opened: dict[Path, PhotoArchive | DataError] = field(default_factory=dict, compare=False, repr=False)

    @property
    def takes_names(self) -> bool:
        """Whether values may be bare names, numbers among them."""
        return self.archive is not None or self.by_id

    def photo(self, value: object) -> ImageRef | None:
        """The photo of one cell; None where it is absent.

        Raises:
            InputError: a value that can be no photo; see ``image_value``.
        """
        if self.takes_names and isinstance(value, int | float) and not isinstance(value, bool):
            name = id_value(value)
            value = None if name is None else str(name)
        return image_value(value, self._named)

    def _named(self, name: str) -> ImageRef | None:
        if self.by_id:
            return self._of_id(name)
        found = embedded_photo(name)
        if found is not None:
            return found
        if "://" in name:
            return ImageRef(path=name)  # refused when it is decoded, which says why
        if self.archive is not None and not Path(name).is_absolute():
            return self.archive.find(name) or _missing(self.archive, name)
        return self._file(self.root / name)

    def _of_id(self, name: str) -> ImageRef | None:
        if self.archive is not None:
            return self.archive.find(name)
        plain = "\0" not in name and Path(name).name == name  # an id with a slash names no file of this folder
        file = _with_suffix(self.root / name) if plain else None
        return None if file is None else ImageRef(path=str(file))

    def _file(self, path: Path) -> ImageRef:
        for folder in path.parents:
            if folder.suffix.casefold() == ".zip" and folder.is_file():
                return self._inside(folder, path.relative_to(folder).as_posix())
        if stem_of(path.name) == path.name and "\0" not in path.name and not path.is_file():
            path = _with_suffix(path) or path
        return ImageRef(path=str(path))

    def _inside(self, file: Path, name: str) -> ImageRef:
        if file not in self._opened:
            if len(self._opened) >= _ARCHIVES_KEPT:
                self._opened.pop(next(iter(self._opened)))
            try:
                self._opened[file] = PhotoArchive(file)
            except DataError as error:
                self._opened[file] = error
        archive = self._opened[file]
        if isinstance(archive, DataError):
            return ImageRef(name=f"{file}/{name}", source=NoPhoto("image_missing", archive.message))
        return archive.find(name) or _missing(archive, name)


def photo_place(root: Path, *, by_id: bool = False) -> PhotoPlace:
    """The place at ``root``.

    Raises:
        DataError: a zip that cannot be read, or no such folder.
    """
    if root.suffix.casefold() == ".zip" and not root.is_dir():
        return PhotoPlace(root, PhotoArchive(root), by_id)
    if not root.is_dir():
        named = " named by id" if by_id else ""
        raise DataError(f"images_root: {root}: no such folder; expected a folder or a zip of photos{named}")
    return PhotoPlace(root, by_id=by_id)


def _with_suffix(path: Path) -> Path | None:
    for suffix in PHOTO_SUFFIXES:
        for tried in (suffix, suffix.upper()):
            file = path.with_name(path.name + tried)
            if file.is_file():
                return file
    return None


def _missing(archive: PhotoArchive, name: str) -> ImageRef:
    message = (
        f"{archive.file}: no photo {name!r} inside, expected its path or its name; this zip holds "
        f"{', '.join(archive.names())}, for example"
    )
    return ImageRef(name=f"{archive.file}/{name}", source=NoPhoto("image_missing", message))

"""Reads photos and labels from a pair of IDX files, as MNIST and Fashion-MNIST come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from multimodal.data.columns import ResolvedColumns
from multimodal.data.idx import idx_items, idx_shape
from multimodal.data.rows import RowRules
from multimodal.errors import DataError
from multimodal.types import ImageRef, Product

IDX_COLUMNS = ResolvedColumns(id="number", image="photo", category_id="label")
_IMAGES, _LABELS = "images-idx3", "labels-idx1"


@dataclass(frozen=True, slots=True)
class IdxReader:
    """A ``Reader`` of the greyscale photos in one file, with their labels from the file beside it.

    A photo's id is its number in the file, from ``first``, which is 0 but for later files of a pattern; its label the
    number in the other file, as text.
    """

    file: Path
    rules: RowRules
    first: int = 0

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> int:
        return idx_shape(self.file, 3)[0]

    def __iter__(self) -> Iterator[Product]:
        _, height, width = idx_shape(self.file, 3)
        labels = idx_items(labels_of(self.file), 1) if self.columns.has_label else None
        for i, pixels in enumerate(idx_items(self.file, 3)):
            label = None if labels is None else str(next(labels)[0])
            photo = ImageRef(data=png(pixels, (width, height)), name=f"{self.file.name}#{i}")
            yield Product(id=self.first + i, image=photo, category_id=label)


def is_idx(file: Path) -> bool:
    """Whether a file is called as IDX files of photos are."""
    return file.name.casefold().removesuffix(".gz").endswith("idx3-ubyte")


def labels_of(images: Path) -> Path:
    """The file of the labels of a file of photos: ``train-images-idx3-ubyte`` -> ``train-labels-idx1-ubyte``.

    Raises:
        DataError: another name, no such file, or one with another number of labels.
    """
    if _IMAGES not in images.name:
        raise DataError(
            f"{images}: expected a name such as train-{_IMAGES}-ubyte.gz, whose labels stand in "
            f"train-{_LABELS}-ubyte.gz; rename both"
        )
    name = images.name.replace(_IMAGES, _LABELS)
    spelled = [images.with_name(n) for n in (name, name.removesuffix(".gz"), f"{name}.gz")]
    found = next((file for file in spelled if file.is_file()), None)
    if found is None:
        raise DataError(f"{images}: its labels are not beside it, expected {name}; download them")
    photos, labels = idx_shape(images, 3)[0], idx_shape(found, 1)[0]
    if photos != labels:
        raise DataError(f"{images}: got {photos} photos, and {labels} labels in {found.name}; download both again")
    return found


def open_idx(file: Path, rules: RowRules, first: int = 0) -> IdxReader:
    """The reader of a file, which is checked with its labels first where they are read."""
    idx_shape(file, 3)
    if rules.columns.has_label:
        labels_of(file)
    return IdxReader(file, rules, first)


def png(pixels: bytes, size: tuple[int, int]) -> bytes:
    """A greyscale photo of (width, height) as PNG."""
    from PIL import Image

    stream = BytesIO()
    Image.frombytes("L", size, pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()

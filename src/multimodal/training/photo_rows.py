"""Photos beside the products: read with whatever is known of each, be it a category, several, a tag or an attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.folder import has_class_folders
from multimodal.data.label_map import load_label_map
from multimodal.data.splits import split_half
from multimodal.errors import DataError, ImageError
from multimodal.image import ImageKitchen
from multimodal.taxonomy import Tree
from multimodal.training.labels import UNKNOWN, Teller, Told, joined
from multimodal.types import Product, RowError

_CHUNK = 512


@dataclass(frozen=True, slots=True)
class PhotoRows:
    """N photos and what is known of them.

    Attributes:
        pixels: uint8 [N, H, W, 3].
        allowed: int64 [N], the row of ``sets`` that the category is one of, or ``UNKNOWN``.
        sets: bool [K, leaves], the leaves that a label may stand for.
        half: "select" or "calibrate".
        rejected: rows that could not be used, with the reason.
        unmapped: label that is neither in the map nor in the tree -> photos that were kept for what else they tell.
    """

    pixels: npt.NDArray[np.uint8]
    told: Told
    allowed: npt.NDArray[np.int64]
    sets: npt.NDArray[np.bool_]
    half: npt.NDArray[np.str_]
    rejected: tuple[RowError, ...]
    unmapped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.pixels)


def read_photos(
    sources: Iterable[SourceConfig], tree: Tree, kitchen: ImageKitchen, teller: Teller, pixel_file: Path
) -> PhotoRows:
    """Reads all photos of the sources; those that cannot be used end up in ``rejected``.

    Args:
        pixel_file: where the decoded photos go.

    Raises:
        DataError: a source cannot be read as described, or its map names a category that is not in the tree.
    """
    reader = _Reader(tree, kitchen, teller)
    pixel_file.parent.mkdir(parents=True, exist_ok=True)
    pixel_file.unlink(missing_ok=True)
    with ThreadPoolExecutor(2) as pool, pixel_file.open("wb") as out:
        for source in sources:
            row = 0
            items = reader.items(source)
            while chunk := list(islice(items, _CHUNK)):
                photos = pool.map(reader.pixels, chunk)
                for item, pixels in zip(chunk, photos, strict=True):
                    if reader.keep(item, pixels, row):
                        assert isinstance(pixels, np.ndarray)
                        out.write(pixels.tobytes())
                    row += 1
    return reader.rows(pixel_file)


def _has_classes(source: SourceConfig) -> bool:
    """Whether a source is a folder with one folder a class, whose labels are meant to be read."""
    if source.path is None or source.columns.category_id == "":
        return False
    return Path(source.path).is_dir() and has_class_folders(Path(source.path))


class _Reader:
    def __init__(self, tree: Tree, kitchen: ImageKitchen, teller: Teller) -> None:
        self.tree, self.kitchen, self.teller = tree, kitchen, teller
        self.sets: dict[tuple[str, ...], int] = {}
        self.allowed: list[int] = []
        self.half: list[str] = []
        self.told: list[Told] = []
        self.rejected: list[RowError] = []
        self.unmapped: Counter[str] = Counter()
        self._find: Callable[[str], tuple[str, ...] | None] = lambda label: None

    def items(self, source: SourceConfig) -> Iterator[Product | RowError]:
        """The source's rows; their labels are mapped by ``keep``, as one may stand for several categories."""
        known = load_label_map(source.category_map)
        named = bool(source.columns.category_id or source.columns.category_path)
        asked = known is not None or named or _has_classes(source)
        self._find = known.ids.get if known is not None else lambda label: (label,)
        if known is not None:
            self._check(source, {id for ids in known.ids.values() for id in ids})
        return read_source(source.model_copy(update={"category_map": None}), labelled=asked)

    def pixels(self, item: Product | RowError) -> npt.NDArray[np.uint8] | ImageError | None:
        """The photo of an item, prepared; why there is none."""
        if isinstance(item, RowError) or item.image is None:
            return None
        try:
            return self.kitchen.prepare(item.image)
        except ImageError as error:
            return error

    def keep(self, item: Product | RowError, pixels: object, row: int) -> bool:
        """Takes a photo of which something is known; notes why not otherwise."""
        if isinstance(item, RowError):
            self.rejected.append(item)
            return False
        if not isinstance(pixels, np.ndarray):
            code, said = ("no_photo", "got no photo, expected one")
            if isinstance(pixels, ImageError):
                code, said = pixels.code, pixels.message
            self.rejected.append(RowError(item.id, row, "image", code, said))
            return False
        told, allowed = self.teller.told([item]), self._allowed(item.category_id)
        silent = (told.tags == UNKNOWN).all() and not any(v[0] for v in told.values.values())
        if silent and allowed == UNKNOWN:
            said = "got a photo of which neither category, tag nor attribute is known, expected one of them"
            if item.category_id is not None:
                said = f"label {item.category_id!r} is neither in the map nor in the tree, and nothing else is known"
            self.rejected.append(RowError(item.id, row, "label", "unlabelled", said))
            return False
        if allowed == UNKNOWN and item.category_id is not None:
            self.unmapped[item.category_id] += 1
        self.told.append(told)
        self.allowed.append(allowed)
        self.half.append(split_half(item, row))
        return True

    def _allowed(self, label: str | None) -> int:
        ids = self._find(label) if label is not None else None
        if not ids or any(id not in self.tree for id in ids):
            return UNKNOWN
        return self.sets.setdefault(tuple(ids), len(self.sets))

    def _check(self, source: SourceConfig, ids: set[str]) -> None:
        strange = sorted(id for id in ids if id not in self.tree)
        if strange:
            raise DataError(
                f"{source.path}: category_map: got {', '.join(strange[:5])}, expected ids of the tree's nodes; correct "
                "the map"
            )

    def rows(self, pixel_file: Path) -> PhotoRows:
        n = len(self.allowed)
        shape = (n, self.kitchen.height, self.kitchen.width, 3)
        pixels = np.memmap(pixel_file, np.uint8, "r", shape=shape) if n else np.zeros(shape, np.uint8)
        leaves = np.zeros((len(self.sets), len(self.tree.leaves)), np.bool_)
        for ids, at in self.sets.items():
            below = self.tree.leaf_matrix[[self.tree.node_index[id] for id in ids]]
            leaves[at] = np.asarray(below).any(axis=0)
        told = joined(self.told) if self.told else self.teller.told([])
        return PhotoRows(
            pixels, told, np.array(self.allowed, np.int64), leaves, np.array(self.half), tuple(self.rejected),
            self.unmapped,
        )  # fmt: skip

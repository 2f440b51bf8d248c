"""From configured sources to arrays: readers, label checks and both kitchens, one pass a split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from multimodal.config.models import ImageConfig, SourceConfig, TextConfig
from multimodal.data import check_labels, read_sources
from multimodal.data.splits import split_half
from multimodal.errors import ImageError, InputError
from multimodal.image import ImageKitchen
from multimodal.models.sentence import find_sentence_model
from multimodal.taxonomy import Tree
from multimodal.text import TextKitchen
from multimodal.text.fields import TextFields
from multimodal.text.masking import category_words, mask_title, names_category
from multimodal.text.settings import TextKitchenConfig
from multimodal.text.words import distinct
from multimodal.training.arrays import Split, concat_encoded
from multimodal.training.labels import UNKNOWN, Teller, Told, joined
from multimodal.training.overlap import marks_of
from multimodal.types import TEXT_INPUTS, EncodedText, Product, RowError

_CHUNK = 512
T = TypeVar("T")
NumberedItems = Iterator[tuple[int, Product | RowError]]


def text_kitchen(config: TextConfig) -> TextKitchen:
    """The kitchen that training and serving share, from a run's configuration."""
    tokenizer = None if config.sentence is None else find_sentence_model(config.sentence.model).tokenizer
    return TextKitchen(TextKitchenConfig.from_text_config(config), tokenizer=tokenizer)


def image_kitchen(config: ImageConfig) -> ImageKitchen:
    """The kitchen that training and serving share, from a run's configuration."""
    return ImageKitchen(*config.size, fill=config.pad)


class Preparer:
    """Turns sources into a ``Split``; photos go to a memory-mapped file, so memory stays flat."""

    def __init__(
        self, tree: Tree, text: TextKitchen | None, image: ImageKitchen | None, teller: Teller | None = None
    ) -> None:
        """``teller``: how to read tags and attributes off the rows, where they are learned."""
        self.tree, self.text, self.image, self.teller = tree, text, image, teller
        self.words = category_words(tree)

    def split(
        self,
        sources: Iterable[SourceConfig],
        pixel_file: Path,
        *,
        halves: bool,
        only: Callable[[NumberedItems], NumberedItems] = iter,
    ) -> Split:
        """Reads all rows of the sources; those that cannot be used end up in ``rejected``.

        An unreadable photo beside usable text costs the photo alone, which ends up in ``photos_left_out``.

        Args:
            pixel_file: where the decoded photos go.
            halves: whether to divide the rows into select and calibrate.
            only: what to take of the numbered rows, where the sources hold more than this split.
        """
        read = read_sources(tuple(sources), labelled=True)
        allowed = frozenset() if halves else self.tree.telling
        items = check_labels(read, self.tree.leaves, self.tree.inner, allowed=allowed)
        rejected: list[RowError] = []
        left_out: list[RowError] = []
        marks: list[tuple[int, int]] = []
        products: list[Product] = []
        numbers: list[int] = []
        parts: list[EncodedText] = []
        masked: list[EncodedText] = []
        fields: list[TextFields] = []
        named: list[bool] = []
        has_image: list[bool] = []
        told: list[Told] = []
        pixel_file.parent.mkdir(parents=True, exist_ok=True)
        # Another run may still be reading its photos from the file of this name.
        pixel_file.unlink(missing_ok=True)
        with ThreadPoolExecutor(2) as pool, pixel_file.open("wb") as out:
            for chunk in _chunks(only(enumerate(items)), _CHUNK):
                rejected += [r for _, r in chunk if isinstance(r, RowError)]
                there = [(row, p) for row, p in chunk if isinstance(p, Product)]
                cooked = self._texts([p for _, p in there])
                photos = pool.map(self._pixels, (p for _, p in there))
                kept: list[tuple[Product, object]] = []
                for (row, product), text, pixels in zip(there, cooked, photos, strict=True):
                    problem = _unusable(product, row, text, pixels)
                    if problem is not None:
                        rejected.append(problem)
                        continue
                    kept.append((product, text))
                    marks.append(marks_of(product, pixels))
                    if isinstance(pixels, ImageError):
                        left_out.append(_unreadable(product, row, pixels))
                    numbers.append(row)
                    if self.image is not None:
                        has_image.append(isinstance(pixels, np.ndarray))
                        canvas = pixels if isinstance(pixels, np.ndarray) else self._blank()
                        out.write(canvas.tobytes())
                if self.teller is not None:
                    told.append(self.teller.told([p for p, _ in kept]))
                products += [_without_payload(p) for p, _ in kept]
                if self.text is not None:
                    some = [t for _, t in kept if isinstance(t, TextFields)]
                    fields += some
                    named += [not t.title or names_category(t.title_words, self.words) for t in some]
                    parts.append(self.text.encode(some))
                    masked.append(self.text.encode(self._masked([p for p, _ in kept])))
        half = np.array([split_half(p, i) if halves else "" for p, i in zip(products, numbers, strict=True)])
        split = self._assemble(products, half, fields, named, parts, masked, has_image, rejected, pixel_file)
        split = replace(split, photos_left_out=tuple(left_out), marks=np.array(marks, np.uint64).reshape(-1, 2))
        return split if self.teller is None else replace(split, told=joined(told))

    def _assemble(
        self,
        products: list[Product],
        half: npt.NDArray[np.str_],
        fields: list[TextFields],
        named: list[bool],
        parts: list[EncodedText],
        masked: list[EncodedText],
        has_image: list[bool],
        rejected: list[RowError],
        pixel_file: Path,
    ) -> Split:
        n = len(products)
        pixels: npt.NDArray[np.uint8] | None = None
        if self.image is not None and n:
            shape = (n, self.image.height, self.image.width, 3)
            pixels = np.memmap(pixel_file, np.uint8, "r", shape=shape)
        has_field = np.zeros((n, len(TEXT_INPUTS)), np.bool_)
        for row, field in enumerate(fields):
            has_field[row] = [name in field.present for name in TEXT_INPUTS]
        labels, within, sets = self._labels([p.category_id or "" for p in products])
        return Split(
            ids=[p.id for p in products],
            groups=[p.group or f"row {i}" for i, p in enumerate(products)],
            labels=labels,
            allowed=within,
            sets=sets,
            has_field=has_field,
            text=concat_encoded(parts, self.text.config.encoders) if self.text else None,
            masked=concat_encoded(masked, self.text.config.encoders) if self.text else None,
            pixels=pixels,
            has_image=np.array(has_image if self.image else [False] * n, np.bool_),
            half=half,
            named=np.array(named if self.text else [True] * n, np.bool_),
            rejected=tuple(rejected),
            words=frozenset(distinct(fields)) if self.text and "navec" in self.text.config.encoders else frozenset(),
        )

    def _labels(
        self, ids: Sequence[str]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None, npt.NDArray[np.bool_] | None]:
        """Leaves [N], and which of some sets of leaves [K, leaves] stands for a row without one [N]."""
        tree = self.tree
        found = {id: np.flatnonzero(tree.leaf_matrix[tree.node_index[id]]) for id in set(ids)}
        labels = np.array([found[id][0] if len(found[id]) == 1 else UNKNOWN for id in ids], np.int64)
        inner = sorted(id for id, leaves in found.items() if len(leaves) > 1)
        if not inner:
            return labels, None, None
        place = {id: i for i, id in enumerate(inner)}
        within = np.array([place.get(id, UNKNOWN) for id in ids], np.int64)
        return labels, within, tree.leaf_matrix[[tree.node_index[id] for id in inner]]

    def _texts(self, products: list[Product]) -> Sequence[TextFields | InputError | None]:
        return [None] * len(products) if self.text is None else self.text.fields_of(products)

    def _masked(self, products: list[Product]) -> list[TextFields]:
        assert self.text is not None
        titles = [mask_title(p.title, self.words) if p.title else None for p in products]
        found = self.text.fields_of([Product(title=title) for title in titles])
        return [fields if isinstance(fields, TextFields) else TextFields() for fields in found]

    def _pixels(self, product: Product) -> npt.NDArray[np.uint8] | ImageError | None:
        if self.image is None or product.image is None:
            return None
        try:
            return self.image.prepare(product.image)
        except ImageError as error:
            return error

    def _blank(self) -> npt.NDArray[np.uint8]:
        assert self.image is not None
        return np.zeros((self.image.height, self.image.width, 3), np.uint8)


def _unusable(
    product: Product, row: int, text: TextFields | InputError | None, pixels: object
) -> RowError | None:
    """Why a training row cannot be used; an unreadable photo beside usable text costs the photo alone."""
    if isinstance(text, InputError):
        return RowError(product.id, row, "text", text.code, text.message)
    if isinstance(pixels, np.ndarray) or (isinstance(text, TextFields) and text.present):
        return None
    if isinstance(pixels, ImageError):
        return _unreadable(product, row, pixels)
    return RowError(
        product.id,
        row,
        "read",
        "nothing_usable",
        "got a row without any input that this run trains on; give it a title, characteristics or a photo",
    )


def _unreadable(product: Product, row: int, error: ImageError) -> RowError:
    return RowError(product.id, row, "image", error.code, error.message)


def _without_payload(product: Product) -> Product:
    """Only what is still needed of a product, so that texts and photos do not pile up in memory."""
    return Product(id=product.id, category_id=product.category_id, group=product.group)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk

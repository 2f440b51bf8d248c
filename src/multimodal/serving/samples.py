"""From products to samples: the kitchens of a bundle, and what of a product can be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from multimodal.artifact import Bundle
from multimodal.artifact.kitchens import image_kitchen_of, text_kitchen_of
from multimodal.errors import ImageError, InputError
from multimodal.serving.given import checked_photo, in_its_row, is_there, shown
from multimodal.text import TextFields
from multimodal.text.fields import over_cap
from multimodal.text.masking import category_words, names_category
from multimodal.text.scalars import is_missing
from multimodal.types import INPUTS, TEXT_INPUTS, InputName, Product, RowError, RowId

Photo = tuple[npt.NDArray[np.uint8] | None, ImageError | None]
"""Pixels, or why there are none; neither where there is no photo."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One product after the kitchens.

    Attributes:
        row: its place in the input, from 0.
        present: the inputs that can be used.
        fields: the tokens of its text; only of inputs the bundle uses.
        pixels: uint8 [H, W, 3] RGB, or None without a usable photo.
        warnings: what the answer should mention (an unreadable photo beside usable text, say).
        stranger: its photo is unlike those of the training.
        named: its title names a category, or there is none, or the bundle makes no difference.
    """

    id: RowId
    row: int
    present: frozenset[InputName]
    fields: TextFields | None = None
    pixels: npt.NDArray[np.uint8] | None = None
    warnings: tuple[str, ...] = ()
    stranger: bool = False
    named: bool = True


_CALLED: Mapping[InputName, str] = {
    "title": "a title", "description": "a description", "characteristics": "characteristics", "image": "a photo"
}  # fmt: skip


class Kitchens:
    """Text and image kitchen as a bundle's manifest describes them; safe to share between threads."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError for a kitchen of another version than this release's."""
        manifest = bundle.manifest
        self.inputs = frozenset(manifest.inputs)
        self._names = category_words(bundle.tree) if manifest.calibration.unnamed else None
        self.text, self.image = text_kitchen_of(bundle), image_kitchen_of(bundle)

    def prepare(
        self,
        products: Sequence[Product | RowError],
        first: int,
        allowed: frozenset[InputName] = frozenset(INPUTS),
        decoders: Executor | None = None,
    ) -> list[Sample | RowError]:
        """The samples of a batch; what cannot be used is said in a warning, or is the error when nothing is left.

        Args:
            first: the row of the first product.
            allowed: inputs that may be seen; the others count as absent.
            decoders: threads that decode photos while text is read; one after another without.
        """
        usable = self.inputs & allowed
        there = [product for product in products if isinstance(product, Product)]
        decode = partial(self._photo, usable=usable)
        photos = iter(map(decode, there) if decoders is None else decoders.map(decode, there))
        texts = iter(self._texts(there, usable))
        return [
            self._sample(product, row, allowed, next(texts), next(photos))
            if isinstance(product, Product)
            else in_its_row(product, row)
            for row, product in enumerate(products, first)
        ]

    def _sample(
        self,
        product: Product,
        row: int,
        allowed: frozenset[InputName],
        fields: TextFields | InputError | None,
        photo: Photo,
    ) -> Sample | RowError:
        if isinstance(fields, InputError):
            return RowError(product.id, row, "text", fields.code, fields.message)
        pixels, problem = photo
        present = set(fields.present) if fields is not None else set()
        if pixels is not None:
            present.add("image")
        warnings = (*self._unused(product, allowed), *(fields.warnings if fields is not None else ()))
        if present:
            if problem is not None:
                warnings = (*warnings, f"the photo was left out: {problem.message}")
            named = fields is None or self._named(fields)
            return Sample(product.id, row, frozenset(present), fields, pixels, warnings, named=named)
        if problem is not None:
            return RowError(product.id, row, "image", problem.code, problem.message)
        return self.nothing(product.id, row, warnings, allowed)

    def _named(self, fields: TextFields) -> bool:
        return self._names is None or not fields.title or names_category(fields.title_words, self._names)

    def nothing(
        self, id: RowId, row: int, warnings: Iterable[str] = (), allowed: frozenset[InputName] = frozenset(INPUTS)
    ) -> RowError:
        """The error of a product without anything this bundle can use, of what it may see."""
        said = "".join(f" {w[:1].upper()}{w[1:]}." for w in warnings)
        usable = [name for name in INPUTS if name in (self.inputs & allowed or self.inputs)]
        return RowError(
            id,
            row,
            "predict",
            "nothing_usable",
            f"got a product without any usable input, expected {'at least one of: ' * (len(usable) > 1)}"
            f"{', '.join(usable)}.{said} Add {_either([_CALLED[name] for name in usable])}.",
        )

    def _texts(
        self, products: Sequence[Product], usable: frozenset[InputName]
    ) -> Sequence[TextFields | InputError | None]:
        unread = [name for name in TEXT_INPUTS if name not in self.inputs]
        read: Sequence[TextFields | InputError | None] = [None] * len(products)
        if self.text is not None and usable & set(TEXT_INPUTS):
            read = self.text.fields_of([shown(product, usable) for product in products])
        return [over_cap(product, unread) or fields for product, fields in zip(products, read, strict=True)]

    def _photo(self, product: Product, usable: frozenset[InputName]) -> Photo:
        photo = product.image
        if self.image is None or "image" not in usable or is_missing(photo):
            return None, None
        try:
            return self.image.prepare(checked_photo(photo)), None
        except ImageError as error:
            return None, error

    def _unused(self, product: Product, allowed: frozenset[InputName]) -> tuple[str, ...]:
        """Inputs that came but that this bundle was not trained on."""
        given = {
            "title": product.title,
            "description": product.description,
            "characteristics": product.characteristics,
            "image": product.image,
        }
        return tuple(
            f"this bundle does not use the {name}"
            for name in INPUTS
            if name in allowed and name not in self.inputs and is_there(given[name])
        )


def _either(words: Sequence[str]) -> str:
    return " or ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), words[-1]])

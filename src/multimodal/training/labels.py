"""What else is told of photos: tags and attributes of training rows as arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from multimodal.config.models import AttributeConfig, RunConfig
from multimodal.errors import DataError
from multimodal.text.characteristics import attribute_value
from multimodal.types import Product

UNKNOWN = -1
"""Stands for a tag or an attribute that a row does not tell."""
MIN_VALIDATION = 3
"""Validation photos that show a tag, and that lack it, without which its threshold would be a guess."""


@dataclass(frozen=True, slots=True)
class Told:
    """What N rows tell of their photos.

    Attributes:
        tags: int8 [N, tags], 0 or 1, or ``UNKNOWN``.
        values: attribute -> text [N], empty where it is not known.
    """

    tags: npt.NDArray[np.int8]
    values: Mapping[str, npt.NDArray[np.str_]]

    def __len__(self) -> int:
        return len(self.tags)


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The tags, and the values of each attribute, in the order of the head that tells them.

    Attributes:
        tags: names.
        attributes: name -> its values, the most frequent first.
    """

    tags: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Outputs of the head: one a tag, then one a value."""
        return len(self.tags) + sum(len(values) for values in self.attributes.values())

    def slices(self) -> dict[str, slice]:
        """The outputs of each attribute."""
        found, at = {}, len(self.tags)
        for name, values in self.attributes.items():
            found[name] = slice(at, at + len(values))
            at += len(values)
        return found

    def names(self) -> list[tuple[str | None, str]]:
        """What each output stands for: a tag, after None, or an attribute and its value."""
        tags: list[tuple[str | None, str]] = [(None, tag) for tag in self.tags]
        return tags + [(name, value) for name, values in self.attributes.items() for value in values]

    def codes(self, told: Told) -> npt.NDArray[np.int64]:
        """Numbers of the values [N, attributes]; ``UNKNOWN`` where there is none, or one that is not learned."""
        out = np.full((len(told), len(self.attributes)), UNKNOWN, np.int64)
        for column, (name, values) in enumerate(self.attributes.items()):
            number = {value: i for i, value in enumerate(values)}
            out[:, column] = [number.get(str(value), UNKNOWN) for value in told.values[name]]
        return out


class Teller:
    """Reads tags and attributes off products as a configuration asks for."""

    def __init__(self, config: RunConfig) -> None:
        self.tags = config.tags.names if config.tags else ()
        self.attributes: Mapping[str, AttributeConfig] = config.attributes

    def told(self, products: Sequence[Product]) -> Told:
        """What the products tell; characteristics stand in for attributes without a column."""
        tags = np.full((len(products), len(self.tags)), UNKNOWN, np.int8)
        for row, product in enumerate(products):
            for column, name in enumerate(self.tags):
                shown = (product.tags or {}).get(name)
                tags[row, column] = UNKNOWN if shown is None else int(shown)
        values = {
            name: np.array([attribute_value(p, name, how.characteristic) or "" for p in products], np.str_)
            for name, how in self.attributes.items()
        }
        return Told(tags, values)


def joined(parts: Sequence[Told]) -> Told:
    """The rows of several, in order."""
    names = parts[0].values if parts else {}
    tags = [part.tags for part in parts] or [np.zeros((0, 0), np.int8)]
    return Told(np.concatenate(tags), {n: np.concatenate([p.values[n] for p in parts]) for n in names})


def label_space(config: RunConfig, told: Told) -> LabelSpace:
    """The tags and values that training rows with photos tell often enough to be learned.

    Raises:
        DataError: a tag that no row tells, or never once shows; an attribute with fewer than two frequent values.
    """
    tags = config.tags.names if config.tags else ()
    for column, name in enumerate(tags):
        known = told.tags[:, column]
        if not {0, 1} <= set(np.unique(known).tolist()):
            raise DataError(
                f"tags: {name}: got {int((known == 1).sum())} photos with it and {int((known == 0).sum())} without, "
                "expected dozens of each at least; name its column in columns.tags of a source with photos"
            )
    attributes = {}
    for name, how in config.attributes.items():
        counts = Counter(value for value in told.values[name].tolist() if value)
        kept = sorted((v for v, n in counts.items() if n >= how.min_count), key=lambda v: (-counts[v], v))
        if len(kept) < 2:
            raise DataError(
                f"attributes: {name}: got {len(kept)} values told by {how.min_count} photos or more (of "
                f"{len(counts)} values), expected two at least; name its column in columns.attributes of a source, or "
                "its characteristic, or lower min_count"
            )
        attributes[name] = tuple(kept)
    return LabelSpace(tuple(tags), attributes)


def check_validation(space: LabelSpace, tags: npt.NDArray[np.int8], codes: npt.NDArray[np.int64]) -> None:
    """What is learned must be found in the validation photos, or nothing says how sure its answers are.

    Args:
        tags: of the validation photos [N, tags].
        codes: of their attributes [N, attributes].

    Raises:
        DataError: a tag that too few of them show, or lack; an attribute that too few tell.
    """
    for column, name in enumerate(space.tags):
        shown, hidden = (int((tags[:, column] == value).sum()) for value in (1, 0))
        if min(shown, hidden) < MIN_VALIDATION:
            raise DataError(
                f"tags: {name}: got {shown} validation photos with it and {hidden} without, expected at least "
                f"{MIN_VALIDATION} of each, better dozens; add such rows to data.val or data.photos.val, or raise "
                "data.split.val where they are drawn"
            )
    for column, name in enumerate(space.attributes):
        told = int((codes[:, column] != UNKNOWN).sum())
        if told < MIN_VALIDATION:
            raise DataError(
                f"attributes: {name}: got {told} validation photos that tell it, expected at least {MIN_VALIDATION}, "
                "better hundreds; add such rows to data.val or data.photos.val, or raise data.split.val where they are "
                "drawn"
            )

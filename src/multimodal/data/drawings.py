"""Reads products that the built-in sample catalog draws as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.config.models import SourceConfig
from multimodal.data.columns import ResolvedColumns
from multimodal.data.photos import PhotoPlace
from multimodal.data.rows import RowRules
from multimodal.errors import DataError, nearest
from multimodal.types import Product, RowError

if TYPE_CHECKING:
    from multimodal.data.sample import SampleRow

_ATTRIBUTES = ("color1", "pattern", "gender", "season")
"""What ``columns.attributes`` may name of a drawing."""
_COLUMNS = ResolvedColumns(
    id="id", title="title", description="description", characteristics="characteristics", image="image",
    category_id="category_id", group="group",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawingsReader:
    """A ``Reader`` of products drawn by the built-in sample catalog.

    Attributes:
        tags, attributes: name -> the drawing's own name for it.
    """

    products: int
    seed: int
    several: float
    tags: Mapping[str, str]
    attributes: Mapping[str, str]
    rules: RowRules

    @property
    def columns(self) -> ResolvedColumns:
        return self.rules.columns

    def count(self) -> int:
        return self.products

    def __iter__(self) -> Iterator[Product | RowError]:
        from multimodal.data.sample import draw_rows

        return (self._told(row) for row in draw_rows(self.products, self.seed, self.several))

    def _told(self, row: SampleRow) -> Product:
        if not self.tags and not self.attributes:
            return row.product
        spec = row.spec
        values = dict(zip(_ATTRIBUTES, (spec.colour.en, spec.pattern, spec.gender, spec.season), strict=True))
        return replace(
            row.product,
            tags={name: spec.tags[known] for name, known in self.tags.items()},
            attributes={name: values[known] for name, known in self.attributes.items()},
        )


def open_drawings(source: SourceConfig) -> DrawingsReader:
    """The reader of a source of drawings.

    Raises:
        DataError: a tag or an attribute that drawings do not tell.
    """
    from multimodal.data.sample.fabrics import TAGS

    for kind, asked, known in (
        ("tags", source.columns.tags, TAGS), ("attributes", source.columns.attributes, _ATTRIBUTES),
    ):  # fmt: skip
        for name in asked.values():
            if name not in known:
                raise DataError(
                    f"columns.{kind}: got {name!r}, expected one of {', '.join(known)}, which drawings tell."
                    f"{nearest(name, known)}"
                )
    rules = RowRules("drawings", _COLUMNS, PhotoPlace(Path()))
    return DrawingsReader(
        source.products or 0, source.seed, source.several, source.columns.tags, source.columns.attributes, rules
    )

"""Builds a product from the raw values of one row; what cannot be used becomes that row's error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from multimodal.data.columns import ResolvedColumns
from multimodal.data.photos import PhotoPlace
from multimodal.data.values import characteristics_value, group_value, id_value, label_value, tag_value, text_value
from multimodal.errors import InputError, TreeError
from multimodal.protocols import Reader
from multimodal.taxonomy.paths import path_id
from multimodal.types import Product, RowError, Stage

_TEXTS: dict[str, Callable[[object], object]] = {
    "title": text_value,
    "description": text_value,
    "characteristics": characteristics_value,
    "category_id": label_value,
    "group": group_value,
}


@dataclass(frozen=True, slots=True)
class RowRules:
    """What every row of one source has in common.

    Attributes:
        origin: name of the source in messages.
        photos: where the values of the image column lead.
        found: all the columns the source has, for messages.
        separator: between the names of a category path.
    """

    origin: str
    columns: ResolvedColumns
    photos: PhotoPlace
    separator: str = " > "
    found: tuple[str, ...] = ()

    def build(self, raw: Mapping[str, object], row: int) -> Product | RowError:
        """The product of row number ``row`` (from 0), or the error that stands in its place."""
        name = "id"
        values: dict[str, object] = {}
        try:
            values["id"] = id_value(raw.get("id"))
            for name, value in raw.items():
                if name in _TEXTS:
                    values[name] = _TEXTS[name](value)
                elif name == "image":
                    values[name] = self.photos.photo(value)
                elif name == "category_path":
                    path = text_value(value)
                    values["category_id"] = None if path is None else path_id(path, self.separator)
                elif name != "id":
                    _put(values, name, value)
        except (InputError, TreeError) as error:
            stage: Stage = "label" if isinstance(error, TreeError) else "read"
            code = "category_path" if stage == "label" else error.code
            where = f"column {self.columns.column(name)!r}"
            return self.error(values.get("id"), row, code, f"{where}: {error.message}", stage)
        return Product(**values)  # type: ignore[arg-type]

    def error(self, id: object, row: int, code: str, message: str, stage: Stage = "read") -> RowError:
        """A row's error, its message led by the source and the row."""
        known = id if isinstance(id, int | str) else None
        return RowError(known, row, stage, code, f"{self.origin}, row {row}: {message}")


def _put(values: dict[str, object], key: str, value: object) -> None:
    """Adds a tag or an attribute that is known."""
    kind, _, name = key.partition(":")
    told = tag_value(value) if kind == "tags" else group_value(value)
    if told is not None:
        known = values.setdefault(kind, {})
        assert isinstance(known, dict)
        known[name] = told


class TableReader(Reader, Protocol):
    """A reader that knows which column held which field."""

    @property
    def rules(self) -> RowRules: ...

    @property
    def columns(self) -> ResolvedColumns: ...

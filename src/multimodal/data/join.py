"""Takes the columns a source lacks from another file, by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from multimodal.config.models import JoinConfig, SourceConfig
from multimodal.data.columns import LABEL_FIELDS, ResolvedColumns
from multimodal.data.open import open_table, require_columns
from multimodal.data.rows import RowRules, TableReader
from multimodal.errors import DataError
from multimodal.types import Product, RowError


@dataclass(frozen=True, slots=True)
class JoinTable:
    """The other file's products by id, texts and labels only.

    Attributes:
        fields: names of the ``Product`` fields it gives.
        rows: id as text -> product, or the error of its row.
        repeated: rows left out because their id stood before.
    """

    fields: tuple[str, ...]
    rows: dict[str, Product | RowError]
    repeated: int

    def complete(self, item: Product, row: int) -> Product | RowError | None:
        """``item`` with the fields it lacked; None without a match."""
        found = None if item.id is None else self.rows.get(str(item.id))
        if found is None:
            return None
        if isinstance(found, RowError):
            return replace(found, id=item.id, row=row)
        return replace(item, **{name: _both(getattr(found, name), getattr(item, name)) for name in self.fields})


def _both(found: Any, own: Any) -> Any:
    """What the other file tells; of tags and attributes also what the source itself does."""
    return {**(found or {}), **own} if isinstance(own, dict) else found


def load_join(source: SourceConfig, join: JoinConfig, left: RowRules, *, labelled: bool) -> JoinTable:
    """Reads the file of a join into memory, without photos.

    Raises:
        DataError: an id column is missing on either side, the join adds nothing, only the joined file has
            photos, or both together lack an input or the category.
    """
    right = open_table(source, join.path, join.columns, labelled=labelled, joined=True)
    _check_ids(source.path or "", left.columns, join.path, right.columns)
    wanted = _lacking(left.columns, right.columns)
    if "image" in wanted:
        raise DataError(
            f"{source.path} joined with {join.path}: the photos (column {right.columns.image!r}) stand in the "
            f"joined file, expected them in the source; swap the two (path: {join.path}, join.path: "
            f'{source.path}), or set join.columns.image to "" to go without photos'
        )
    if not wanted:
        raise DataError(
            f"{source.path} joined with {join.path}: the join adds no column, expected one that the source "
            "lacks; name it in join.columns, or leave the join out"
        )
    both = replace(left.columns, **wanted)
    require_columns(source.path or "", both, left.found, labelled=labelled)
    return _load(_narrowed(right, wanted), wanted)


def _lacking(left: ResolvedColumns, right: ResolvedColumns) -> dict[str, Any]:
    """Field -> what holds it in the joined file, where the source has none; of tags and attributes each by itself."""
    wanted = {}
    for name in (field.name for field in fields(right)):
        own, other = getattr(left, name), getattr(right, name)
        if name in ("tags", "attributes"):
            other = tuple((one, column) for one, column in other if one not in dict(own))
        elif own is not None or (name in LABEL_FIELDS and left.has_label):
            continue
        if other:
            wanted[name] = other
    return wanted


def _narrowed(reader: TableReader, wanted: dict[str, Any]) -> Iterator[Product | RowError]:
    """Only the columns wanted: photos of the joined file are never read."""
    rules = replace(reader.rules, columns=ResolvedColumns(id=reader.columns.id, **wanted))
    return iter(replace(reader, rules=rules))  # type: ignore[type-var]


def _load(items: Iterator[Product | RowError], wanted: Iterable[str]) -> JoinTable:
    rows: dict[str, Product | RowError] = {}
    repeated = 0
    for item in items:
        key = None if item.id is None else str(item.id)
        if key is None:
            continue
        if isinstance(rows.get(key), Product):
            repeated += 1
        else:
            rows[key] = item
    given = ("category_id" if name == "category_path" else name for name in wanted)
    return JoinTable(tuple(given), rows, repeated)


def _check_ids(left: str, left_columns: ResolvedColumns, right: str, right_columns: ResolvedColumns) -> None:
    for path, columns, key in ((left, left_columns, "columns"), (right, right_columns, "join.columns")):
        if columns.id is None:
            raise DataError(f"{path}: a join needs an id on both sides, found none here; name its column in {key}.id")

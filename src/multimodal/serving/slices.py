"""Figures of parts of the data: one for each value of a column that the model never sees."""

from __future__ import annotations

from collections.abc import Sequence

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import open_reader
from multimodal.data.columns import FIELDS
from multimodal.errors import DataError, nearest
from multimodal.evaluation import Slice, slice_metrics
from multimodal.serving.measured import Measured
from multimodal.taxonomy import Tree
from multimodal.types import Product, RowError


def column_values(source: SourceConfig, column: str) -> list[str | None]:
    """A column of a source as text, row by row; None where it is empty, or the row cannot be read.

    Raises:
        DataError: the source has no such column (those it has are named), or it says nothing of the rows:
            photos, lists and objects, or not one value.
    """
    _check_column(source, column)
    # The column is read in a title's place: rows are then counted as where products are read.
    others = dict.fromkeys(FIELDS, "")
    columns = ColumnMap(**{**others, "title": column})
    values: list[str | None] = []
    for item in open_reader(source.model_copy(update={"columns": columns}), labelled=False):
        if isinstance(item, RowError) and item.code == "not_text":
            raise DataError(f"{item.message}. Figures are by values that rows share, such as a brand.")
        values.append(item.title if isinstance(item, Product) else None)
    if not any(values):
        raise DataError(
            f"{source.path}: column {column!r} is empty in all {len(values):,} rows, expected values to report by; "
            "name another column"
        )
    return values


def _check_column(source: SourceConfig, column: str) -> None:
    reader = open_reader(source, labelled=False)
    found = reader.rules.found
    if column not in found:
        raise DataError(
            f"{source.path}: expected a column {column!r} to report by, found {', '.join(found) or 'no columns'}."
            f"{nearest(column, found)}"
        )
    if column == reader.columns.image and not reader.rules.photos.by_id:
        others = ", ".join(name for name in found if name != column)
        raise DataError(
            f"{source.path}: column {column!r} holds the photos, expected one of values that rows share to report by; "
            f"the others are {others}"
        )


def slices(measured: Measured, values: Sequence[str | None], tree: Tree) -> tuple[Slice, ...]:
    """Top-1 and hF1 of the measured rows for each value of a column, the largest slices first.

    Args:
        values: of every row of the data, as ``column_values`` gives them.
    """
    own = [values[row.row] for row in measured.rows]
    return slice_metrics(own, measured.pred, measured.labels, tree, measured.groups)

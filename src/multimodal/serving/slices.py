"""Figures of parts of the data: one for each value of a column that the model never sees."""

from __future__ import annotations

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import open_reader
from multimodal.errors import DataError, nearest
from multimodal.evaluation import Slice, slice_metrics
from multimodal.serving.measured import Measured
from multimodal.taxonomy import Tree
from multimodal.types import Product


def column_values(source: SourceConfig, column: str) -> list[str | None]:
    """A column of a source as text, row by row; None where it is empty or cannot be read.

    Raises:
        DataError: the source has no such column; those it has are named.
    """
    check_column(source, column)
    # The column is read in a title's place: rows are then counted as where products are read.
    others = dict.fromkeys(ColumnMap.model_fields, "")
    reader = open_reader(
        source.model_copy(update={"columns": ColumnMap(**{**others, "title": column})}), labelled=False
    )
    return [item.title if isinstance(item, Product) else None for item in reader]


def check_column(source: SourceConfig, column: str) -> None:
    """Raises DataError where the source has no such column; cheap, to be asked before any work."""
    found = open_reader(source, labelled=False).rules.found
    if column not in found:
        raise DataError(
            f"{source.path}: expected a column {column!r} to report by, found {', '.join(found) or 'no columns'}."
            f"{nearest(column, found)}"
        )


def slices(measured: Measured, source: SourceConfig, column: str, tree: Tree) -> tuple[Slice, ...]:
    """Top-1 and hF1 of the measured rows for each value of a column, the largest slices first."""
    values = column_values(source, column)
    own = [values[row.row] for row in measured.rows]
    return slice_metrics(own, measured.pred, measured.labels, tree, measured.groups)

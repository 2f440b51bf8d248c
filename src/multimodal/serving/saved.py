"""Another system's predictions in a file, matched with the rows of an evaluation by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import guess_columns
from multimodal.data.columns import FIELDS
from multimodal.data.formats import SUFFIXES
from multimodal.data.open import open_table, table_columns
from multimodal.errors import DataError, InputError, nearest
from multimodal.serving.measured import Key, Measured, PeerAnswers
from multimodal.types import RowError, RowId

_SOME = 5
_PROBABILITY, _ROW = "probability", "row"
_PREDICTIONS = ("predicted_id", "predicted_category_id", "prediction", "predicted", "pred")
"""Columns that are taken for the peer's answers before any that could be the truth."""


@dataclass(frozen=True, slots=True)
class SavedAnswers:
    """The rows of a file of predictions, in its order.

    Attributes:
        ids: None where a row has none.
        rows: for rows without an id, their number in the data that was predicted, from 0: as their column ``row``
            has it, or their place here.
        category_ids: None where the peer did not answer.
        probabilities: as ``PeerAnswers`` has them.
    """

    path: Path
    ids: tuple[RowId, ...]
    rows: tuple[int, ...]
    category_ids: tuple[str | None, ...]
    probabilities: tuple[float, ...] | None

    def of(self, measured: Measured) -> PeerAnswers:
        """The answers to the measured rows, in their order; rows of other ids are passed over.

        Rows with an id are matched by that alone. Those without are matched by their number, which is never
        taken for an id of another row; only where no row of the data has an id may the ids here be numbers.

        Raises:
            DataError: a row has no prediction, or two; some are named.
        """
        keys = [self._key(id, row, measured.numbered) for id, row in zip(self.ids, self.rows, strict=True)]
        _check_once(keys, self.path)
        at = {key: i for i, key in enumerate(keys)}
        missing = [row.key for row in measured.rows if row.key not in at]
        if missing:
            raise DataError(
                f"{self.path}: got no prediction for {len(missing):,} of {len(measured.rows):,} rows, "
                f"{_some(missing)}; expected one for each row measured. Predict those too; a row without a category "
                "counts as unanswered."
            )
        order = [at[row.key] for row in measured.rows]
        sure = self.probabilities
        told = None if sure is None else np.array([sure[i] for i in order], dtype=np.float64)
        return PeerAnswers(self.path.name, tuple(self.category_ids[i] for i in order), told)

    @staticmethod
    def _key(id: RowId, row: int, numbered: bool) -> Key:
        if id is None:
            return ("row", str(row))
        return ("row" if numbered else "id", str(id))


def read_answers(path: Path) -> SavedAnswers:
    """Reads a peer's saved predictions.

    Args:
        path: a table with columns of ids and of category ids, under their usual names, and perhaps
            ``probability`` and ``row``; what ``multimodal classify --output`` writes fits. A row without a
            category is one the peer did not answer.

    Raises:
        InputError: no such file, or an unknown format.
        DataError: a column is missing, a row cannot be read, or an id stands there twice.
    """
    if not path.is_file() or not path.name.casefold().endswith(tuple(SUFFIXES)):
        raise InputError(
            f"{path}: got {'the suffix ' + repr(path.suffix) if path.is_file() else 'no such file'}, expected a "
            f"bundle's folder or saved predictions as {', '.join(SUFFIXES)}"
        )
    columns, sure = _columns(path)
    ids: list[RowId] = []
    rows, category_ids, probabilities = [], [], []
    # A row's number is read in a group's place, its probability in a title's: readers give both as text.
    for place, item in enumerate(open_table(SourceConfig(path=str(path)), str(path), columns, labelled=True)):
        if isinstance(item, RowError):
            raise DataError(f"{item.message}. Correct that row of the predictions.")
        ids.append(item.id)
        category_ids.append(item.category_id)
        try:
            rows.append(place if item.group is None or item.id is not None else int(item.group))
            probabilities.append(float("nan") if item.title is None else float(item.title))
        except ValueError as error:
            raise DataError(
                f"{path}: row {place}: {error}; expected probabilities, and rows where there is no id, as numbers"
            ) from None
    _check_once([("id", str(id)) for id in ids if id is not None], path)
    return SavedAnswers(path, tuple(ids), tuple(rows), tuple(category_ids), tuple(probabilities) if sure else None)


def _columns(path: Path) -> tuple[ColumnMap, bool]:
    """What to read in the place of what, and whether there are probabilities."""
    found = table_columns(path)
    told = [name for name in found if name.casefold() in _PREDICTIONS]
    if len(told) > 1:
        raise DataError(f"{path}: got the columns {' and '.join(told)}, expected one of predictions; leave one out")
    guessed = guess_columns(found, ColumnMap(category_id=told[0] if told else None))
    if guessed.id is None or guessed.category_id is None:
        lacking = "id" if guessed.id is None else "category_id"
        raise DataError(
            f"{path}: expected the columns id and category_id, and perhaps probability; found {', '.join(found)}."
            f"{nearest(lacking, found)} Rename the column that holds the {lacking}."
        )
    sure = _PROBABILITY in found
    places = {
        "id": guessed.id,
        "category_id": guessed.category_id,
        "title": _PROBABILITY if sure else "",
        "group": _ROW if _ROW in found else "",
    }
    others: dict[str, str] = dict.fromkeys(map(str, FIELDS), "")
    return ColumnMap.model_validate(others | places), sure


def _check_once(keys: Iterable[Key], path: Path) -> None:
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise DataError(
            f"{path}: got more than one prediction for {_some(repeated)}; expected one each. Leave the others out."
        )


def _some(keys: Sequence[Key]) -> str:
    """Ids, and rows without one apart from them."""
    parts = []
    for kind, name in (("id", "ids"), ("row", "rows without an id, by number from 0:")):
        own = [text for one, text in keys if one == kind]
        if own:
            more = f" and {len(own) - _SOME:,} more" if len(own) > _SOME else ""
            parts.append(f"{name} {', '.join(own[:_SOME])}{more}")
    return "; ".join(parts)

"""Compares a bundle with another system on the same rows: its saved predictions, or another bundle's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from multimodal.config.models import ColumnMap
from multimodal.data import guess_columns
from multimodal.data.values import id_value, label_value
from multimodal.errors import DataError, InputError, nearest
from multimodal.evaluation import NO_ANSWER, Versus, compare_answers, ece, leaf_nodes
from multimodal.serving.measured import Ints, Measured, PeerAnswers
from multimodal.taxonomy import Tree

if TYPE_CHECKING:
    import pyarrow as pa

_SOME = 5
_PROBABILITY = "probability"
_PREDICTIONS = ("predicted_id", "predicted_category_id", "prediction", "predicted", "pred")
"""Columns that are taken for the peer's answers before any that could be the truth."""


@dataclass(frozen=True, slots=True)
class AgainstReport:
    """This bundle less the peer.

    Attributes:
        unanswered: rows the peer gave no category for; they count as wrong.
        peer_ece: of the peer's own probabilities, over the rows it answered; None where it does not say them.
    """

    name: str
    versus: Versus
    unanswered: int
    peer_ece: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; ``mean_a`` is this bundle, ``mean_b`` the peer."""
        return {
            "name": self.name,
            **self.versus.to_dict(),
            "unanswered": self.unanswered,
            "peer_ece": self.peer_ece,
        }


def compare(measured: Measured, peer: PeerAnswers, tree: Tree) -> AgainstReport:
    """Paired differences with intervals over groups; the rows are those that the bundle answered.

    Raises:
        DataError: the peer answers with categories that the tree does not have.
    """
    theirs = _nodes(peer, tree)
    leaves = leaf_nodes(tree)
    labels = leaves[measured.labels]
    versus = compare_answers(leaves[measured.pred], theirs, labels, tree, measured.groups)
    answered = theirs != NO_ANSWER
    sure = None if peer.probabilities is None else peer.probabilities[answered]
    told = sure is not None and len(sure) > 0 and bool(np.isfinite(sure).all())
    peer_ece = ece(sure, theirs[answered] == labels[answered]) if told and sure is not None else None
    return AgainstReport(peer.name, versus, int((~answered).sum()), peer_ece)


def read_answers(path: Path, measured: Measured) -> PeerAnswers:
    """A peer's saved predictions for the measured rows, matched by id; rows of other ids are passed over.

    Args:
        path: parquet, CSV or JSON lines with columns of ids and of category ids, under their usual names,
            and perhaps ``probability``; what ``multimodal classify --output`` writes fits. A row without a
            category is one the peer did not answer.

    Raises:
        InputError: no such file, or an unknown format.
        DataError: a column or an id is missing, or an id stands there twice; some are named.
    """
    table = _table(path)
    ids, categories, sure = _columns(table, path)
    _once(ids, path)
    at = {key: i for i, key in enumerate(ids)}
    missing = [row.key for row in measured.rows if row.key not in at]
    if missing:
        raise DataError(
            f"{path}: got no prediction for {len(missing):,} of {len(measured.rows):,} rows, ids {_some(missing)}; "
            f"expected one for each row measured. Predict those too; a row without a category counts as unanswered."
        )
    order = [at[row.key] for row in measured.rows]
    probabilities = None if sure is None else np.array([sure[i] for i in order], dtype=np.float64)
    return PeerAnswers(path.name, tuple(categories[i] for i in order), probabilities)


def _nodes(peer: PeerAnswers, tree: Tree) -> Ints:
    unknown = sorted({i for i in peer.category_ids if i is not None and i not in tree.node_index})
    if unknown:
        raise DataError(
            f"{peer.name}: answers with categories that this bundle's tree does not have, ids {_some(unknown)}; "
            "expected ids of the same tree. Compare systems of one tree, or map the peer's ids first."
        )
    return np.array([NO_ANSWER if i is None else tree.node_index[i] for i in peer.category_ids], dtype=np.int64)


def _table(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    readers = {
        ".parquet": pyarrow.parquet.read_table,
        ".csv": _read_csv,
        ".jsonl": pyarrow.json.read_json,
    }
    read = readers.get(path.suffix.lower())
    if not path.is_file() or read is None:
        raise InputError(
            f"{path}: got {'the suffix ' + repr(path.suffix) if path.is_file() else 'no such file'}, expected a "
            f"bundle's folder or saved predictions as {', '.join(readers)}"
        )
    try:
        return read(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not readable as {path.suffix[1:]} ({error}); write it again") from error


def _read_csv(path: Path) -> pa.Table:
    """Ids and categories stay text: ``007`` is no number."""
    import pyarrow as pa
    from pyarrow import csv

    with csv.open_csv(path) as stream:
        names = stream.schema.names
    kinds = {name: pa.string() for name in names if name != _PROBABILITY}
    # Only an empty cell is no answer: an id may well be NA or null.
    convert = csv.ConvertOptions(column_types=kinds, strings_can_be_null=True, null_values=[""])
    return csv.read_csv(path, convert_options=convert, parse_options=csv.ParseOptions(newlines_in_values=True))


def _columns(table: pa.Table, path: Path) -> tuple[list[str], list[str | None], list[float] | None]:
    found = list(table.column_names)
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
    try:
        known = [id_value(value) for value in table.column(guessed.id).to_pylist()]
        ids = [str(row if value is None else value) for row, value in enumerate(known)]
        categories = [label_value(value) for value in table.column(guessed.category_id).to_pylist()]
        sure = None
        if _PROBABILITY in found:
            values = table.column(_PROBABILITY).to_pylist()
            sure = [float("nan") if value is None else float(value) for value in values]
    except (InputError, TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}; expected ids, category ids and probabilities as numbers") from error
    return ids, categories, sure


def _once(ids: Iterable[str], path: Path) -> None:
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    if repeated:
        raise DataError(
            f"{path}: {len(repeated):,} ids stand there more than once, {_some(repeated)}; "
            "expected one prediction an id. Leave the others out."
        )


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SOME]) + (f" and {len(ids) - _SOME:,} more" if len(ids) > _SOME else "")

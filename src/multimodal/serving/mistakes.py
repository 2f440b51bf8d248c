"""The rows a bundle got wrong, most confident first: where the labels, or the model, want a look."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from multimodal.evaluation import label_ranks, leaf_overlap
from multimodal.serving.files import check_output
from multimodal.serving.measured import Measured
from multimodal.serving.writers import whole
from multimodal.taxonomy import Tree
from multimodal.types import RowId


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong row.

    Attributes:
        title: as the heads saw it.
        probability: of the predicted leaf.
        probability_of_truth: of the true leaf.
        rank_of_truth: its place among the suggestions; 2 is the first after the answer.
        distance: edges between the two leaves through their lowest common ancestor; 2 for siblings.
        inputs: what of the row could be used, joined by "+".
        row: its place in the data, from 0.
    """

    id: RowId
    title: str | None
    true_id: str
    true_path: str
    predicted_id: str
    predicted_path: str
    probability: float
    probability_of_truth: float
    rank_of_truth: int
    distance: int
    inputs: str
    row: int


def find_mistakes(measured: Measured, tree: Tree, limit: int | None = None) -> list[Mistake]:
    """The wrong rows, the most confident first.

    Args:
        limit: how many at most; all by default.
    """
    probs, labels, pred = measured.probs["fused"], measured.labels, measured.pred
    ranks, distance = label_ranks(probs, labels), leaf_overlap(pred, labels, tree).distance
    wrong = np.flatnonzero(pred != labels)
    order = wrong[np.argsort(-probs[wrong, pred[wrong]], kind="stable")][:limit]
    paths = [" > ".join(node.name for node in tree.path(leaf)) for leaf in tree.leaves]
    found = []
    for i in order:
        row, true, other = measured.rows[i], labels[i], pred[i]
        found.append(
            Mistake(
                id=row.id,
                title=row.title,
                true_id=tree.leaves[true],
                true_path=paths[true],
                predicted_id=tree.leaves[other],
                predicted_path=paths[other],
                probability=round(float(probs[i, other]), 6),
                probability_of_truth=round(float(probs[i, true]), 6),
                rank_of_truth=int(ranks[i]) + 1,
                distance=int(distance[i]),
                inputs="+".join(row.inputs),
                row=row.row,
            )
        )
    return found


def write_mistakes(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Writes them as .csv, .parquet or .jsonl, by the suffix; a file without mistakes has its columns.

    Raises:
        InputError: another suffix, or a place that cannot be written.
    """
    check_output(path)
    write = {".csv": _csv, ".jsonl": _json_lines, ".parquet": _parquet}[path.suffix.lower()]
    with whole(path) as part:
        write(part, mistakes)


_COLUMNS = tuple(field.name for field in fields(Mistake))


def _csv(path: Path, mistakes: Sequence[Mistake]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        writer.writerows(astuple(mistake) for mistake in mistakes)


def _json_lines(path: Path, mistakes: Sequence[Mistake]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        for mistake in mistakes:
            document = dict(zip(_COLUMNS, astuple(mistake), strict=True))
            stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


def _parquet(path: Path, mistakes: Sequence[Mistake]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"str": pa.string(), "float": pa.float64(), "int": pa.int64()}
    whole = mistakes and all(isinstance(m.id, int) for m in mistakes)
    typed = [(f.name, kinds[str(f.type).partition(" ")[0]]) for f in fields(Mistake)[1:]]
    schema = pa.schema([("id", pa.int64() if whole else pa.string()), *typed])
    columns = list(zip(*(astuple(m) for m in mistakes), strict=True)) or [()] * len(schema)
    arrays = [pa.array([_fit(v, f.type) for v in values], f.type) for values, f in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


def _fit(value: object, kind: object) -> object:
    """Text columns take text alone, and no lone surrogate from bytes that were no UTF-8."""
    if value is None or str(kind) != "string":
        return value
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")

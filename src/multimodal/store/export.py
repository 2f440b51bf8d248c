"""Feedback as a file to train on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from multimodal.store.database import Database
from multimodal.store.feedback import labelled
from multimodal.store.tables import AnswerRow, FeedbackRow

_TEXTS = ("title", "description", "characteristics")
_AT_ONCE = 1000


def write_labelled(
    database: Database, output: Path, model: str | None = None, advance: Callable[[int], None] | None = None
) -> int:
    """Writes each product that somebody said something of, with what is right.

    Columns: ``id`` (the request), the texts, ``category_id``, ``image`` (path of the kept photo, if it is kept),
    ``group`` (alike for the same product) and one 0/1 column a tag, empty where nobody said (a tag
    called like one of the others is left out).

    Returns:
        How many rows; no file is written for none.
    """
    own = ("id", *_TEXTS, "category_id", "image", "group")
    tags = sorted({name for _, said in labelled(database, model) for name in said.tags} - set(own))
    schema = pa.schema([(name, pa.string()) for name in own] + [(name, pa.int8()) for name in tags])
    rows, pairs = 0, labelled(database, model)
    writer: pq.ParquetWriter | None = None
    try:
        for some in _pieces(pairs):
            writer = writer or pq.ParquetWriter(output, schema)
            writer.write_table(pa.Table.from_pylist([_row(*pair, tags) for pair in some], schema))
            rows += len(some)
            if advance is not None:
                advance(rows)
    finally:
        if writer is not None:
            writer.close()
    return rows


def _pieces(pairs: Iterable[tuple[AnswerRow, FeedbackRow]]) -> Iterator[list[tuple[AnswerRow, FeedbackRow]]]:
    waiting = iter(pairs)
    while some := list(islice(waiting, _AT_ONCE)):
        yield some


def _row(answer: AnswerRow, said: FeedbackRow, tags: Iterable[str]) -> dict[str, object]:
    told = {name: getattr(answer, name) for name in (*_TEXTS, "image")}
    shown = {tag: None if tag not in said.tags else int(said.tags[tag]) for tag in tags}
    return {"id": answer.request_id, "category_id": said.category_id, "group": answer.product, **told, **shown}

"""Feedback as a file to train on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa

from multimodal.serving.files import check_output
from multimodal.serving.forms import Column
from multimodal.serving.writers import WRITERS, IdColumn, Row, whole
from multimodal.store.database import Database
from multimodal.store.feedback import labelled
from multimodal.store.tables import AnswerRow, FeedbackRow

_TEXTS = ("title", "description", "characteristics")
_OWN = (*_TEXTS, "category_id", "image", "group")
_AT_ONCE = 1000


def write_labelled(
    database: Database, output: Path, model: str | None = None, advance: Callable[[int], None] | None = None
) -> int:
    """Writes each product that somebody said something of, with what is right; the suffix chooses the format.

    Columns: ``id`` (the request), the texts, ``category_id``, ``image`` (path of the kept photo, if it is kept),
    ``group`` (alike for the same product) and one 0/1 column a tag, empty where nobody said (a tag
    called like one of the others is left out).

    Returns:
        How many rows; no file is written for none.

    Raises:
        InputError: an output that cannot be written.
    """
    check_output(output)
    tags = sorted({name for _, said in labelled(database, model) for name in said.tags} - {"id", *_OWN})
    columns = [*(Column(name, "str") for name in _OWN), *(Column(name, "int") for name in tags)]
    pieces = _pieces(labelled(database, model))
    first = next(pieces, None)
    if first is None:
        return 0
    rows = 0
    make = WRITERS[output.suffix.lower()]
    with whole(output) as part, make(part, IdColumn("id", pa.string()), columns) as writer:
        for some in chain([first], pieces):
            writer.write([_row(*pair, tags) for pair in some])
            rows += len(some)
            if advance is not None:
                advance(rows)
    return rows


def _pieces(pairs: Iterable[tuple[AnswerRow, FeedbackRow]]) -> Iterator[list[tuple[AnswerRow, FeedbackRow]]]:
    waiting = iter(pairs)
    while some := list(islice(waiting, _AT_ONCE)):
        yield some


def _row(answer: AnswerRow, said: FeedbackRow, tags: Sequence[str]) -> Row:
    texts = (getattr(answer, name) for name in _TEXTS)
    shown = (int(said.tags[tag]) if tag in said.tags else None for tag in tags)
    return (answer.request_id, *texts, said.category_id, answer.image, answer.product, *shown)

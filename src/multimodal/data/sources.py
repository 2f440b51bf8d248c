"""Streams the products of configured sources: join, category map, share, one source after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from multimodal.config.models import SourceConfig
from multimodal.data.join import load_join
from multimodal.data.label_map import load_label_map
from multimodal.data.open import open_reader
from multimodal.data.rows import TableReader
from multimodal.data.splits import held_out, in_share
from multimodal.data.unique import unique_ids
from multimodal.errors import DataError
from multimodal.types import Product, RowError

Rows = Iterator[tuple[int, Product | RowError]]


@dataclass(slots=True)
class SourceTally:
    """Counts what happened to the rows of a source while they were read.

    Attributes:
        read: rows of the source's own file.
        unmatched: left out, as the joined file has no row of their id.
        outside_share: left out by ``share``.
        join_repeated: rows of the joined file left out, as their id stood before.
        errors: code -> rows that became errors.
    """

    read: int = 0
    unmatched: int = 0
    outside_share: int = 0
    join_repeated: int = 0
    errors: Counter[str] = field(default_factory=Counter)


def read_source(
    source: SourceConfig, *, labelled: bool, unique: bool = True, tally: SourceTally | None = None
) -> Iterator[Product | RowError]:
    """Products of one source, in order, with a ``RowError`` in the place of each that cannot be used.

    Joins first, then draws the share by group (errors are given whatever the share), then maps labels.

    Args:
        labelled: whether categories are read; then a column of them must be there.
        unique: later rows of an id become errors; for training. Turn it off where each row wants an answer.
        tally: filled while the items are taken.

    Raises:
        DataError: the source cannot be read as described; raised here, before the first item.
    """
    reader = open_reader(source, labelled=labelled)
    counts = tally if tally is not None else SourceTally()
    rows: Rows = enumerate(unique_ids(reader) if unique else reader)
    rows = _counted(_taken(rows, source, reader), counts)
    rows = _joined(rows, source, reader, counts, labelled=labelled)
    rows = _shared(rows, source, counts)
    rows = _mapped(rows, source)
    return _items(rows, counts)


def read_sources(
    sources: Iterable[SourceConfig], *, labelled: bool, unique: bool = True, tally: SourceTally | None = None
) -> Iterator[Product | RowError]:
    """Products of several sources, one after another; ids may repeat between sources.

    All sources are opened first, so that a wrong name in the last one costs no reading of the others.

    Raises:
        DataError: see ``read_source``.
    """
    streams = [read_source(source, labelled=labelled, unique=unique, tally=tally) for source in sources]
    return (item for stream in streams for item in stream)


def source_count(source: SourceConfig) -> int | None:
    """How many items a source will give, for progress bars; None where only reading it tells."""
    if source.join is not None or source.share < 1 or source.held_out is not None:
        return None
    return open_reader(source, labelled=False).count()


def _taken(rows: Rows, source: SourceConfig, reader: TableReader) -> Rows:
    if source.held_out is None:
        return rows
    count = reader.count()
    if count is None:
        raise DataError(
            f"{reader.rules.origin}: held_out: got {source.held_out} rows of a file that does not say how many it has, "
            "expected a parquet or IDX file, or a folder of photos; save it as parquet, or divide it with "
            "`multimodal data split`"
        )
    if source.held_out >= count:
        raise DataError(
            f"{reader.rules.origin}: held_out: got {source.held_out} of {count} rows, expected fewer than there are; "
            "hold fewer out"
        )
    held, wanted = held_out(count, source.held_out), source.take == "held_out"
    return ((row, item) for row, item in rows if (row in held) == wanted)


def _counted(rows: Rows, counts: SourceTally) -> Rows:
    for pair in rows:
        counts.read += 1
        yield pair


def _joined(rows: Rows, source: SourceConfig, reader: TableReader, counts: SourceTally, *, labelled: bool) -> Rows:
    if source.join is None:
        return rows
    table = load_join(source, source.join, reader.rules, labelled=labelled)
    counts.join_repeated += table.repeated

    def joined() -> Rows:
        for row, item in rows:
            found = table.complete(item, row) if isinstance(item, Product) else item
            if found is None:
                counts.unmatched += 1
            else:
                yield row, found

    return joined()


def _shared(rows: Rows, source: SourceConfig, counts: SourceTally) -> Rows:
    for row, item in rows:
        if isinstance(item, RowError) or in_share(item, row, source.share, source.seed):
            yield row, item
        else:
            counts.outside_share += 1


def _mapped(rows: Rows, source: SourceConfig) -> Rows:
    known = load_label_map(source.category_map)
    if known is None:
        return rows
    return ((row, known.apply(item, row) if isinstance(item, Product) else item) for row, item in rows)


def _items(rows: Rows, counts: SourceTally) -> Iterator[Product | RowError]:
    for _, item in rows:
        if isinstance(item, RowError):
            counts.errors[item.code] += 1
        yield item

"""A file of products in, a file of answers out: streaming, one row out for each row in, in order."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from multimodal.config.models import SourceConfig
from multimodal.errors import InputError
from multimodal.types import Answer, Product, RowError, RowId

if TYPE_CHECKING:
    import pyarrow as pa

    from multimodal.data.columns import ResolvedColumns

_ROW_GROUP = 8192


class Classifier(Protocol):
    """What is asked of a predictor to classify a file."""

    def classify(
        self,
        products: Sequence[Product | RowError],
        *,
        top_k: int = 2,
        min_confidence: float | None = None,
        explain: bool = False,
    ) -> Sequence[Answer]:
        """An answer for each product, in order."""
        ...


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file.

    Attributes:
        rows: rows read and written.
        errors: how many of them have no answer; ``errors_file`` lists them, None without any.
    """

    rows: int
    errors: int
    output: Path
    errors_file: Path | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "rows": self.rows,
            "errors": self.errors,
            "output": str(self.output),
            "errors_file": None if self.errors_file is None else str(self.errors_file),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row of the output. ``row`` counts from 0 in the input and tells rows without an id apart."""

    id: RowId
    category_id: str | None = None
    category_name: str | None = None
    category_path: str | None = None
    probability: float | None = None
    decision: str | None = None
    category_id_2: str | None = None
    probability_2: float | None = None
    used: str | None = None
    needs_review: bool | None = None
    warnings: str | None = None
    error: str | None = None
    row: int = 0


_COLUMNS = tuple(field.name for field in fields(AnswerRow))


def classify_file(
    predictor: Classifier,
    source: SourceConfig,
    output: Path,
    *,
    min_confidence: float | None = None,
    repeated_ids: bool = False,
    batch_size: int = 64,
    on_progress: Callable[[int], None] | None = None,
) -> FileReport:
    """Classifies every product of a source into a file; holds one batch of products in memory.

    The output appears under its name when it is whole. Rows without an answer keep their place with the
    reason in ``error``, and are listed in ``<output>.errors.csv``.

    Args:
        repeated_ids: answer rows whose id stood in an earlier row; else they are errors, and the ids
            seen so far are kept in memory too.
        on_progress: called after each batch with the number of rows done.

    Raises:
        InputError: an output that cannot be written.
        DataError: a source that cannot be read as described.
    """
    from multimodal.data import open_reader, read_source

    check_output(output, None if source.path is None else Path(source.path))
    id_column = _id_column(source, open_reader(source, labelled=False).columns)
    stream = read_source(source, labelled=False, unique=not repeated_ids)
    started, rows, errors = time.perf_counter(), 0, _ErrorsFile(errors_path(output))
    with _whole(output) as part, errors, _WRITERS[output.suffix.lower()](part, id_column) as writer:
        while batch := list(islice(stream, batch_size)):
            answers = predictor.classify(batch, top_k=2, min_confidence=min_confidence)
            placed = [_placed(answer, rows + i) for i, answer in enumerate(answers)]
            writer.write([_row(answer, rows + i, id_column) for i, answer in enumerate(placed)])
            errors.write(answer for answer in placed if isinstance(answer, RowError))
            rows += len(batch)
            if on_progress is not None:
                on_progress(rows)
    listed = errors.path if errors.count else None
    return FileReport(rows, errors.count, output, listed, time.perf_counter() - started)


def check_output(output: Path, source: Path | None = None) -> None:
    """Raises InputError for an unknown suffix, a folder, or the input itself; before any work is done."""
    if output.suffix.lower() not in _WRITERS:
        raise InputError(
            f"{output}: got the suffix {output.suffix!r}, expected one of {', '.join(_WRITERS)}; "
            "the suffix chooses the format of the output"
        )
    if output.is_dir():
        raise InputError(f"{output}: got a folder, expected the name of a file to write")
    if source is not None and source.exists() and output.exists() and output.samefile(source):
        raise InputError(f"{output}: the output would overwrite the input; choose another name")


def errors_path(output: Path) -> Path:
    """Where the rows without an answer are listed."""
    return output.with_name(output.name + ".errors.csv")


def write_errors(path: Path, errors: Iterable[RowError]) -> None:
    """Writes errors as CSV: row, id, stage, code, message."""
    with _ErrorsFile(path) as file:
        file.write(errors)


@dataclass(frozen=True, slots=True)
class _IdColumn:
    """The id's column in the output, its arrow type, and whether rows without ids are numbered."""

    name: str
    kind: pa.DataType
    numbered: bool = False


def _id_column(source: SourceConfig, columns: ResolvedColumns) -> _IdColumn:
    """Name and type of the id as the source has them; the row's number where it has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if columns.id is None:
        return _IdColumn("id", pa.int64(), numbered=True)
    name = columns.id if columns.id not in _COLUMNS else "id"
    path = Path(source.path or "")
    kind = None
    with suppress(pa.ArrowException, OSError, KeyError):  # no parquet file: then ids are text
        kind = pq.read_schema(path).field(columns.id).type
    known = kind is not None and any(
        test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_large_string)
    )
    return _IdColumn(name, kind if known else pa.string())


def _placed(answer: Answer, row: int) -> Answer:
    """The answer with its row in the whole input instead of its batch."""
    return answer if answer.row == row else replace(answer, row=row)


def _row(answer: Answer, row: int, id_column: _IdColumn) -> AnswerRow:
    own_id = row if id_column.numbered else answer.id
    if isinstance(answer, RowError):
        return AnswerRow(own_id, error=f"{answer.code}: {answer.message}", row=row)
    chosen = answer.category
    second = answer.suggestions[1] if len(answer.suggestions) > 1 else None
    return AnswerRow(
        id=own_id,
        category_id=None if chosen is None else chosen.id,
        category_name=None if chosen is None else chosen.name,
        category_path=None if chosen is None else " > ".join(step.name for step in chosen.path),
        probability=None if chosen is None else chosen.probability,
        decision=answer.decision,
        category_id_2=None if second is None else second.id,
        probability_2=None if second is None else second.probability,
        used=answer.used,
        needs_review=answer.needs_review,
        warnings="; ".join(answer.warnings) or None,
        row=row,
    )


@contextmanager
def _whole(output: Path) -> Iterator[Path]:
    """A name to write under; becomes ``output`` when all went well and is removed when not."""
    part = output.with_name(output.name + ".part")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}); choose another place") from error
    try:
        yield part
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


class _TextWriter:
    """Base of the formats that are lines of text."""

    def __init__(self, path: Path, id_column: _IdColumn) -> None:
        self._path = path
        self._names = (id_column.name, *_COLUMNS[1:])

    def __enter__(self) -> _TextWriter:
        # a lone surrogate, from bytes that were no UTF-8, is written as its escape
        self._stream = self._path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        self.start(self._stream)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def start(self, stream: TextIO) -> None:
        """Writes what stands before the rows."""

    def write(self, rows: Sequence[AnswerRow]) -> None:
        """Appends rows."""
        raise NotImplementedError


class _CsvWriter(_TextWriter):
    def start(self, stream: TextIO) -> None:
        self._csv = csv.writer(stream)
        self._csv.writerow(self._names)

    def write(self, rows: Sequence[AnswerRow]) -> None:
        self._csv.writerows([_cell(value) for value in astuple(row)] for row in rows)


class _JsonLinesWriter(_TextWriter):
    def write(self, rows: Sequence[AnswerRow]) -> None:
        for row in rows:
            document: Mapping[str, object] = dict(zip(self._names, astuple(row), strict=True))
            self._stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


class _ParquetWriter:
    """Gathers rows into groups of a useful size; they are a few hundred bytes each."""

    def __init__(self, path: Path, id_column: _IdColumn) -> None:
        import pyarrow as pa

        kinds = {"str": pa.string(), "float": pa.float64(), "bool": pa.bool_(), "int": pa.int64()}
        typed = [(f.name, kinds[str(f.type).partition(" ")[0]]) for f in fields(AnswerRow)[1:]]
        self._path = path
        self._schema = pa.schema([(id_column.name, id_column.kind), *typed])
        self._rows: list[AnswerRow] = []

    def __enter__(self) -> _ParquetWriter:
        import pyarrow.parquet as pq

        self._file = pq.ParquetWriter(self._path, self._schema)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._file.close()

    def write(self, rows: Sequence[AnswerRow]) -> None:
        self._rows.extend(rows)
        if len(self._rows) >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        columns = list(zip(*(astuple(row) for row in self._rows), strict=True)) or [()] * len(self._schema)
        arrays = [_array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_floating(kind):
        values = [None if v is None else float(v) for v in values]  # type: ignore[arg-type]
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = [None if v is None else _encodable(str(v)) for v in values]
    return pa.array(values, type=kind)


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: object) -> object:
    """How a value looks in CSV: null is empty, flags as JSON writes them, six digits are enough."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6f}" if isinstance(value, float) else value


_WRITERS: Mapping[str, Callable[[Path, _IdColumn], Any]] = {
    ".parquet": _ParquetWriter,
    ".csv": _CsvWriter,
    ".jsonl": _JsonLinesWriter,
}


class _ErrorsFile:
    """Opens its file at the first error; without any, a file left there by an earlier run goes away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._stream: TextIO | None = None

    def __enter__(self) -> _ErrorsFile:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, errors: Iterable[RowError]) -> None:
        """Appends errors."""
        for error in errors:
            if self._stream is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
                csv.writer(self._stream).writerow(("row", "id", "stage", "code", "message"))
            row = (error.row, error.id, error.stage, error.code, error.message)
            csv.writer(self._stream).writerow(row)
            self.count += 1

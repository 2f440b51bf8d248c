"""A file of products in, a file of answers out: streaming, one row out for each row in, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from multimodal.config.models import PredictConfig, SourceConfig
from multimodal.data.errors_file import ErrorsFile
from multimodal.data.unique import DUPLICATE_ID
from multimodal.errors import InputError
from multimodal.options import AnswerOptions
from multimodal.serving.forms import AnswerForm, Form, form_of
from multimodal.serving.writers import WRITERS, IdColumn, Row, errors_path, whole
from multimodal.types import Answer, InputName, Product, RowError

if TYPE_CHECKING:
    from multimodal.data.columns import ResolvedColumns
    from multimodal.serving.predictor import Predictor


class Classifier(Protocol):
    """What is asked of a predictor to classify a file."""

    def stream(
        self,
        products: Iterable[Product | RowError],
        options: AnswerOptions = ...,
        *,
        explain: bool = False,
        batch_size: int = 64,
        inputs: frozenset[InputName] | None = None,
    ) -> Iterator[Answer]:
        """An answer for each product, in order."""
        ...


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file.

    Attributes:
        rows: rows read and written.
        errors: how many of them have no answer; ``errors_file`` lists them, None without any.
        repeated: how many of those have an id that stood in an earlier row.
    """

    rows: int
    errors: int
    output: Path
    errors_file: Path | None
    seconds: float
    repeated: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "rows": self.rows,
            "errors": self.errors,
            "output": str(self.output),
            "errors_file": None if self.errors_file is None else str(self.errors_file),
            "seconds": round(self.seconds, 3),
        }


def classify_file(
    predictor: Classifier,
    source: SourceConfig,
    output: Path,
    *,
    options: AnswerOptions | None = None,
    explain: bool = False,
    repeated_ids: bool = False,
    batch_size: int = 64,
    form: Form | None = None,
    inputs: frozenset[InputName] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> FileReport:
    """Classifies every product of a source into a file; holds two batches of products in memory.

    The output appears under its name when it is whole. Rows without an answer keep their place with the
    reason in ``error``, and are listed in ``<output>.errors.csv``.

    Args:
        options: of every answer.
        explain: fill the column ``explanation``.
        repeated_ids: answer rows whose id stood in an earlier row; else they are errors, and the ids
            seen so far are kept in memory too.
        form: the columns to write; all that an answer says by default.
        inputs: what may be seen of each product; all by default.
        on_progress: called after each batch with the number of rows done.

    Raises:
        InputError: an output that cannot be written.
        DataError: a source that cannot be read as described.
    """
    from multimodal.data import open_reader, read_source

    check_output(output, source.path)
    options = options or AnswerOptions()
    form = AnswerForm(options.top_k) if form is None else form
    id_column = _id_column(source, open_reader(source, labelled=False).columns, form)
    stream = read_source(source, labelled=False, unique=not repeated_ids)
    started, rows, repeated, errors = time.perf_counter(), 0, 0, ErrorsFile(errors_path(output))
    with whole(output) as part, errors, _writer(output, part, id_column, form) as writer:
        answers = predictor.stream(stream, options, explain=explain, batch_size=batch_size, inputs=inputs)
        while batch := list(islice(answers, batch_size)):
            writer.write([_row(answer, id_column, form) for answer in batch])
            failed = [answer for answer in batch if isinstance(answer, RowError)]
            errors.write(failed)
            rows, repeated = rows + len(batch), repeated + sum(error.code == DUPLICATE_ID for error in failed)
            if on_progress is not None:
                on_progress(rows)
    listed = errors.path if errors.count else None
    return FileReport(rows, errors.count, output, listed, time.perf_counter() - started, repeated)


def answer_asked(
    predictor: Predictor, wanted: PredictConfig, on_progress: Callable[[int], None] | None = None
) -> FileReport:
    """Answers the products that a training configuration asks for, in the form it asks for."""
    manifest = predictor.manifest
    form = form_of(wanted.form, [tag.name for tag in manifest.tags], [one.name for one in manifest.attributes])
    seen: frozenset[InputName] | None = frozenset({"image"}) if wanted.form == "tags" else None  # as `multimodal tags`
    return classify_file(
        predictor, wanted.input, Path(wanted.output), form=form, inputs=seen, repeated_ids=True, on_progress=on_progress
    )


def check_output(output: Path, source: str | Path | None = None) -> None:
    """Refuses an output before any work is done.

    Args:
        source: the input's path, or a pattern of its parts.

    Raises:
        InputError: an unknown suffix, a folder, or the input itself.
        DataError: a pattern that matches no file.
    """
    from multimodal.data import files_of

    if output.suffix.lower() not in WRITERS:
        raise InputError(
            f"{output}: got the suffix {output.suffix!r}, expected one of {', '.join(WRITERS)}; "
            "the suffix chooses the format of the output"
        )
    if output.is_dir():
        raise InputError(f"{output}: got a folder, expected the name of a file to write")
    inputs = files_of(str(source)) if source is not None and output.exists() else []
    if any(file.exists() and output.samefile(file) for file in inputs):
        raise InputError(f"{output}: the output would overwrite the input; choose another name")


def _writer(output: Path, part: Path, id_column: IdColumn, form: Form) -> Any:
    return WRITERS[output.suffix.lower()](part, id_column, form.columns)


def _id_column(source: SourceConfig, columns: ResolvedColumns, form: Form) -> IdColumn:
    """Name and type of the id as the source has them; the row's number where it has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from multimodal.data import files_of

    if columns.id is None:
        return IdColumn("id", pa.int64(), numbered=True)
    name = columns.id if columns.id not in {column.name for column in form.columns} else "id"
    kinds = []
    with suppress(pa.ArrowException, OSError, KeyError):  # no parquet file: then ids are text
        kinds = [pq.read_schema(file).field(columns.id).type for file in files_of(source.path or "")]
    same = len(set(kinds)) == 1 and any(
        test(kinds[0])
        for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_large_string)
    )
    return IdColumn(name, kinds[0] if same else pa.string())


def _row(answer: Answer, id_column: IdColumn, form: Form) -> Row:
    return (answer.row if id_column.numbered else answer.id, *form.values(answer))

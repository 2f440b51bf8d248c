"""The report that ``multimodal evaluate --report`` writes, of categories, of tags and attributes, or of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.cli.console import progress

if TYPE_CHECKING:
    from multimodal.config.models import SourceConfig
    from multimodal.report import Shown
    from multimodal.serving import Predictor
    from multimodal.serving.evaluate import Evaluation
    from multimodal.serving.label_figures import LabelFigures


def write_pages(
    folder: Path,
    document: Mapping[str, Any],
    found: Evaluation | None,
    told: LabelFigures | None,
    predictor: Predictor,
    source: SourceConfig,
    *,
    data: str,
    history: Path | None,
) -> Path:
    """Writes the report and gives its page.

    Args:
        found: the figures of categories; None where the data has none, and then ``told`` is there.
        told: the figures of tags and attributes, where there are any.
        source: the rows that were measured.
        data: how the page calls them.
    """
    from multimodal.report import Shown, write_label_report, write_report
    from multimodal.serving.label_figures import with_labels

    described = None if told is None else with_labels(source, predictor.manifest)
    shown = None if told is None or described is None else Shown(told, described)
    with _reading(shown) as advance:
        if found is not None:
            return write_report(
                folder, found.measured, predictor.tree, document, data=data, history=history, shown=shown,
                on_progress=advance,
            )  # fmt: skip
        assert shown is not None
        return write_label_report(folder, document, shown, data=data, history=history, on_progress=advance)


@contextmanager
def _reading(shown: Shown | None) -> Iterator[Callable[[int], None] | None]:
    """Progress over the rows that are read again for the photos of mistakes."""
    from multimodal.data import source_count

    if shown is None:
        yield None
        return
    with progress("Photos for the report", source_count(shown.source)) as advance:
        yield advance

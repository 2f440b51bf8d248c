"""Tags and attributes in ``multimodal evaluate``: measured where the data tells them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from multimodal.cli.console import progress, stdout
from multimodal.errors import InputError, nearest

if TYPE_CHECKING:
    from multimodal.config.models import SourceConfig
    from multimodal.serving import Predictor
    from multimodal.serving.label_figures import LabelFigures
    from multimodal.types import Product


def label_figures(
    predictor: Predictor, source: SourceConfig, keep: Callable[[Product, int], bool] | None
) -> LabelFigures | None:
    """The figures of what the photos show; None where the bundle, or the data, tells nothing of it."""
    from multimodal.data import read_source, source_count
    from multimodal.serving.label_figures import measure_labels, with_labels

    _check_names(predictor, source)
    if not predictor.manifest.tags and not predictor.manifest.attributes:
        return None
    described = with_labels(source, predictor.manifest)
    if described is None:
        return None
    with progress("Tags and attributes", source_count(source)) as advance:
        items = read_source(described, labelled=False)
        return measure_labels(predictor, items, keep=keep, on_progress=advance)


def _check_names(predictor: Predictor, source: SourceConfig) -> None:
    """Columns may be named for what the bundle tells, and for nothing else."""
    manifest = predictor.manifest
    for kind, asked, known in (
        ("tags", source.columns.tags, [spec.name for spec in manifest.tags]),
        ("attributes", source.columns.attributes, [spec.name for spec in manifest.attributes]),
    ):
        for name in asked:
            if name not in known:
                told = ", ".join(known) or f"no {kind}"
                raise InputError(
                    f"--column {kind}.{name}: the bundle {predictor.name!r} tells {told}.{nearest(name, known)} "
                    "Correct the name, or leave it out"
                )


def print_labels(document: Mapping[str, Any]) -> None:
    """Prints a table of tags and one of attributes, where there are any."""
    from rich.table import Table
    from rich.text import Text

    def figure(value: object) -> str:
        return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"

    def table(title: str, first: str, keys: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]]) -> Table:
        made = Table(first, title=title)
        for heading in keys.values():
            made.add_column(heading, justify="right")
        for name, figures in rows.items():
            made.add_row(Text(name), *(figure(figures.get(key)) for key in keys))
        return made

    tags, attributes = document.get("tags") or {}, document.get("attributes") or {}
    if tags:
        title = f"Tags: macro F1 {figure(tags['macro_f1'])}"
        if "exact_match" in tags:
            title += f", all of a photo right {tags['exact_match']:.4f}"
        stdout().print(table(title, "tag", _TAGS, tags["by_tag"]))
    if attributes:
        stdout().print(table("Attributes", "attribute", _ATTRIBUTES, attributes))


_TAGS = {
    "rows": "photos", "positives": "with it", "precision": "precision", "recall": "recall", "f1": "F1",
    "average_precision": "average precision",
}  # fmt: skip
_ATTRIBUTES = {
    "rows": "photos", "values": "values", "top1": "top-1", "top2": "top-2", "macro_f1": "macro F1", "nll": "NLL",
    "majority": "commonest value",
}  # fmt: skip

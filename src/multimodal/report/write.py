"""Writes the report's folder: page, pictures, figures and a table of all categories."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from multimodal.errors import InputError
from multimodal.report.blocks import Block, to_html, to_markdown
from multimodal.report.confusion import plot_confusion, tree_confusion
from multimodal.report.coverage import plot_coverage
from multimodal.report.curves import plot_curves, read_histories
from multimodal.report.details import Details, class_dict, collect
from multimodal.report.labels import Shown, clear_labels, collect_labels, label_blocks
from multimodal.report.page import Pictures, label_page, page
from multimodal.report.reliability import plot_reliability
from multimodal.report.sizes import plot_sizes
from multimodal.report.style import require_matplotlib
from multimodal.serving.measured import Measured
from multimodal.taxonomy import Tree

BLOCKS, LEAVES = 40, 320
"""Most nodes in the two heat maps: the one with numbers, and the fine one."""


def check_report(folder: Path, history: Path | None) -> None:
    """Raises what ``write_report`` would raise for its settings; to be asked before minutes of work."""
    require_matplotlib()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: got a file, expected the name of a folder for the report")
    if history is not None:
        read_histories(history)


def write_report(
    folder: Path,
    measured: Measured,
    tree: Tree,
    document: Mapping[str, Any],
    *,
    data: str,
    history: Path | None = None,
    shown: Shown | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Path:
    """Writes ``index.html``, ``report.md``, ``metrics.json``, ``classes.csv`` and ``plots/``.

    Args:
        folder: made where it is not there; files of an earlier report are replaced.
        document: what ``multimodal evaluate --json`` prints of the same evaluation.
        data: how the page calls the rows.
        history: work folder of the training run, for its curves.
        shown: tags and attributes, where the data tells some: figures and sheets of mistakes with their photos.
        on_progress: called now and then with the number of rows passed in search of those photos.

    Returns:
        The page in HTML, one file that holds its pictures.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: the folder cannot be written, or ``history`` holds no training history.
        DataError: the source of the photos cannot be read any more.
    """
    check_report(folder, history)
    histories = None if history is None else read_histories(history)
    details = collect(measured, tree)
    labels = None if shown is None else collect_labels(shown, on_progress)
    with _writing(folder) as plots:
        curves = None if histories is None else plot_curves(histories, plots / "curves.png")
        pictures = _draw(measured, tree, details, plots, curves)
        told = () if labels is None else label_blocks(document, labels, plots)
        index = _write_page(folder, page(document, details, tree, pictures, data, told))
        _write_figures(folder, {**document, **details.to_dict(tree)})
        _write_classes(folder / "classes.csv", details, tree)
    return index


def write_label_report(
    folder: Path,
    document: Mapping[str, Any],
    shown: Shown,
    *,
    data: str,
    history: Path | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Path:
    """As ``write_report``, of data without categories: tags and attributes alone, and no ``classes.csv``."""
    check_report(folder, history)
    histories = None if history is None else read_histories(history)
    labels = collect_labels(shown, on_progress)
    with _writing(folder) as plots:
        curves = None if histories is None else plot_curves(histories, plots / "curves.png")
        index = _write_page(folder, label_page(document, label_blocks(document, labels, plots), curves, data))
        _write_figures(folder, document)
    return index


@contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """The folder of the plots, made and rid of an earlier report's photos.

    Raises:
        InputError: something cannot be written there.
    """
    try:
        plots = folder / "plots"
        plots.mkdir(parents=True, exist_ok=True)
        clear_labels(plots)
        yield plots
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error


def _write_page(folder: Path, blocks: Sequence[Block]) -> Path:
    folder.joinpath("report.md").write_text(to_markdown(blocks, folder), encoding="utf-8")
    index = folder / "index.html"
    index.write_text(to_html(blocks), encoding="utf-8", errors="xmlcharrefreplace")
    return index


def _write_figures(folder: Path, document: Mapping[str, Any]) -> None:
    figures = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    folder.joinpath("metrics.json").write_text(figures + "\n", encoding="utf-8")


def _draw(measured: Measured, tree: Tree, details: Details, plots: Path, curves: Path | None) -> Pictures:
    blocks = tree_confusion(measured.pred, measured.labels, tree, BLOCKS)
    fine = tree_confusion(measured.pred, measured.labels, tree, LEAVES)
    same = fine.depth == blocks.depth
    return Pictures(
        blocks=plot_confusion(blocks, tree, plots / "confusion_blocks.png", numbers=len(blocks.nodes) <= BLOCKS),
        leaves=None if same else plot_confusion(fine, tree, plots / "confusion_leaves.png", numbers=False),
        reliability=plot_reliability(details.answers, plots / "reliability.png"),
        coverage=plot_coverage(details.coverage, plots / "coverage.png"),
        sizes=plot_sizes(details.sizes, details.classes, tree, plots / "class_sizes.png"),
        curves=curves,
    )


def _write_classes(file: Path, details: Details, tree: Tree) -> None:
    rows = [class_dict(c, tree) for c in details.classes]
    with file.open("w", encoding="utf-8-sig", newline="") as stream:  # the mark tells spreadsheets it is UTF-8
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()} for row in rows)

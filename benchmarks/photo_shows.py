"""What a bundle reads from photos besides categories: measured on labelled photos and on drawings, for its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.serving.label_figures import measure_labels, with_labels
from tables import cell, table

if TYPE_CHECKING:
    from multimodal.serving import Predictor

PATTERNS = "dress_patterns"
DRAWN, DRAWN_SEED = 1000, 4021
"""Drawings with several patterns, from a seed that no training uses."""


def shows(predictor: Predictor, data: Path, splits: Sequence[str]) -> dict[str, Any]:
    """Figures by data set and split; empty for a bundle that tells categories alone.

    Args:
        data: folder of the products; the set of patterns is looked for beside it.
    """
    if not predictor.manifest.tags and not predictor.manifest.attributes:
        return {}
    found: dict[str, Any] = {}
    files = [(folder.name, split, folder / f"{split}.parquet") for folder in (data, data.parent / PATTERNS)
             for split in splits]  # fmt: skip
    for name, split, file in files:
        if file.is_file():
            found.setdefault(name, {})[split] = _figures(predictor, SourceConfig(path=str(file)))
    tags = {spec.name: spec.name for spec in predictor.manifest.tags}
    drawings = SourceConfig(
        format="drawings", products=DRAWN, seed=DRAWN_SEED, several=0.5, columns=ColumnMap(tags=tags)
    )
    found["drawings"] = {f"seed {DRAWN_SEED}": _figures(predictor, drawings)}
    return found


def _figures(predictor: Predictor, source: SourceConfig) -> dict[str, Any]:
    described = source if source.format == "drawings" else with_labels(source, predictor.manifest)
    found = None if described is None else measure_labels(predictor, read_source(described, labelled=False))
    return {} if found is None else {"tags": found.tag_document(), "attributes": found.attribute_document()}


def section(evaluation: Mapping[str, Any]) -> list[str]:
    """The card's section; empty without such figures."""
    found = evaluation.get("shows")
    if not found:
        return []
    tags, attributes = [], []
    for name, splits in found.items():
        for split, figures in splits.items():
            told = figures.get("tags") or {}
            for tag, one in told.get("by_tag", {}).items():
                cells = [cell(one[key]) for key in ("precision", "recall", "f1", "average_precision")]
                tags.append([name, split, tag, f"{one['positives']:,} of {one['rows']:,}", *cells])
            if told:
                whole = cell(told.get("exact_match"))
                tags.append([name, split, "**macro**", f"all right: {whole}", "", "", cell(told["macro_f1"]), ""])
            for attribute, one in figures.get("attributes", {}).items():
                cells = [cell(one[key]) for key in ("top1", "top2", "macro_f1", "majority")]
                attributes.append([name, split, attribute, f"{one['rows']:,}", str(one["values"]), *cells])
    head = ["data", "split", "tag", "photos", "precision", "recall", "F1", "average precision"]
    lines = ["## What the photo shows", "", "Tags, from the photo alone:", "", *table(head, tags, left=4), ""]
    if attributes:
        head = ["data", "split", "attribute", "photos", "values", "top-1", "top-2", "macro F1", "commonest value"]
        lines += ["Attributes, from the photo alone:", "", *table(head, attributes, left=3), ""]
    lines += [
        "Thresholds of tags are chosen for F1 on the select half of val. The labels of dress_patterns are one crowd "
        "worker's single choice a photo, so that a photo with two patterns counts as wrong for one of them; drawings "
        "have exact labels, several at once among them.",
        "",
    ]
    return lines

"""The figures of a bundle's tags and attributes on photos of which some are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.artifact import Manifest
from multimodal.config.models import SourceConfig
from multimodal.data import guess_columns, open_reader
from multimodal.evaluation import attribute_metrics, tag_metrics
from multimodal.serving.predictor import Predictor
from multimodal.text.characteristics import attribute_value
from multimodal.types import FloatArray, Product, RowError

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """What was measured of tags and attributes.

    Attributes:
        rows: numbers of the photos measured, in the data.
        tags: tag -> probability [N].
        truth: tag -> 1, 0, or -1 where it is not known [N].
        attributes: attribute -> probabilities [N, values].
        codes: attribute -> the right value's number, or -1 [N].
        errors: rows that could not be read, and photos that tell something but cannot be seen.
    """

    rows: npt.NDArray[np.int64]
    tags: Mapping[str, FloatArray]
    truth: Mapping[str, npt.NDArray[np.int64]]
    attributes: Mapping[str, FloatArray]
    codes: Mapping[str, npt.NDArray[np.int64]]
    thresholds: Mapping[str, float]
    errors: tuple[RowError, ...] = ()

    def tag_document(self) -> dict[str, Any]:
        """Figures of the tags, as JSON values; empty without any."""
        known = {name: probs for name, probs in self.tags.items() if (self.truth[name] != _UNKNOWN).any()}
        return tag_metrics(known, self.truth, self.thresholds) if known else {}

    def attribute_document(self) -> dict[str, Any]:
        """Figures of the attributes, as JSON values; empty without any."""
        found = {}
        for name, probs in self.attributes.items():
            rows = self.codes[name] != _UNKNOWN
            if rows.any():
                found[name] = attribute_metrics(probs[rows], self.codes[name][rows])
        return found


def with_labels(source: SourceConfig, manifest: Manifest) -> SourceConfig | None:
    """The source with the columns of the bundle's tags and attributes that it has; None where it has none.

    A column is taken for a tag or an attribute that it is called like, up to case, unless ``columns`` says.
    """
    found = {name.casefold().strip(): name for name in open_reader(source, labelled=False).rules.found}

    def named(names: Iterable[str], asked: Mapping[str, str]) -> dict[str, str]:
        guessed = {name: found[name.casefold()] for name in names if name.casefold() in found}
        return {**guessed, **asked}

    tags = named((spec.name for spec in manifest.tags), source.columns.tags)
    attributes = named((spec.name for spec in manifest.attributes), source.columns.attributes)
    told = any(spec.characteristic for spec in manifest.attributes)
    if not tags and not attributes and not told:
        return None
    columns = source.columns.model_copy(update={"tags": tags, "attributes": attributes})
    return source.model_copy(update={"columns": columns})


def has_categories(source: SourceConfig) -> bool:
    """Whether the source tells categories, too."""
    reader = open_reader(source, labelled=False)
    if source.join is not None or not reader.rules.found:
        return True  # the reader itself will say what is missing
    return guess_columns(reader.rules.found, source.columns).has_label


def measure_labels(
    predictor: Predictor,
    items: Iterable[Product | RowError],
    *,
    keep: Callable[[Product, int], bool] | None = None,
    batch_size: int = 256,
    on_progress: Callable[[int], None] | None = None,
) -> LabelFigures | None:
    """Reads the tags and attributes of photos of which some are known; None where no photo tells any.

    Args:
        keep: given a product and its row, whether it is to be measured.
        on_progress: called after each batch with the number of rows done.
    """
    manifest = predictor.manifest
    rows: list[int] = []
    errors: list[RowError] = []
    parts: list[tuple[Mapping[str, Any], ...]] = []
    numbered = enumerate(items)
    while batch := list(islice(numbered, batch_size)):
        errors += [item for _, item in batch if isinstance(item, RowError)]
        there = [(i, p) for i, p in batch if isinstance(p, Product) and p.image is not None]
        kept = [(i, p) for i, p in there if _tells(p, manifest) and (keep is None or keep(p, i))]
        if kept:
            products = [p for _, p in kept]
            rows += [i for i, _ in kept]
            known = _truth(products, manifest), _codes(products, manifest)
            parts.append((*predictor.label_probabilities(products), *known))
            errors += _unseen(predictor, kept, parts[-1])
        if on_progress is not None:
            on_progress(batch[-1][0] + 1)
    if not parts:
        return None
    tags, attributes, truth, codes = (_joined([part[k] for part in parts]) for k in range(4))
    read = _read(tags, attributes)
    tags, truth, attributes, codes = (
        {name: values[read] for name, values in told.items()} for told in (tags, truth, attributes, codes)
    )
    thresholds = {spec.name: spec.threshold for spec in manifest.tags}
    said = tuple(sorted(errors, key=lambda error: error.row))
    return LabelFigures(np.array(rows)[read], tags, truth, attributes, codes, thresholds, said)


def _read(tags: Mapping[str, FloatArray], attributes: Mapping[str, FloatArray]) -> npt.NDArray[np.bool_]:
    """Which photos could be read."""
    one = next(iter(tags.values()), None)
    seen: npt.NDArray[np.bool_] = ~np.isnan(one if one is not None else next(iter(attributes.values()))[:, 0])
    return seen


def _unseen(
    predictor: Predictor, kept: Sequence[tuple[int, Product]], part: tuple[Mapping[str, Any], ...]
) -> list[RowError]:
    """Why some photos could not be read."""
    lost = [one for one, seen in zip(kept, _read(part[0], part[1]), strict=True) if not seen]
    why = predictor.classify([Product(id=p.id, image=p.image) for _, p in lost])
    return [replace(e, row=row) for (row, _), e in zip(lost, why, strict=True) if isinstance(e, RowError)]


def _joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _tells(product: Product, manifest: Manifest) -> bool:
    tags = product.tags or {}
    return any(spec.name in tags for spec in manifest.tags) or any(
        attribute_value(product, spec.name, spec.characteristic) for spec in manifest.attributes
    )


def _truth(products: Sequence[Product], manifest: Manifest) -> dict[str, npt.NDArray[np.int64]]:
    return {
        spec.name: np.array([int((p.tags or {}).get(spec.name, _UNKNOWN)) for p in products], np.int64)
        for spec in manifest.tags
    }


def _codes(products: Sequence[Product], manifest: Manifest) -> dict[str, npt.NDArray[np.int64]]:
    found = {}
    for spec in manifest.attributes:
        number = {value: i for i, value in enumerate(spec.values)}
        found[spec.name] = np.array(
            [number.get(attribute_value(p, spec.name, spec.characteristic) or "", _UNKNOWN) for p in products], np.int64
        )
    return found

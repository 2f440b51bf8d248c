"""Tags and attributes of a bundle: calibrated on the calibrate half, thresholds chosen on the select half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.artifact.engine import Engine
from multimodal.artifact.manifest import AttributeSpec, TagSpec
from multimodal.config.models import RunConfig, TagsConfig
from multimodal.evaluation import attribute_metrics, fit_temperature, tag_metrics, threshold_for
from multimodal.numeric import sigmoid, softmax
from multimodal.training.labels import UNKNOWN, LabelSpace
from multimodal.training.photo_table import PhotoTable
from multimodal.types import FloatArray

_FEW = 5
"""Photos with a tag, and without it, that each half takes to choose and calibrate by; else all rows do both."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the photo head tells besides categories, ready for a manifest."""

    tags: tuple[TagSpec, ...]
    attributes: tuple[AttributeSpec, ...]
    metrics: Mapping[str, Any]


def answered(space: LabelSpace, config: RunConfig) -> tuple[LabelSpace, list[int]]:
    """What of the head a bundle answers, and the numbers of those outputs."""
    slices = space.slices()
    kept = {name: values for name, values in space.attributes.items() if config.attributes[name].answered}
    outputs = list(range(len(space.tags)))
    for name in kept:
        outputs += range(slices[name].start, slices[name].stop)
    return LabelSpace(space.tags, kept), outputs


def fit_labels(engine: Engine, val: PhotoTable, space: LabelSpace, config: RunConfig) -> Labels:
    """Fits the tags and attributes that ``space`` names.

    Args:
        val: validation photos; those that tell something are scored once.
        space: what the engine's label output holds.
    That the validation photos tell enough was checked before the training; see ``check_validation``.
    """
    rows = np.flatnonzero(val.has_labels)
    parts = [engine.photo(val.pixels(rows[at : at + 64]))[1] for at in range(0, len(rows), 64)]
    scores = np.concatenate([p for p in parts if p is not None]) if parts else np.zeros((0, space.width), np.float32)
    half = val.half[rows]
    tags, figures = _tags(scores, val.tags[rows], half, space, config.tags)
    attributes, more = _attributes(scores, val.codes[rows], half, space, config)
    return Labels(tags, attributes, {**figures, **more})


def _tags(
    scores: FloatArray,
    known: npt.NDArray[np.int8],
    half: npt.NDArray[np.str_],
    space: LabelSpace,
    config: TagsConfig | None,
) -> tuple[tuple[TagSpec, ...], dict[str, Any]]:
    specs = []
    truth: dict[str, npt.NDArray[np.int8]] = {}
    probs: dict[str, FloatArray] = {}
    for column, name in enumerate(space.tags):
        assert config is not None
        rows = np.flatnonzero(known[:, column] != UNKNOWN)
        shown = known[rows, column] == 1
        select, held = (_half(rows, half, shown, which) for which in ("select", "calibrate"))
        slope, offset = _platt(scores[rows[held], column], shown[held])
        probability = sigmoid(slope * scores[rows, column] + offset)
        asked = config.precision.get(name) if isinstance(config.precision, dict) else config.precision
        threshold = threshold_for(probability[select], shown[select], asked)
        specs.append(TagSpec(name=name, slope=slope, offset=offset, threshold=threshold, precision=asked))
        truth[name], probs[name] = known[rows, column], probability
    thresholds = {spec.name: spec.threshold for spec in specs}
    return tuple(specs), {"tags": tag_metrics(probs, truth, thresholds)} if specs else {}


def _attributes(
    scores: FloatArray, codes: npt.NDArray[np.int64], half: npt.NDArray[np.str_], space: LabelSpace, config: RunConfig
) -> tuple[tuple[AttributeSpec, ...], dict[str, Any]]:
    specs, figures = [], {}
    slices, every = space.slices(), list(config.attributes)
    for name, values in space.attributes.items():
        code = codes[:, every.index(name)]
        rows = np.flatnonzero(code != UNKNOWN)
        logits = scores[rows, slices[name]]
        held = np.flatnonzero(half[rows] == "calibrate")
        held = held if len(held) >= _FEW else np.arange(len(rows))
        temperature = fit_temperature(logits[held], code[rows][held])
        characteristic = config.attributes[name].characteristic
        specs.append(
            AttributeSpec(name=name, values=values, temperature=temperature, characteristic=characteristic)
        )
        figures[name] = attribute_metrics(softmax(logits, temperature), code[rows])
    return tuple(specs), {"attributes": figures} if figures else {}


def _half(
    rows: npt.NDArray[np.int64], half: npt.NDArray[np.str_], shown: npt.NDArray[np.bool_], which: str
) -> npt.NDArray[np.int64]:
    """Positions of one half within ``rows``; all of them where it has too few of either kind."""
    found = np.flatnonzero(half[rows] == which)
    positives = shown[found].sum()
    enough = positives >= _FEW and len(found) - positives >= _FEW
    return found if enough else np.arange(len(rows))


def _platt(scores: FloatArray, shown: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of ``sigmoid(slope * score + offset)`` (Platt 1999), held back a little where rows are few."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=10.0).fit(scores[:, None].astype(np.float64), shown)
    slope = float(fitted.coef_[0, 0])
    # A better score must never lower a probability, whatever a few rows say.
    return (slope, float(fitted.intercept_[0])) if slope > 0 else (1.0, 0.0)

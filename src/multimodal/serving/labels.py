"""Tags and attributes of a batch, from the scores that the photo graph gives beside the categories'."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from multimodal.artifact import AttributeSpec, Manifest, TagSpec
from multimodal.numeric import sigmoid, softmax
from multimodal.types import AttributeScore, FloatArray, TagScore


def tag_probabilities(manifest: Manifest, scores: FloatArray) -> dict[str, FloatArray]:
    """Tag -> calibrated probability [N]; NaN where the scores [N, width] are."""
    return {tag.name: _probability(tag, scores[:, column]) for column, tag in enumerate(manifest.tags)}


def attribute_probabilities(manifest: Manifest, scores: FloatArray) -> dict[str, FloatArray]:
    """Attribute -> calibrated probabilities [N, values]; NaN rows where the scores are."""
    found: dict[str, FloatArray] = {}
    at = len(manifest.tags)
    for spec in manifest.attributes:
        part = scores[:, at : at + len(spec.values)]
        found[spec.name] = softmax(part, spec.temperature).astype(np.float32)
        at += len(spec.values)
    return found


def tags_of(specs: tuple[TagSpec, ...], probabilities: Mapping[str, FloatArray], row: int) -> tuple[TagScore, ...]:
    """The tags of one row in the bundle's order; none where its photo told nothing."""
    found = [(spec, float(probabilities[spec.name][row])) for spec in specs]
    return tuple(TagScore(spec.name, p, p >= spec.threshold) for spec, p in found if not np.isnan(p))


def attributes_of(
    specs: tuple[AttributeSpec, ...], probabilities: Mapping[str, FloatArray], row: int
) -> tuple[AttributeScore, ...]:
    """The most probable value of each attribute of one row; none where its photo told nothing."""
    found = []
    for spec in specs:
        values = probabilities[spec.name][row]
        if not np.isnan(values).any():
            best = int(values.argmax())
            found.append(AttributeScore(spec.name, spec.values[best], float(values[best])))
    return tuple(found)


def _probability(tag: TagSpec, scores: FloatArray) -> FloatArray:
    return sigmoid(tag.slope * scores + tag.offset).astype(np.float32)

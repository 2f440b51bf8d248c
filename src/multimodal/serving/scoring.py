"""Scores of a batch of samples: each head where its inputs are there, mixed and calibrated by mix of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from multimodal.artifact import Calibration, HeadMix
from multimodal.artifact.engine import Engine, distrust, mix_heads
from multimodal.serving.samples import Sample
from multimodal.taxonomy import Tree
from multimodal.text import TextFields, TextKitchen
from multimodal.types import TEXT_INPUTS, FloatArray, HeadName, InputName, ScoreName, Scores

_TEXT = frozenset(TEXT_INPUTS)
_PHOTO: frozenset[InputName] = frozenset({"image"})
Seen = tuple[frozenset[InputName], bool]
"""The inputs that are seen, and whether the title among them names a category."""


def head_of(present: frozenset[InputName]) -> HeadName:
    """Which head answers for the inputs that are there; without text it is the image head."""
    if "image" not in present:
        return "text"
    return "fused" if present & _TEXT else "image"


def seen_by(head: HeadName, present: frozenset[InputName]) -> frozenset[InputName]:
    """What a head sees of the inputs that are there: "fused" stands for the whole bundle and sees all of them."""
    if head == "fused":
        return present
    return present & _TEXT if head == "text" else present - _TEXT


def score(
    engine: Engine, kitchen: TextKitchen | None, samples: Sequence[Sample], leaves: int
) -> tuple[Scores, np.ndarray]:
    """Raw logits of a batch.

    Returns:
        Scores [N, leaves] by head, NaN where a head's inputs are missing, and a bool array [N] that is
        False where a row has text of which the bundle knows not a single n-gram.
    """
    n = len(samples)
    logits: dict[ScoreName, FloatArray] = {}
    labels: FloatArray | None = None
    trust: FloatArray | None = None
    known = np.ones(n, np.bool_)
    vectors: dict[str, tuple[np.ndarray, FloatArray, FloatArray]] = {}
    with_text = np.array([i for i, s in enumerate(samples) if s.present & _TEXT], np.int64)
    with_image = np.array([i for i, s in enumerate(samples) if s.pixels is not None], np.int64)
    if kitchen is not None and len(with_text):
        ids = engine.known_ids(kitchen.encode([cast(TextFields, samples[i].fields) for i in with_text]))
        known[with_text] = np.sum([ragged.known() for ragged in ids.values()], axis=0) > 0
        vector, values = engine.text(ids)
        vectors["text"] = (with_text, vector, values)
        for name, told in engine.text_scores((vector, values)).items():
            logits[name] = _spread(told, with_text, n, leaves)
    if len(with_image):
        pixels = np.stack([p for i in with_image if (p := samples[i].pixels) is not None])
        (vector, values), said = engine.photo(pixels)
        if said is not None:
            labels = _spread(said, with_image, n, said.shape[1])
        trust = np.ones(n, np.float32)
        trust[with_image] = engine.trust(vector)
        vectors["image"] = (with_image, vector, values)
        logits["image"] = _spread(values, with_image, n, leaves)
    if len(vectors) == 2:
        both, at_text, at_image = np.intersect1d(with_text, with_image, return_indices=True)
        if len(both):
            text, image = vectors["text"], vectors["image"]
            fused = engine.fusion((text[1][at_text], text[2][at_text]), (image[1][at_image], image[2][at_image]))
            logits["fused"] = _spread(fused, both, n, leaves)
    return Scores(logits, labels, trust), known


def look_again(engine: Engine, samples: Sequence[Sample], scores: Scores, *, beside_text: bool = False) -> Scores:
    """The scores with those of a second look at the photos that answer alone and leave doubt.

    Beside text the text answers what a photo leaves open: there a second look would cost time and change nothing.

    Args:
        beside_text: look again at photos with text too, for what the photo alone would have said.
    """
    first = scores.logits.get("image")
    if first is None:
        return scores
    alone = [i for i, s in enumerate(samples) if s.pixels is not None and (beside_text or not s.present & _TEXT)]
    rows = np.array(alone, np.int64)
    rows = rows[engine.unsure(first[rows])]
    if not len(rows):
        return scores
    pixels = np.stack([p for i in rows if (p := samples[i].pixels) is not None])
    both = first.copy()
    both[rows] = engine.second_look(pixels, first[rows])
    return replace(scores, alone=both)


def probabilities(scores: Scores, calibration: Calibration, seen: Sequence[Seen], tree: Tree) -> FloatArray:
    """Calibrated leaf probabilities [N, leaves], each row by its own mix of inputs; NaN without any.

    A photo unlike those of the training counts for less: the answer leans to what is known without it.
    """
    out = np.full((len(seen), len(tree.leaves)), np.nan, np.float32)
    for inputs, named in set(seen):
        if not inputs:
            continue
        rows = np.array([i for i, one in enumerate(seen) if one == (inputs, named)], np.int64)
        shown = scores
        if inputs == _PHOTO and scores.alone is not None:
            shown = replace(scores, logits={"image": scores.alone})
        out[rows] = _mixed(shown, mix_for(calibration, inputs, named), rows, tree)
        strange = rows[scores.trust[rows] < 1] if scores.trust is not None and "image" in inputs else rows[:0]
        if scores.trust is not None and len(strange):
            text = inputs & _TEXT
            without = _mixed(scores, mix_for(calibration, text, named), strange, tree) if text else None
            out[strange] = distrust(out[strange], without, scores.trust[strange])
    return out


def _mixed(scores: Scores, mix: HeadMix, rows: np.ndarray, tree: Tree) -> FloatArray:
    """Probabilities [N, leaves] of some rows by one mix, photos counting in full."""
    logits = {head: scores.logits[head][rows] for head, weight in mix.weights.items() if weight != 0}
    return mix_heads(logits, mix, tree.branches)


def mix_for(calibration: Calibration, inputs: frozenset[InputName], named: bool = True) -> HeadMix:
    """The calibrated mix for these inputs, or the most alike that uses the same modalities.

    A mix can be missing when the validation rows never had it (a photo with characteristics but no title).

    Args:
        named: whether the title names a category.
    """
    exact = calibration.exactly(inputs, named)
    if exact is not None:
        return exact
    head = head_of(inputs)
    best: HeadMix | None = None
    shared = -1
    for name in calibration.mixes:
        other = frozenset(cast("list[InputName]", name.split("+")))
        if head_of(other) == head and len(other & inputs) > shared:
            best, shared = calibration.exactly(other, named), len(other & inputs)
    return best or HeadMix(weights={head: 1.0}, temperature=1.0, chosen="uncalibrated")


def _spread(values: FloatArray, rows: np.ndarray, n: int, leaves: int) -> FloatArray:
    """The values of some rows [N, leaves], NaN in the others; ``rows`` rise."""
    if len(rows) == n:
        return values
    out = np.full((n, leaves), np.nan, np.float32)
    out[rows] = values
    return out

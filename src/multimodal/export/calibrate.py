"""Calibration and routing of an exported bundle, from its own graphs' scores on validation rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt

from multimodal.artifact import Calibration, HeadMix, mix_name
from multimodal.artifact.engine import Engine, distrust, mix_heads
from multimodal.evaluation import fit_mix, fit_row_temperature, nll
from multimodal.export.top_label import chosen_top_label
from multimodal.export.trust import candidate_rules, conflict_threshold, distance_power, promises
from multimodal.numeric import log_softmax
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.training.run import MIN_ROWS
from multimodal.types import INPUTS, TEXT_INPUTS, FloatArray, HeadName, InputName, RaggedIds

Inputs = tuple[InputName, ...]
Logits = Mapping[HeadName, FloatArray]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MixScores:
    """Raw logits of every head that can answer, for the rows that have all inputs of one mix."""

    inputs: Inputs
    rows: Rows
    logits: Logits
    trust: FloatArray | None = None
    """How much each row's photo counts [N]; None where there is none."""


class Scorer:
    """Raw scores of a split's rows through the exported graphs, photo vectors computed once."""

    def __init__(self, engine: Engine, split: Split) -> None:
        self.engine, self.split = engine, split
        self.ids = engine.known_ids(split.text) if split.text is not None else {}
        self._image: tuple[FloatArray, FloatArray] | None = None

    def available(self) -> list[Inputs]:
        """Every mix of inputs that at least ``MIN_ROWS`` rows have in full."""
        there: list[InputName] = []
        if self.split.text is not None:
            there += [n for i, n in enumerate(TEXT_INPUTS) if self.split.has_field[:, i].any()]
        if self.split.pixels is not None and self.split.has_image.any():
            there.append("image")
        subsets = chain.from_iterable(combinations(there, k) for k in range(1, len(there) + 1))
        return [mix for mix in subsets if len(self.rows(mix)) >= MIN_ROWS]

    def rows(self, mix: Inputs) -> Rows:
        """Rows that have every input of the mix."""
        keep = np.ones(len(self.split), np.bool_)
        for name in mix:
            keep &= self.split.has_image if name == "image" else self.split.has_field[:, INPUTS.index(name)]
        return np.flatnonzero(keep)

    def score(self, mix: Inputs) -> MixScores:
        """Logits of the heads that can answer for a mix, on the rows that have it."""
        rows = self.rows(mix)
        logits: dict[HeadName, FloatArray] = {}
        text = self._text(mix, rows) if set(mix) & set(TEXT_INPUTS) else None
        image = None
        if text is not None:
            logits["text"] = text[1]
        if "image" in mix:
            vectors, scores = self._images()
            image = vectors[rows], scores[rows]
            logits["image"] = image[1]
        if text is not None and image is not None:
            cuts = _slices(len(rows), 1024)
            parts = [self.engine.fusion((text[0][c], text[1][c]), (image[0][c], image[1][c])) for c in cuts]
            logits["fused"] = np.concatenate(parts)
        trust = None if image is None else self.engine.trust(image[0])
        return MixScores(mix, rows, logits, trust)

    def _text(self, mix: Inputs, rows: Rows) -> tuple[FloatArray, FloatArray]:
        assert self.split.text is not None
        fields = [i for i, name in enumerate(TEXT_INPUTS) if name in mix]
        shown = {}
        for name, ragged in self.ids.items():
            inside = np.isin(self.split.text[name].fields, fields)
            shown[name] = RaggedIds(np.where(inside, ragged.ids, 0).astype(np.int32), ragged.offsets)
        parts = []
        for some in _slices(len(rows), 256):
            cut = {name: ragged.take(rows[some]).only_known() for name, ragged in shown.items()}
            parts.append(self.engine.text(cut))
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _images(self) -> tuple[FloatArray, FloatArray]:
        if self._image is None:
            pixels = self.split.pixels
            assert pixels is not None
            parts = [self.engine.image(np.asarray(pixels[some])) for some in _slices(len(pixels), 64)]
            self._image = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        return self._image


def calibrate(scorer: Scorer, tree: Tree) -> tuple[Calibration, dict[Inputs, MixScores]]:
    """Chooses, on ``select``, what answers for each mix of inputs; fits temperatures on ``calibrate``.

    Where a product has both text and photo the fusion MLP competes with the plain mix of log scores and
    with a mix of all three. The lowest NLL on select wins, among those that are right there at least as often
    as the plain mix: surer but more often wrong is no gain. What then answers gets its promises and candidates.
    """
    mixes: dict[str, HeadMix] = {}
    mlps: dict[str, HeadMix] = {}
    plain: dict[str, HeadMix] = {}
    scores: dict[Inputs, MixScores] = {}
    for mix in scorer.available():
        scored = scores[mix] = scorer.score(mix)
        name = mix_name(mix)
        labels = scorer.split.labels[scored.rows]
        select, held = _halves(scorer.split, scored.rows)
        if "fused" not in scored.logits:
            head: HeadName = "image" if mix == ("image",) else "text"
            only = _finish({head: 1.0}, head, scored.logits, labels, held)
            only = _stepped(only, scored.logits, labels, select, held)
            mixes[name] = _trusted(only, scorer.split, scored, tree)
            continue
        candidates = {
            chosen: _finish(weights, chosen, scored.logits, labels, held)
            for chosen, weights in _candidates(scored.logits, labels, select).items()
        }
        mlps[name], plain[name] = candidates["mlp"], candidates["log_mix"]
        best = _best(candidates, _take(scored.logits, select), labels[select])
        best = _stepped(best, scored.logits, labels, select, held)
        single = [mixes[mix_name(seen)] for seen in (tuple(n for n in mix if n != "image"), ("image",))]
        mixes[name] = _trusted(best, scorer.split, scored, tree, single)
    return Calibration(mixes=mixes, mlp=mlps, log_mix=plain), scores


def _stepped(
    mix: HeadMix, logits: Logits, labels: npt.NDArray[np.int64], select: Rows, held: Rows
) -> HeadMix:
    """The mix with a second step of calibration where that wins on select."""
    top = chosen_top_label(mix_heads(logits, mix), labels, select, held)
    return mix.model_copy(update={"top": top})


def answers(scored: MixScores, mix: HeadMix, text: HeadMix | None) -> FloatArray:
    """What is answered [N, leaves]: strange photos count for less.

    Args:
        text: what answers from the text alone, where there is text.
    """
    probs = mix_heads(scored.logits, mix)
    if scored.trust is None:
        return probs
    return distrust(probs, None if text is None else mix_heads(scored.logits, text), scored.trust)


def _trusted(
    mix: HeadMix, split: Split, scored: MixScores, tree: Tree, single: Sequence[HeadMix] = ()
) -> HeadMix:
    """The mix with what it can be trusted with; nothing where a half has too few rows to test it on.

    Args:
        single: what answers from the text alone and from the photo alone, where both are there.
    """
    select, held = (np.flatnonzero(split.half[scored.rows] == half) for half in ("select", "calibrate"))
    if min(len(select), len(held)) < MIN_ROWS:
        return mix
    probs, labels = answers(scored, mix, single[0] if single else None), split.labels[scored.rows]
    groups = np.unique([split.groups[row] for row in scored.rows], return_inverse=True)[1]
    conflict = None
    if single:
        sides = [mix_heads(scored.logits, one) for one in single]
        conflict = conflict_threshold(sides[0], sides[1], groups, held, tree)
    return mix.model_copy(
        update={
            "conflict": conflict,
            "distance_power": distance_power(probs, labels, select, tree),
            "promises": promises(probs, labels, groups, select, held, tree),
            "candidates": candidate_rules(probs, labels, groups, held),
        }
    )


def _best(candidates: Mapping[str, HeadMix], logits: Logits, labels: npt.NDArray[np.int64]) -> HeadMix:
    """The candidate with the lowest NLL, the first on a tie, among those with the plain mix's top-1 or better."""
    answers = {chosen: mix_heads(logits, mix) for chosen, mix in candidates.items()}
    right = {chosen: float((p.argmax(axis=1) == labels).mean()) for chosen, p in answers.items()}
    allowed = [chosen for chosen in candidates if right[chosen] >= right["log_mix"]]
    return candidates[min(allowed, key=lambda c: round(nll(answers[c], labels), 4))]


def _candidates(
    logits: Logits, labels: npt.NDArray[np.int64], select: Rows
) -> dict[str, dict[HeadName, float]]:
    """Weights of each way to answer from text and photo together, the simplest first."""
    found: dict[str, dict[HeadName, float]] = {"mlp": {"fused": 1.0}}
    ways: dict[str, tuple[HeadName, ...]] = {
        "log_mix": ("text", "image"),
        "blend": ("fused", "text", "image"),
    }
    for chosen, heads in ways.items():
        weights = fit_mix([log_softmax(logits[h][select]) for h in heads], labels[select])
        found[chosen] = {h: float(w) for h, w in zip(heads, weights, strict=True)}
    return found


def _finish(
    weights: dict[HeadName, float], chosen: str, logits: Logits, labels: npt.NDArray[np.int64], held: Rows
) -> HeadMix:
    """Adds the temperature that the held-out half asks for."""
    mixed = sum(w * log_softmax(logits[h][held]) for h, w in weights.items() if w != 0)
    temperature, slope = fit_row_temperature(np.asarray(mixed), labels[held])
    return HeadMix(weights=weights, temperature=temperature, slope=slope, chosen=chosen)


def _halves(split: Split, rows: Rows) -> tuple[Rows, Rows]:
    """Positions within ``rows`` of the select and the calibrate half."""
    half = split.half[rows]
    everything = np.arange(len(rows))
    select, held = np.flatnonzero(half == "select"), np.flatnonzero(half == "calibrate")
    return (
        select if len(select) >= MIN_ROWS else everything,
        held if len(held) >= MIN_ROWS else everything,
    )


def _take(logits: Logits, rows: Rows) -> Logits:
    return {head: values[rows] for head, values in logits.items()}


def _slices(n: int, size: int) -> Iterator[slice]:
    return (slice(at, min(n, at + size)) for at in range(0, n, size))

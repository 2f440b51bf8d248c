"""Calibration and routing of an exported bundle, from its own graphs' scores on validation rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from multimodal.artifact import Calibration, HeadMix, mix_name
from multimodal.artifact.engine import distrust, mix_heads
from multimodal.evaluation import fit_mix, fit_row_temperature, nll
from multimodal.evaluation.bootstrap import paired_group_bootstrap
from multimodal.export.scorer import Inputs, Logits, MixScores, Rows, Scorer
from multimodal.export.top_label import chosen_top_label
from multimodal.export.trust import candidate_rules, conflict_threshold, distance_power, promises
from multimodal.numeric import log_softmax
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.training.run import MIN_ROWS
from multimodal.types import FloatArray, ScoreName

_DOUBT = 0.05
"""Chance at most that what answers titles without category names is no better than what answers all."""
_ENOUGH = 200
"""Rows of each half with such titles that are enough to choose and to fit on."""
_LEAST = 1e-9
"""Added to probabilities before their logarithm."""


def calibrate(scorer: Scorer, tree: Tree) -> tuple[Calibration, dict[Inputs, MixScores]]:
    """Chooses, on ``select``, what answers for each mix of inputs; fits temperatures on ``calibrate``.

    Where a product has both text and photo the fusion MLP competes with the plain mix of log scores and
    with a mix of all three. The lowest NLL on select wins, among those that are right there at least as often
    as the plain mix: surer but more often wrong is no gain. What then answers gets its promises and candidates.

    A title that names no category is worth less than one that does, and more so beside a photo: the same is chosen
    and fitted for such titles, the head for them among what it is chosen from, and kept where it has the lower NLL on
    select.
    """
    mixes: dict[str, HeadMix] = {}
    unnamed: dict[str, HeadMix] = {}
    mlps: dict[str, HeadMix] = {}
    plain: dict[str, HeadMix] = {}
    scores: dict[Inputs, MixScores] = {}
    for mix in scorer.available():
        scored = scores[mix] = scorer.score(mix)
        name = mix_name(mix)
        labels = scorer.split.labels[scored.rows]
        select, held = _halves(scorer.split, scored.rows)
        best, rivals = _chosen(scored, labels, select, held, tree)
        if rivals:
            mlps[name], plain[name] = rivals["mlp"], rivals["log_mix"]
        if "title" in mix and scorer.rest:
            found = _for_unnamed(scorer, scored, best, _sides({**mixes, **unnamed}, mix), tree)
            unnamed |= {} if found is None else {name: found}
        # Tested on all rows: titles without names are the harder ones, so the others get a little more than promised.
        mixes[name] = _trusted(best, scorer.split, scored, tree, _sides(mixes, mix))
    return Calibration(mixes=mixes, unnamed=unnamed, mlp=mlps, log_mix=plain), scores


def _sides(mixes: Mapping[str, HeadMix], mix: Inputs) -> list[HeadMix]:
    """What answers from the text alone and from the photo alone, where a mix has both."""
    text = tuple(name for name in mix if name != "image")
    return [] if len(text) in (0, len(mix)) else [mixes[mix_name(text)], mixes["image"]]


def _for_unnamed(
    scorer: Scorer, usual: MixScores, before: HeadMix, sides: Sequence[HeadMix], tree: Tree
) -> HeadMix | None:
    """What answers where the title names no category; None where that is no better than what answers ``before``.

    Fitted on the rows with such titles, or, where they are few, on all rows with category names taken out.
    """
    nameless = np.flatnonzero(~usual.named)
    enough = min(map(len, _by_half(scorer.split, usual.rows[nameless]))) >= _ENOUGH
    scored = usual.take(nameless) if enough else scorer.score(usual.inputs, unnamed=True)
    select, held = _by_half(scorer.split, scored.rows)
    if min(len(select), len(held)) < MIN_ROWS:
        return None
    labels = scorer.split.labels[scored.rows]
    best, _ = _chosen(scored, labels, select, held, tree, unnamed=True)
    rows, truth = np.arange(len(select)), labels[select]
    shown = scored.only(select)
    ours, theirs = (np.log(mix_heads(shown, one, tree.branches)[rows, truth] + _LEAST) for one in (best, before))
    groups = np.array([scorer.split.groups[row] for row in scored.rows[select]])
    if paired_group_bootstrap(ours, theirs, groups).p_one_sided > _DOUBT:
        return None
    return _trusted(best, scorer.split, scored, tree, sides)


def _chosen(
    scored: MixScores, labels: Rows, select: Rows, held: Rows, tree: Tree, *, unnamed: bool = False
) -> tuple[HeadMix, dict[str, HeadMix]]:
    """What answers, and all that it was chosen from where there are both text and photo.

    Args:
        unnamed: the titles name no category, so the head for such titles may answer.
    """
    weights = _candidates(scored.logits, labels, select, unnamed)
    rivals = {way: _finish(found, way, scored.logits, labels, held) for way, found in weights.items()}
    best = _best(rivals, scored.only(select), labels[select], tree)
    return _stepped(best, scored.logits, labels, select, held, tree), rivals if "fused" in scored.logits else {}


def _stepped(mix: HeadMix, logits: Logits, labels: Rows, select: Rows, held: Rows, tree: Tree) -> HeadMix:
    """The mix with a second step of calibration where that wins on select."""
    top = chosen_top_label(mix_heads(logits, mix, tree.branches), labels, select, held, tree.branches)
    return mix.model_copy(update={"top": top})


def answers(scored: MixScores, mix: HeadMix, text: HeadMix | None, tree: Tree) -> FloatArray:
    """What a mix answers [N, leaves]: strange photos count for less.

    Args:
        text: what answers from the text alone, where there is text.
    """
    probs = mix_heads(scored.logits, mix, tree.branches)
    if scored.trust is None:
        return probs
    without = None if text is None else mix_heads(scored.logits, text, tree.branches)
    return distrust(probs, without, scored.trust)


def routed(scored: MixScores, calibration: Calibration, tree: Tree) -> FloatArray:
    """What a bundle answers [N, leaves], titles that name no category by their own way."""
    text = tuple(name for name in scored.inputs if name != "image")
    probs = np.empty_like(next(iter(scored.logits.values())), np.float32)
    for named in (True, False):
        rows = np.flatnonzero(scored.named == named)
        mix = calibration.exactly(scored.inputs, named)
        if mix is not None and len(rows):
            probs[rows] = answers(scored.take(rows), mix, calibration.exactly(text, named), tree)
    return probs


def _trusted(mix: HeadMix, split: Split, scored: MixScores, tree: Tree, single: Sequence[HeadMix] = ()) -> HeadMix:
    """The mix with what it can be trusted with; nothing where a half has too few rows to test it on.

    Args:
        single: what answers from the text alone and from the photo alone, where both are there.
    """
    select, held = _by_half(split, scored.rows)
    if min(len(select), len(held)) < MIN_ROWS:
        return mix
    probs, labels = answers(scored, mix, single[0] if single else None, tree), split.labels[scored.rows]
    groups = np.unique([split.groups[row] for row in scored.rows], return_inverse=True)[1]
    conflict = None
    if single:
        sides = [mix_heads(scored.logits, one, tree.branches) for one in single]
        conflict = conflict_threshold(sides[0], sides[1], groups, held, tree)
    return mix.model_copy(
        update={
            "conflict": conflict,
            "distance_power": distance_power(probs, labels, select, tree),
            "promises": promises(probs, labels, groups, select, held, tree),
            "candidates": candidate_rules(probs, labels, groups, held),
        }
    )


def _best(candidates: Mapping[str, HeadMix], logits: Logits, labels: Rows, tree: Tree) -> HeadMix:
    """The candidate with the lowest NLL, the first on a tie, among those with the plain mix's top-1 or better."""
    answers = {chosen: mix_heads(logits, mix, tree.branches) for chosen, mix in candidates.items()}
    right = {chosen: float((p.argmax(axis=1) == labels).mean()) for chosen, p in answers.items()}
    plain = right.get("log_mix", 0.0)
    allowed = [chosen for chosen in candidates if right[chosen] >= plain]
    return candidates[min(allowed, key=lambda c: round(nll(answers[c], labels), 4))]


def _candidates(
    logits: Logits, labels: npt.NDArray[np.int64], select: Rows, unnamed: bool
) -> dict[str, dict[ScoreName, float]]:
    """Weights of each way to answer from what is there, the simplest first."""
    second = unnamed and "unnamed" in logits
    if "fused" not in logits:
        heads: list[ScoreName] = ["image"] if "image" in logits else ["text", *(("unnamed",) if second else ())]
        return {head: {head: 1.0} for head in heads}
    found: dict[str, dict[ScoreName, float]] = {"mlp": {"fused": 1.0}}
    ways: dict[str, tuple[ScoreName, ...]] = {
        "log_mix": ("text", "image"),
        "blend": ("fused", "text", "image"),
    }
    if second:
        ways |= {"unnamed_log_mix": ("unnamed", "image"), "unnamed_blend": ("fused", "unnamed", "image")}
    for chosen, parts in ways.items():
        weights = fit_mix([log_softmax(logits[h][select]) for h in parts], labels[select])
        found[chosen] = {h: float(w) for h, w in zip(parts, weights, strict=True)}
    return found


def _finish(
    weights: dict[ScoreName, float], chosen: str, logits: Logits, labels: npt.NDArray[np.int64], held: Rows
) -> HeadMix:
    """Adds the temperature that the held-out half asks for."""
    mixed = sum(w * log_softmax(logits[h][held]) for h, w in weights.items() if w != 0)
    temperature, slope = fit_row_temperature(np.asarray(mixed), labels[held])
    return HeadMix(weights=weights, temperature=temperature, slope=slope, chosen=chosen)


def _by_half(split: Split, rows: Rows) -> tuple[Rows, Rows]:
    """Positions within ``rows`` of the select and the calibrate half."""
    half = split.half[rows]
    return np.flatnonzero(half == "select"), np.flatnonzero(half == "calibrate")


def _halves(split: Split, rows: Rows) -> tuple[Rows, Rows]:
    """The same, all positions in the place of a half that is too small."""
    everything = np.arange(len(rows))
    select, held = (some if len(some) >= MIN_ROWS else everything for some in _by_half(split, rows))
    return select, held

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
from multimodal.types import FloatArray, HeadName

_DOUBT = 0.05
"""Chance at most that what answers titles without category names is no better than what answers all."""


def calibrate(scorer: Scorer, tree: Tree) -> tuple[Calibration, dict[Inputs, MixScores]]:
    """Chooses, on ``select``, what answers for each mix of inputs; fits temperatures on ``calibrate``.

    Where a product has both text and photo the fusion MLP competes with the plain mix of log scores and
    with a mix of all three. The lowest NLL on select wins, among those that are right there at least as often
    as the plain mix: surer but more often wrong is no gain. What then answers gets its promises and candidates.

    Beside a photo, a title that names no category is worth less than one that does: the same is chosen and fitted
    for such titles, on the rows with category names taken out, and kept where it answers better on select.
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
        if "fused" not in scored.logits:
            head: HeadName = "image" if mix == ("image",) else "text"
            only = _finish({head: 1.0}, head, scored.logits, labels, held)
            only = _stepped(only, scored.logits, labels, select, held)
            mixes[name] = _trusted(only, scorer.split, scored, tree)
            continue
        best, rivals = _chosen(scored, labels, select, held)
        mlps[name], plain[name] = rivals["mlp"], rivals["log_mix"]
        single = [mixes[mix_name(seen)] for seen in (tuple(n for n in mix if n != "image"), ("image",))]
        mixes[name] = _trusted(best, scorer.split, scored, tree, single)
        if "title" in mix and scorer.rest:
            found = _for_unnamed(scorer, mix, mixes[name], single, tree)
            unnamed |= {} if found is None else {name: found}
    return Calibration(mixes=mixes, unnamed=unnamed, mlp=mlps, log_mix=plain), scores


def _for_unnamed(scorer: Scorer, mix: Inputs, usual: HeadMix, single: Sequence[HeadMix], tree: Tree) -> HeadMix | None:
    """What answers where the title names no category; None where that is no better than the ``usual`` mix."""
    scored = scorer.score(mix, unnamed=True)
    select, held = (np.flatnonzero(scorer.split.half[scored.rows] == half) for half in ("select", "calibrate"))
    if min(len(select), len(held)) < MIN_ROWS:
        return None
    labels = scorer.split.labels[scored.rows]
    best, _ = _chosen(scored, labels, select, held)
    ours, theirs = (mix_heads(scored.only(select), one).argmax(axis=1) == labels[select] for one in (best, usual))
    groups = np.array([scorer.split.groups[row] for row in scored.rows[select]])
    if paired_group_bootstrap(ours, theirs, groups).p_one_sided > _DOUBT:
        return None
    return _trusted(best, scorer.split, scored, tree, single)


def _chosen(
    scored: MixScores, labels: npt.NDArray[np.int64], select: Rows, held: Rows
) -> tuple[HeadMix, dict[str, HeadMix]]:
    """What answers from text and photo together, and all that it was chosen from."""
    rivals = {
        chosen: _finish(weights, chosen, scored.logits, labels, held)
        for chosen, weights in _candidates(scored.logits, labels, select).items()
    }
    best = _best(rivals, scored.only(select), labels[select])
    return _stepped(best, scored.logits, labels, select, held), rivals


def _stepped(mix: HeadMix, logits: Logits, labels: npt.NDArray[np.int64], select: Rows, held: Rows) -> HeadMix:
    """The mix with a second step of calibration where that wins on select."""
    top = chosen_top_label(mix_heads(logits, mix), labels, select, held)
    return mix.model_copy(update={"top": top})


def answers(scored: MixScores, mix: HeadMix, text: HeadMix | None, unnamed: HeadMix | None = None) -> FloatArray:
    """What is answered [N, leaves]: strange photos count for less.

    Args:
        text: what answers from the text alone, where there is text.
        unnamed: what answers where the title names no category, if not ``mix``.
    """
    probs = mix_heads(scored.logits, mix)
    nameless = np.flatnonzero(~scored.named)
    if unnamed is not None and len(nameless):
        probs[nameless] = mix_heads(scored.only(nameless), unnamed)
    if scored.trust is None:
        return probs
    return distrust(probs, None if text is None else mix_heads(scored.logits, text), scored.trust)


def _trusted(mix: HeadMix, split: Split, scored: MixScores, tree: Tree, single: Sequence[HeadMix] = ()) -> HeadMix:
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


def _candidates(logits: Logits, labels: npt.NDArray[np.int64], select: Rows) -> dict[str, dict[HeadName, float]]:
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

"""What an answer promises: up the tree when unsure, and a short list of leaves, by the inputs that are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from multimodal.artifact import CandidateRule, Promise, read_manifest
from multimodal.serving import AnswerOptions, Predictor
from multimodal.serving.judge import Judge
from multimodal.serving.samples import Sample
from multimodal.types import InputName, Prediction, Product
from predictor_support import USED, only

TITLE: frozenset[InputName] = frozenset({"title"})


def promise(accuracy: float, threshold: float) -> Promise:
    return Promise(accuracy=accuracy, threshold=threshold, votes=100, mistakes=0, leaf_coverage=0.5, mean_depth=2)


def judge(predictor: Predictor, promises: tuple[Promise, ...], candidates: tuple[CandidateRule, ...] = ()) -> Judge:
    """The tiny bundle's, with promises for titles and for nothing else."""
    manifest = predictor.manifest
    told = manifest.calibration.mixes["title"].model_copy(update={"promises": promises, "candidates": candidates})
    calibration = manifest.calibration.model_copy(update={"mixes": {"title": told}})
    return Judge(manifest.model_copy(update={"calibration": calibration}), predictor.tree)


def answer(
    by: Judge,
    predictor: Predictor,
    leaves: dict[str, float],
    present: frozenset[InputName] = TITLE,
    options: AnswerOptions | None = None,
) -> Prediction:
    tree = predictor.tree
    probs = np.zeros(len(tree.leaves), np.float32)
    for leaf, probability in leaves.items():
        probs[tree.leaf_index[leaf]] = probability
    sample = Sample(id=1, row=0, present=present)
    nodes = tree.node_probabilities(probs[None])[0]
    return by.answer(sample, probs, nodes, options or AnswerOptions())


def siblings(predictor: Predictor) -> tuple[str, str, str]:
    """Two leaves of one parent and a leaf under another root."""
    tree = predictor.tree
    first = tree.leaves[0]
    parent = tree.path(first)[-2].id
    second = next(leaf for leaf in tree.leaves[1:] if tree.path(leaf)[-2].id == parent)
    far = next(leaf for leaf in tree.leaves if tree.lca(first, leaf) is None)
    return first, second, far


def test_answers_go_up_to_where_the_promise_holds(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    by = judge(predictor, (promise(0.9, 0.5), promise(0.95, 0.8), promise(0.99, 0.97)))
    sure = answer(by, predictor, {a: 0.85, b: 0.1, far: 0.05})
    assert sure.category is not None
    assert (sure.decision, sure.category.id, sure.needs_review) == ("leaf", a, False)
    unsure = answer(by, predictor, {a: 0.5, b: 0.4, far: 0.1})
    parent = predictor.tree.path(a)[-2].id
    assert unsure.category is not None
    assert (unsure.decision, unsure.category.id) == ("ancestor", parent)
    assert unsure.needs_review
    assert [s.id for s in unsure.suggestions] == [a, b]
    torn = answer(by, predictor, {a: 0.45, b: 0.1, far: 0.45})
    assert (torn.decision, torn.category, torn.needs_review) == ("abstain", None, True)


def test_an_accuracy_that_is_asked_for_is_kept_or_nothing_is_answered(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    by = judge(predictor, (promise(0.9, 0.5), promise(0.95, 0.8)))
    shares = {a: 0.6, b: 0.35, far: 0.05}
    assert answer(by, predictor, shares).decision == "ancestor"
    assert answer(by, predictor, shares, options=AnswerOptions(accuracy=0.9)).decision == "leaf"
    unheard = answer(by, predictor, shares, options=AnswerOptions(accuracy=0.99))
    assert (unheard.decision, unheard.category, unheard.needs_review) == ("abstain", None, True)
    assert unheard.warnings == ("nothing is promised at 99% for these inputs",)


def test_a_confidence_that_is_asked_for_goes_first(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    by = judge(predictor, (promise(0.95, 0.8),))
    shares = {a: 0.5, b: 0.4, far: 0.1}
    assert answer(by, predictor, shares, options=AnswerOptions(min_confidence=0.4)).decision == "leaf"
    assert answer(by, predictor, shares, options=AnswerOptions(min_confidence=0.95)).decision == "abstain"


def test_the_lesser_promise_is_kept_where_the_usual_one_could_not_be_made(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    rules = (CandidateRule(coverage=0.99, threshold=0.2, mean_size=2),)
    by = judge(predictor, (promise(0.9, 0.8),), rules)
    found = answer(by, predictor, {a: 0.5, b: 0.4, far: 0.1})
    assert (found.decision, found.needs_review, found.warnings) == ("ancestor", True, ())
    assert answer(by, predictor, {a: 0.45, b: 0.1, far: 0.45}).decision == "abstain"


def test_where_every_promise_was_tested_and_failed_nothing_is_answered(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    rules = tuple(CandidateRule(coverage=c, threshold=0.2, mean_size=2) for c in (0.9, 0.95, 0.99))
    found = answer(judge(predictor, (), rules), predictor, {a: 0.7, b: 0.1, far: 0.2})
    assert (found.decision, found.category, found.needs_review) == ("abstain", None, True)
    assert found.warnings == ("for these inputs no share of right answers could be promised",)
    assert found.suggestions[0].id == a
    sure = AnswerOptions(min_confidence=0.5)
    assert answer(judge(predictor, (), rules), predictor, {a: 0.7, b: 0.1}, options=sure).decision == "leaf"


def test_without_a_promise_the_likeliest_leaf_is_answered(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    torn = {a: 0.45, b: 0.1, far: 0.45}
    assert answer(judge(predictor, (promise(0.9, 0.8),)), predictor, torn).decision == "leaf"  # too few rows to tell
    promised = judge(predictor, (promise(0.95, 0.8),), (CandidateRule(coverage=0.95, threshold=0.2, mean_size=2),))
    other = answer(promised, predictor, torn, present=frozenset({"image"}))
    assert (other.decision, other.candidates) == ("leaf", None)  # no validation row came with a photo alone


def test_candidates_best_first(predictor: Predictor) -> None:
    a, b, far = siblings(predictor)
    rules = tuple(CandidateRule(coverage=c, threshold=t, mean_size=2) for c, t in ((0.9, 0.4), (0.95, 0.2)))
    found = answer(judge(predictor, (), rules), predictor, {a: 0.3, b: 0.2, far: 0.5}).candidates
    assert found is not None
    assert (found.coverage, found.category_ids) == (0.95, (far, a, b))
    alone = answer(judge(predictor, (), rules), predictor, {a: 0.15, b: 0.12}).candidates
    assert alone is not None
    assert alone.category_ids == (a,)


@pytest.mark.parametrize("inputs", list(USED), ids=lambda inputs: "+".join(sorted(inputs)))
def test_a_bundle_holds_a_rule_for_every_mix_of_inputs(
    predictor: Predictor, tiny_bundle: Path, full: list[Product], inputs: frozenset[InputName]
) -> None:
    names = "+".join(name for name in ("title", "characteristics", "image") if name in inputs)
    rules = read_manifest(tiny_bundle).calibration.mixes[names].candidates
    assert [rule.coverage for rule in rules][:2] == [0.9, 0.95]
    assert rules[0].threshold >= rules[1].threshold > 0
    assert 1 <= rules[0].mean_size <= rules[1].mean_size <= len(predictor.tree.leaves)
    (found,) = predictor.classify([only(full[0], inputs)])
    assert isinstance(found, Prediction)
    assert found.candidates is not None
    probs = predictor.leaf_probabilities([only(full[0], inputs)])[0]
    inside = {predictor.tree.leaves[i] for i in np.flatnonzero(probs >= rules[1].threshold)}
    assert set(found.candidates.category_ids) == inside | {found.suggestions[0].id}

"""The predictor: which head answers, probabilities, suggestions, options and streams."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multimodal
from multimodal.artifact import Calibration, HeadMix
from multimodal.errors import InputError
from multimodal.serving import Predictor
from multimodal.serving.scoring import mix_for
from multimodal.types import CategoryScore, Prediction, Product
from predictor_support import TRAINED, UNKNOWN, USED, answer_of, only


@pytest.mark.parametrize("inputs", list(USED), ids=lambda inputs: "+".join(sorted(inputs)))
def test_head_follows_from_the_inputs(predictor: Predictor, full: list[Product], inputs: frozenset[str]) -> None:
    answers = predictor.classify([only(p, inputs) for p in full[:3]])
    for answer, product in zip(answers, full, strict=False):
        assert isinstance(answer, Prediction)
        assert answer.used == USED[inputs]
        assert set(answer.missing) == set(TRAINED) - inputs
        assert (answer.id, answer.decision, answer.needs_review) == (product.id, "leaf", False)
        assert answer.warnings == ()
        assert answer.conflict is None
        assert answer.candidates is not None
        assert answer.candidates.category_ids[0] == answer.suggestions[0].id
        assert answer.tags == answer.attributes == ()


def test_answer_of_a_head_is_that_of_its_inputs_alone(predictor: Predictor, full: list[Product]) -> None:
    """No text: the photo answers, and the other way round; the head that is not asked has no say."""
    for head, inputs in (("image", frozenset({"image"})), ("text", frozenset({"title", "characteristics"}))):
        direct = predictor.leaf_probabilities(full[:8], head=head)  # type: ignore[arg-type]
        alone = predictor.leaf_probabilities([only(p, inputs) for p in full[:8]])
        np.testing.assert_allclose(direct, alone, atol=1e-6)
    fused = predictor.leaf_probabilities(full[:8])
    assert np.abs(fused - predictor.leaf_probabilities(full[:8], head="image")).max() > 0.01


def test_inputs_may_be_hidden(predictor: Predictor, full: list[Product]) -> None:
    hidden = predictor.leaf_probabilities(full[:8], frozenset({"title"}))
    np.testing.assert_allclose(
        hidden, predictor.leaf_probabilities([only(p, frozenset({"title"})) for p in full[:8]]), atol=1e-6
    )
    assert np.isnan(predictor.leaf_probabilities(full[:2], frozenset({"title"}), head="image")).all()


def test_leaf_probabilities_are_probabilities(predictor: Predictor, full: list[Product]) -> None:
    rows = [full[0], Product(id="nothing"), only(full[1], frozenset({"image"})), Product(title=UNKNOWN), full[2]]
    probs = predictor.leaf_probabilities(rows)
    assert probs.shape == (5, len(predictor.tree.leaves))
    assert probs.dtype == np.float32
    assert np.isnan(probs).all(axis=1).tolist() == [False, True, False, True, False]
    kept = probs[[0, 2, 4]]
    assert (kept >= 0).all()
    np.testing.assert_allclose(kept.sum(axis=1), 1, atol=1e-5)
    assert predictor.leaf_probabilities([]).shape == (0, len(predictor.tree.leaves))


def test_suggestions_are_the_best_leaves_with_their_paths(predictor: Predictor, full: list[Product]) -> None:
    probs = predictor.leaf_probabilities(full[:6])
    tree = predictor.tree
    for row, answer in zip(probs, predictor.classify(full[:6], top_k=10), strict=True):
        assert isinstance(answer, Prediction)
        assert len(answer.suggestions) == 10
        assert answer.category == answer.suggestions[0]
        wanted = np.sort(row)[::-1][:10]
        np.testing.assert_allclose([s.probability for s in answer.suggestions], wanted, atol=1e-6)
        for suggestion in answer.suggestions:
            assert suggestion.is_leaf
            assert row[tree.leaf_index[suggestion.id]] == pytest.approx(suggestion.probability, abs=1e-6)
            _check_path(predictor, row, suggestion)


def _check_path(predictor: Predictor, leaves: np.ndarray, category: CategoryScore) -> None:
    tree = predictor.tree
    nodes = tree.path(category.id)
    assert [(s.id, s.name) for s in category.path] == [(n.id, n.name) for n in nodes]
    assert tree.node(category.path[0].id).parent_id is None
    assert (category.path[-1].id, category.path[-1].probability) == (category.id, category.probability)
    for step in category.path:
        below = leaves[tree.leaf_matrix[tree.node_index[step.id]]].sum()
        assert step.probability == pytest.approx(float(below), abs=1e-5)
        assert 0 <= step.probability <= 1
    sums = [step.probability for step in category.path]
    assert sums == sorted(sums, reverse=True) or max(np.diff(sums)) < 1e-6


def test_min_confidence_walks_up_until_it_is_reached(predictor: Predictor, full: list[Product]) -> None:
    decisions = set()
    for product in full[:12]:
        leaf = answer_of(predictor, product).category
        assert leaf is not None
        for step, above in zip(leaf.path[::-1], [*leaf.path[::-1][1:], None], strict=True):
            answer = answer_of(predictor, product, min_confidence=max(0.0, step.probability - 1e-4))
            assert answer.category is not None
            assert answer.category.probability >= step.probability - 1e-4
            if above is not None and above.probability > step.probability + 1e-3:
                middle = (above.probability + step.probability) / 2
                higher = answer_of(predictor, product, min_confidence=middle)
                assert higher.category is not None
                assert (higher.decision, higher.category.id) == ("ancestor", above.id)
                assert not higher.category.is_leaf
                assert higher.needs_review
                assert higher.category.path == leaf.path[: len(higher.category.path)]
                assert higher.suggestions[0].id == leaf.id
                decisions.add("ancestor")
        if leaf.path[0].probability < 0.999:
            top = answer_of(predictor, product, min_confidence=1.0)
            assert (top.decision, top.category, top.needs_review) == ("abstain", None, True)
            assert top.suggestions[0].id == leaf.id
            decisions.add("abstain")
        assert answer_of(predictor, product, min_confidence=0).decision == "leaf"
    assert decisions == {"ancestor", "abstain"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top_k": 0}, "top_k: got 0, expected 1 to 10"),
        ({"top_k": 11}, "top_k: got 11, expected 1 to 10"),
        ({"min_confidence": -0.1}, "min_confidence: got -0.1, expected a probability from 0 to 1"),
        ({"min_confidence": 1.1}, "min_confidence: got 1.1, expected"),
        ({"min_confidence": float("nan")}, "min_confidence: got nan, expected"),
        ({"accuracy": 0.97}, "accuracy: got 0.97, expected one of 0.9, 0.95, 0.99"),
        ({"accuracy": 0.9, "min_confidence": 0.5}, "got both accuracy and min_confidence, expected one"),
        ({"decoding": "best"}, "decoding: got 'best', expected one of argmax, expected_distance"),
    ],
)
def test_options_out_of_range_are_refused(predictor: Predictor, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        predictor.classify([Product(title="x")], **options)


def test_batch_size_below_one_is_refused(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="batch_size: got 0, expected 1 or more"):
        list(predictor.stream([Product(title="x")], batch_size=0))


def test_top_k_gives_as_many_suggestions(predictor: Predictor, full: list[Product]) -> None:
    ten = answer_of(predictor, full[0], top_k=10).suggestions
    for k in (1, 2, 5):
        assert answer_of(predictor, full[0], top_k=k).suggestions == ten[:k]
    assert len(predictor.classify(full[:1])[0].suggestions) == 2  # type: ignore[union-attr]


def test_stream_takes_one_batch_ahead(predictor: Predictor, full: list[Product]) -> None:
    taken = 0

    def rows() -> Iterator[Product]:
        nonlocal taken
        for product in full[:16]:
            taken += 1
            yield product

    stream = predictor.stream(rows(), batch_size=4)
    for _ in range(5):
        next(stream)
    assert taken == 12, "the third batch is prepared while the second is answered, the fourth is not read yet"
    assert len(list(stream)) == 11


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.classify([]) == []


def test_a_loaded_predictor_knows_its_bundle(tiny_bundle: Path) -> None:
    loaded = multimodal.load(tiny_bundle, threads=1)
    loaded.warm_up()
    assert (loaded.name, loaded.version) == ("tiny", "1")
    assert loaded.heads == ("fused", "text", "image")
    assert loaded.inputs == TRAINED


def test_every_mix_of_inputs_that_validation_has_is_calibrated(predictor: Predictor) -> None:
    mixes = [c for k in (1, 2, 3) for c in combinations(TRAINED, k)]
    assert set(predictor.manifest.calibration.mixes) == {"+".join(mix) for mix in mixes}


def test_a_mix_that_was_never_seen_borrows_from_the_most_alike() -> None:
    def mix(chosen: str) -> HeadMix:
        return HeadMix(weights={"fused": 1.0}, temperature=1.0, chosen=chosen)

    calibration = Calibration(
        mixes={"title+image": mix("a"), "title+characteristics+image": mix("b"), "image": mix("c"), "title": mix("d")}
    )
    assert mix_for(calibration, frozenset({"title", "image"})).chosen == "a"
    assert mix_for(calibration, frozenset({"characteristics", "image"})).chosen == "b"
    assert mix_for(calibration, frozenset({"description"})).chosen == "d"
    alone = mix_for(Calibration(mixes={}), frozenset({"image"}))
    assert (alone.weights, alone.chosen) == ({"image": 1.0}, "uncalibrated")

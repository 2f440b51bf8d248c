"""Title and photo that name different branches: by hand, the rate of false alarms, and the answer that says so."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.evaluation.conflict import alarm_threshold, branches, disagreement
from multimodal.export.trust import FALSE_ALARMS, conflict_threshold
from multimodal.serving import AnswerOptions, Predictor
from multimodal.serving.judge import Judge
from multimodal.serving.samples import Sample
from multimodal.taxonomy import Node, Tree
from multimodal.types import InputName, Prediction, Product

BOTH: frozenset[InputName] = frozenset({"title", "image"})


def test_branches_are_the_first_nodes_that_part_the_tree() -> None:
    forest = Tree([Node("a", "A", None), Node("a1", "A1", "a"), Node("b", "B", None)])
    assert branches(forest).tolist() == [0, 2]
    above = (("r", None), ("s", "r"), ("a", "s"), ("b", "s"), ("c", "b"))
    chain = Tree(Node(name, name.upper(), parent) for name, parent in above)
    assert [chain.nodes[i].id for i in branches(chain)] == ["a", "b"]
    assert branches(Tree([Node("only", "Only", None), Node("leaf", "Leaf", "only")])).tolist() == []


def test_disagreement_is_the_chance_of_two_branches() -> None:
    text = np.array([[1.0, 0.0], [0.8, 0.2], [0.5, 0.5]])
    image = np.array([[0.0, 1.0], [0.7, 0.3], [1.0, 0.0]])
    np.testing.assert_allclose(disagreement(text, image), [1.0, 1 - 0.8 * 0.7 - 0.2 * 0.3, 0.5])
    assert disagreement(text, text)[0] == 0.0


def test_one_true_pair_in_a_hundred_may_lie_above() -> None:
    scores = np.arange(199) / 199
    assert alarm_threshold(scores, 0.01) == pytest.approx(197 / 199)  # of 200 ranks two are above: 198 and a new one
    assert alarm_threshold(scores[:98], 0.01) is None
    assert alarm_threshold(scores[:99], 0.01) == pytest.approx(98 / 199)


def test_false_alarms_of_new_pairs_are_as_many_as_allowed() -> None:
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        calibration, new = rng.beta(1, 9, 599), rng.beta(1, 9, 2000)
        threshold = alarm_threshold(calibration, FALSE_ALARMS)
        assert threshold is not None
        found.append((new > threshold).mean())
    assert np.mean(found) == pytest.approx(FALSE_ALARMS, abs=0.001)


def test_a_tree_of_one_branch_knows_no_conflict() -> None:
    tree = Tree([Node("only", "Only", None), Node("leaf", "Leaf", "only")])
    probs, groups = np.ones((200, 1), np.float32), np.arange(200)
    assert conflict_threshold(probs, probs, groups, groups, tree) is None


@pytest.fixture
def judged(predictor: Predictor) -> Judge:
    """The tiny bundle's answers, with a conflict where the chance of two branches is above 0.6."""
    manifest = predictor.manifest
    told = manifest.calibration.mixes["title+image"].model_copy(update={"conflict": 0.6, "promises": ()})
    mixes = {**manifest.calibration.mixes, "title+image": told}
    calibration = manifest.calibration.model_copy(update={"mixes": mixes})
    return Judge(manifest.model_copy(update={"calibration": calibration}), predictor.tree)


def answer(
    judged: Judge, tree: Tree, text: dict[str, float], image: dict[str, float], *, stranger: bool = False
) -> Prediction:
    sides = []
    for side in (text, image):
        leaves = np.zeros((1, len(tree.leaves)), np.float32)
        for leaf, probability in side.items():
            leaves[0, tree.leaf_index[leaf]] = probability
        sides.append((leaves[0], tree.node_probabilities(leaves)[0]))
    return judged.answer(Sample(1, 0, BOTH, stranger=stranger), *sides[0], AnswerOptions(), (sides[0][1], sides[1][1]))


def test_a_conflict_names_both_branches_and_asks_for_a_person(predictor: Predictor, judged: Judge) -> None:
    tree = predictor.tree
    here = tree.leaves[0]
    near = next(leaf for leaf in tree.leaves[1:] if tree.lca(here, leaf) == tree.path(here)[0].id)
    far = next(leaf for leaf in tree.leaves if tree.lca(here, leaf) is None)
    found = answer(judged, tree, {here: 0.9, far: 0.1}, {far: 0.8, near: 0.2})
    assert found.conflict is not None
    assert (found.conflict.text.id, found.conflict.image.id) == (tree.path(here)[0].id, tree.path(far)[0].id)
    assert (found.conflict.text.probability, found.conflict.image.probability) == pytest.approx((0.9, 0.8))
    assert (found.decision, found.needs_review) == ("leaf", True)
    assert judged.knows_conflicts
    alike = answer(judged, tree, {here: 0.9, far: 0.1}, {near: 0.9, far: 0.1})  # another leaf of the same branch
    assert (alike.conflict, alike.needs_review) == (None, False)
    unsure = answer(judged, tree, {here: 0.51, far: 0.49}, {here: 0.49, far: 0.51})
    assert unsure.conflict is None
    strange = answer(judged, tree, {here: 0.9, far: 0.1}, {far: 0.8, near: 0.2}, stranger=True)
    assert (strange.conflict, strange.needs_review) == (None, False)  # nothing is known of such photos


def test_who_has_one_input_alone_cannot_contradict_itself(predictor: Predictor, full: list[Product]) -> None:
    found = predictor.classify([Product(title=full[0].title), Product(image=full[0].image)])
    assert [one.conflict for one in found if isinstance(one, Prediction)] == [None, None]

"""Makes the answer for one product out of its probabilities: how far down the tree, what else it may be."""

from __future__ import annotations

from multimodal.artifact import HeadMix, Manifest
from multimodal.evaluation.conflict import branches, disagreement
from multimodal.evaluation.decoding import least_severe
from multimodal.options import AnswerOptions
from multimodal.serving.decide import Indices, by_likelihood, category, decide, likely_enough
from multimodal.serving.samples import Sample
from multimodal.serving.scoring import head_of
from multimodal.taxonomy import Tree
from multimodal.types import CandidateSet, CategoryScore, Conflict, FloatArray, PathStep, Prediction

ACCURACY = 0.95
"""Share of the answers that are right at or below their category, where none is asked for and the bundle can."""
LESS = 0.9
"""What is kept in its place where the bundle cannot."""
COVERAGE = 0.95
"""How often the right leaf is among the candidates."""


_NEVER = 2.0
"""A confidence that no probability reaches."""
_ENOUGH = 0.99
"""Candidates of this coverage take 99 groups of calibration rows: with as many a promise was tested, too."""


class Judge:
    """Answers of one bundle; what it promises depends on the inputs that are there.

    A mix of inputs that too few validation rows had, or none, is promised nothing: its answers are leaves.
    """

    def __init__(self, manifest: Manifest, tree: Tree) -> None:
        self._tree, self._inputs, self._calibration = tree, manifest.inputs, manifest.calibration
        self._branches = branches(tree)
        self.knows_conflicts = any(mix.conflict is not None for mix in self._calibration.answering)
        """Whether it has any use for what text and photo say each alone."""

    def answer(
        self,
        sample: Sample,
        leaves: FloatArray,
        nodes: FloatArray,
        options: AnswerOptions,
        sides: tuple[FloatArray, FloatArray] | None = None,
    ) -> Prediction:
        """The answer for one sample.

        Args:
            leaves: calibrated probabilities [leaves], and ``nodes`` their sums [nodes].
            sides: where there are both text and photo, the sums [nodes] by each alone.
        """
        mix = self._calibration.exactly(sample.present, sample.named)
        confidence, warnings = options.min_confidence, sample.warnings
        if confidence is None:
            confidence, told = _kept(mix, options.accuracy)
            warnings = (*warnings, *told)
        # Beside text a strange photo is left out of account, so it contradicts nothing; alone it is all there is.
        conflict = None
        if mix is not None and sides is not None and not sample.stranger:
            conflict = self._conflict(mix, *sides)
        ranked = by_likelihood(leaves)
        best = tuple(self._tree.leaves[at] for at in ranked[: options.top_k])
        leaf = best[0]
        if options.decoding == "expected_distance" and mix is not None and mix.distance_power is not None:
            (at,) = least_severe(leaves[None], self._tree, mix.distance_power)
            leaf = self._tree.leaves[at]
        decision, chosen = decide(self._tree, nodes, leaf, confidence)
        suggestions = tuple(category(self._tree, nodes, leaf) for leaf in best)
        used = head_of(sample.present)
        strange = sample.stranger and used == "image"
        return Prediction(
            id=sample.id,
            row=sample.row,
            decision=decision,
            category=self._category(nodes, chosen, suggestions[0]),
            suggestions=suggestions,
            used=used,
            missing=tuple(n for n in self._inputs if n not in sample.present),
            needs_review=decision != "leaf" or conflict is not None or strange,
            candidates=None if mix is None else self._candidates(mix, leaves, ranked),
            conflict=conflict,
            warnings=warnings,
        )

    def _conflict(self, mix: HeadMix, text: FloatArray, image: FloatArray) -> Conflict | None:
        """The branches that text and photo name, where they contradict each other more than true pairs do."""
        if mix.conflict is None or not len(self._branches):
            return None
        said, shown = text[self._branches], image[self._branches]
        if disagreement(said[None], shown[None])[0] <= mix.conflict or said.argmax() == shown.argmax():
            return None
        return Conflict(self._step(text, int(said.argmax())), self._step(image, int(shown.argmax())))

    def _step(self, nodes: FloatArray, branch: int) -> PathStep:
        at = int(self._branches[branch])
        node = self._tree.nodes[at]
        return PathStep(node.id, node.name, float(min(1.0, nodes[at])))

    def _category(self, nodes: FloatArray, chosen: str | None, first: CategoryScore) -> CategoryScore | None:
        """The chosen category; mostly it is the ``first`` suggestion."""
        if chosen is None or chosen == first.id:
            return None if chosen is None else first
        return category(self._tree, nodes, chosen)

    def _candidates(self, mix: HeadMix, leaves: FloatArray, ranked: Indices) -> CandidateSet | None:
        rule = next((rule for rule in mix.candidates if rule.coverage == COVERAGE), None)
        if rule is None:
            return None
        chosen = likely_enough(leaves, ranked, rule.threshold)
        return CandidateSet(rule.coverage, tuple(self._tree.leaves[at] for at in chosen))


def _kept(mix: HeadMix | None, asked: float | None) -> tuple[float | None, tuple[str, ...]]:
    """How probable a category must be, None for the likeliest leaf whatever it is; and what to say of that.

    Where a promise was asked for or tested, and is not to be had, no answer is better than one that may be wrong.
    """
    confidence = _promised(mix, ACCURACY if asked is None else asked)
    if confidence is not None:
        return confidence, ()
    if asked is not None:
        return _NEVER, (f"nothing is promised at {asked:.0%} for these inputs",)
    if mix is None or all(rule.coverage != _ENOUGH for rule in mix.candidates):
        return None, ()
    less = _promised(mix, LESS)
    if less is not None:
        return less, ()
    return _NEVER, ("for these inputs no share of right answers could be promised",)


def _promised(mix: HeadMix | None, accuracy: float) -> float | None:
    """The probability from which on the share ``accuracy`` of the answers is right, where that is promised."""
    promises = () if mix is None else mix.promises
    return next((promise.threshold for promise in promises if promise.accuracy == accuracy), None)

"""The predictor: a bundle that answers. Decode, score, calibrate, decide; one answer for each product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from multimodal.artifact import Manifest, Profile
from multimodal.errors import InputError
from multimodal.options import DEFAULT_TOP_K, AnswerOptions, Decoding
from multimodal.serving.core import Core
from multimodal.serving.explain import Explainer
from multimodal.serving.heat import PhotoExplainer
from multimodal.serving.judge import Judge
from multimodal.serving.labels import attribute_probabilities, attributes_of, tag_probabilities, tags_of
from multimodal.serving.samples import Sample
from multimodal.serving.scoring import head_of
from multimodal.taxonomy import Tree
from multimodal.types import (
    HEADS,
    INPUTS,
    TEXT_INPUTS,
    Answer,
    FloatArray,
    HeadName,
    HeatMap,
    InputName,
    Prediction,
    Product,
    RowError,
    RuntimeName,
    Scores,
    TextEffect,
)

_BATCH = 64
_PLAIN = AnswerOptions()
_TEXT: frozenset[InputName] = frozenset(TEXT_INPUTS)
_ALL: frozenset[InputName] = frozenset(INPUTS)


class Predictor:
    """Answers for products with one bundle; opened once, safe to call from several threads.

    Attributes:
        manifest: what the bundle says of itself.
        tree: the category tree it answers in.
    """

    def __init__(
        self, path: str | Path, *, threads: int | None = None, runtime: RuntimeName = "onnxruntime"
    ) -> None:
        """Opens and verifies the bundle; see ``multimodal.load``."""
        self._core = Core(path, threads, runtime)
        self.manifest: Manifest = self._core.manifest
        self.tree: Tree = self._core.tree
        self._judge = Judge(self.manifest, self.tree)
        self._explainer = None
        kitchen = self._core.kitchens.text
        if kitchen is not None:
            self._explainer = Explainer(self._core.engine, kitchen, self.manifest.calibration, self.tree)
        self._heat = PhotoExplainer(self._core.engine, self.manifest.calibration, self.tree)

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def inputs(self) -> tuple[InputName, ...]:
        """The inputs the bundle was trained on."""
        return self.manifest.inputs

    @property
    def quick(self) -> bool:
        """Whether a title is answered in about a millisecond: no neural network reads it."""
        return self._core.quick

    @property
    def profile(self) -> Profile | None:
        """What its products and answers usually look like; None in older bundles."""
        return self.manifest.profile

    @property
    def heads(self) -> tuple[HeadName, ...]:
        return self.manifest.heads

    def warm_up(self) -> None:
        """Runs every graph once, so that the first real question is not the slow one."""
        self._core.warm_up()

    def classify(
        self,
        products: Iterable[Product | RowError],
        *,
        top_k: int = DEFAULT_TOP_K,
        min_confidence: float | None = None,
        accuracy: float | None = None,
        decoding: Decoding = "argmax",
        explain: bool = False,
    ) -> list[Answer]:
        """Answers for products, one each, in order; a product that cannot be used gives a ``RowError``.

        Args:
            products: a ``RowError`` among them (a row that could not be read) comes out in its place.
            top_k: suggestions an answer, 1 to 10.
            min_confidence: go up the tree until the category's probability reaches this; by default up to where
                the bundle promises that 95 % of such answers are right, and not at all where it cannot.
            accuracy: the share to be promised instead, 0.9, 0.95 or 0.99; where the bundle cannot, it abstains.
            decoding: "expected_distance" starts from the leaf whose mistakes would be the least severe on average.
            explain: say what in the text, and where in the photo, moved each answer; a photo takes 49 runs then.

        Raises:
            InputError: an option out of range, or one product that is no list.
        """
        options = AnswerOptions(top_k, min_confidence, accuracy, decoding)
        return list(self.stream(products, options, explain=explain, heat_maps=explain))

    def stream(
        self,
        products: Iterable[Product | RowError],
        options: AnswerOptions = _PLAIN,
        *,
        explain: bool = False,
        batch_size: int = _BATCH,
        inputs: frozenset[InputName] | None = None,
        heat_maps: bool = False,
    ) -> Iterator[Answer]:
        """As ``classify``, two batches in memory at a time: one is answered while the next is prepared.

        Args:
            explain: say what in the text moved each answer.
            inputs: what may be seen of each product; all by default.
            heat_maps: where ``explain`` is asked for, say also where in the photo, at 49 runs of its graph a photo.
        """
        if isinstance(products, Product):
            raise InputError("products: got one Product, expected several; give it in a list: [product]")
        if batch_size < 1:
            raise InputError(f"batch_size: got {batch_size}, expected 1 or more", code="batch_size")
        seen = _ALL if inputs is None else inputs
        with ThreadPoolExecutor(1) as ahead:
            for row, prepared in self._prepared(_chunks(products, batch_size), ahead, seen):
                answers = self._answers(row, prepared, options)
                yield from self._explained(answers, prepared, heat_maps) if explain else answers

    def _prepared(
        self, chunks: Iterator[list[Product | RowError]], ahead: ThreadPoolExecutor, seen: frozenset[InputName]
    ) -> Iterator[tuple[int, list[Sample | RowError]]]:
        """The first row and the samples of each chunk; the next one is prepared while one is answered."""
        row, chunk = 0, next(chunks, None)
        if chunk is None:
            return
        prepared = self._core.prepare(chunk, row, seen)
        for following in chunks:
            coming = ahead.submit(self._core.prepare, following, row + len(chunk), seen)
            yield row, prepared
            row, chunk, prepared = row + len(chunk), following, coming.result()
        yield row, prepared

    def leaf_probabilities(
        self,
        products: Sequence[Product],
        inputs: frozenset[InputName] | None = None,
        *,
        head: HeadName | None = None,
    ) -> FloatArray:
        """Calibrated probabilities [N, leaves] in the order of ``tree.leaves``; NaN rows where unusable.

        Args:
            inputs: what may be seen of each product; all by default.
            head: answer with this head alone: "text" sees the text only, "image" the photo only.
        """
        allowed = _ALL if inputs is None else frozenset(inputs)
        if head == "text":
            allowed &= _TEXT
        elif head == "image":
            allowed &= {"image"}
        whole: HeadName = "fused"
        return self.head_probabilities(products, allowed, (whole,))[whole]

    def head_probabilities(
        self,
        products: Sequence[Product],
        inputs: frozenset[InputName] | None = None,
        heads: Collection[HeadName] = HEADS,
    ) -> dict[HeadName, FloatArray]:
        """What ``leaf_probabilities`` gives for the whole and for single heads, with each graph run once.

        Args:
            inputs: what may be seen of each product; all by default.
            heads: "fused" is the bundle's answer from these inputs, "text" and "image" the single heads'.

        Returns:
            Head -> calibrated probabilities [N, leaves]; NaN rows where it cannot answer.
        """
        leaves = len(self.tree.leaves)
        out = {head: np.full((len(products), leaves), np.nan, np.float32) for head in heads}
        for samples, scores in self._scored(products, _ALL if inputs is None else frozenset(inputs)):
            rows = [s.row for s in samples]
            scores = self._core.look_again(samples, scores, beside_text="image" in heads)
            for head in heads:
                out[head][rows] = self._core.probabilities(scores, samples, head)
        return out

    def label_probabilities(
        self, products: Sequence[Product]
    ) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
        """What the photos show: probabilities [N] of each tag, and [N, values] of each attribute.

        NaN where there is no photo to read. Values are in the order of ``manifest.attributes``.
        """
        width = len(self.manifest.tags) + sum(len(spec.values) for spec in self.manifest.attributes)
        out = np.full((len(products), width), np.nan, np.float32)
        for samples, scores in self._scored(products, frozenset({"image"})) if width else ():
            if scores.labels is not None:
                out[[s.row for s in samples]] = scores.labels
        return tag_probabilities(self.manifest, out), attribute_probabilities(self.manifest, out)

    def _scored(
        self, products: Sequence[Product], allowed: frozenset[InputName]
    ) -> Iterator[tuple[list[Sample], Scores]]:
        """Batches of what can be used of the products; rows count from 0."""
        for at in range(0, len(products), _BATCH):
            prepared = self._core.prepare(products[at : at + _BATCH], at, allowed)
            usable = [p for p in prepared if isinstance(p, Sample)]
            if usable:
                yield self._core.score(usable)

    def _answers(
        self,
        first: int,
        prepared: Sequence[Sample | RowError],
        options: AnswerOptions,
    ) -> list[Answer]:
        answers: dict[int, Answer] = {p.row: p for p in prepared if isinstance(p, RowError)}
        usable = [p for p in prepared if isinstance(p, Sample)]
        if usable:
            samples, scores = self._core.score(usable)
            scores = self._core.look_again(samples, scores)
            probs = self._core.probabilities(scores, samples)
            nodes, told, sides = self.tree.node_probabilities(probs), self._told(scores), self._sides(samples, scores)
            for i, sample in enumerate(samples):
                if not sample.present:
                    answers[sample.row] = self._core.kitchens.nothing(sample.id, sample.row, sample.warnings)
                    continue
                answer, labels = self._judge.answer(sample, probs[i], nodes[i], options, sides(i)), told(i)
                answers[sample.row] = replace(answer, **labels) if labels else answer
        return [answers[first + i] for i in range(len(prepared))]

    def _explained(
        self, answers: Sequence[Answer], prepared: Sequence[Sample | RowError], heat_maps: bool
    ) -> list[Answer]:
        """The same answers with what in the text, and where in the photo, moved them."""
        pairs = [(a, cast(Sample, s)) for a, s in zip(answers, prepared, strict=True) if isinstance(a, Prediction)]
        nodes = [(a.category or a.suggestions[0]).id for a, _ in pairs]
        effects: Sequence[tuple[TextEffect, ...]] = [()] * len(pairs)
        if self._explainer is not None:
            effects = self._explainer.explain([s for _, s in pairs], nodes)
        maps = [
            None if sample.pixels is None or not heat_maps else self._heat.explain(sample.pixels, node)
            for (_, sample), node in zip(pairs, nodes, strict=True)
        ]
        told = iter(zip(effects, maps, strict=True))
        return [a if isinstance(a, RowError) else _with_reasons(a, *next(told)) for a in answers]

    def _sides(
        self, samples: Sequence[Sample], scores: Scores
    ) -> Callable[[int], tuple[FloatArray, FloatArray] | None]:
        """What text alone and photo alone say of a row of the batch: node probabilities, where it has both."""
        if not self._judge.knows_conflicts or not any(head_of(sample.present) == "fused" for sample in samples):
            return lambda row: None
        heads: tuple[HeadName, ...] = ("text", "image")
        text, image = (
            self.tree.node_probabilities(self._core.probabilities(scores, samples, head)) for head in heads
        )
        return lambda row: (text[row], image[row]) if head_of(samples[row].present) == "fused" else None

    def _told(self, scores: Scores) -> Callable[[int], dict[str, Any]]:
        """The tags and attributes of a row of the batch, as fields of its answer."""
        if scores.labels is None:
            return lambda row: {}
        tags = tag_probabilities(self.manifest, scores.labels)
        attributes = attribute_probabilities(self.manifest, scores.labels)
        return lambda row: {
            "tags": tags_of(self.manifest.tags, tags, row),
            "attributes": attributes_of(self.manifest.attributes, attributes, row),
        }


def _with_reasons(answer: Prediction, effects: tuple[TextEffect, ...], heat: HeatMap | None) -> Prediction:
    return replace(answer, explanation=effects, heat_map=heat)


def _chunks(products: Iterable[Product | RowError], size: int) -> Iterator[list[Product | RowError]]:
    iterator = iter(products)
    while chunk := list(islice(iterator, size)):
        yield chunk


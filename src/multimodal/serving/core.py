"""A bundle opened for use: products in, samples and scores out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from multimodal.artifact import Manifest, open_bundle
from multimodal.artifact.engine import Engine
from multimodal.serving.samples import Kitchens, Sample
from multimodal.serving.scoring import look_again, probabilities, score, seen_by
from multimodal.taxonomy import Tree
from multimodal.types import (
    TEXT_INPUTS,
    FloatArray,
    HeadName,
    InputName,
    Product,
    RaggedIds,
    RowError,
    RuntimeName,
    Scores,
)

_TEXT: frozenset[InputName] = frozenset(TEXT_INPUTS)
_FEW_PHOTOS = 4
STRANGER = "the photo is unlike those this bundle was trained on, so it counts for less"


class Core:
    """Kitchens and graphs of one bundle; safe to use from several threads.

    Attributes:
        manifest: what the bundle says of itself.
        tree: the category tree it answers in.
    """

    def __init__(self, path: str | Path, threads: int | None, runtime: RuntimeName = "onnxruntime") -> None:
        bundle = open_bundle(path)
        self.manifest: Manifest = bundle.manifest
        self.tree: Tree = bundle.tree
        self.kitchens = Kitchens(bundle)
        self.engine = Engine(bundle, threads=threads, runtime=runtime)
        self._decoders = threads or 2
        text = self.manifest.text
        self.quick = text is not None and text.sentence is None and text.kitchen.get("lemmas") != "tagger"

    def warm_up(self) -> None:
        """Runs every graph once, so that the first real question is not the slow one."""
        towers = {}
        if self.manifest.text is not None:
            one = RaggedIds(np.ones(1, np.int32), np.array([0, 1]))
            towers["text"] = self.engine.text(dict.fromkeys(self.manifest.text.names, one))
        if self.kitchens.image is not None:
            kitchen = self.kitchens.image
            blank = np.zeros((1, kitchen.height, kitchen.width, 3), np.uint8)
            towers["image"] = self.engine.image(blank)
        if self.manifest.fusion:
            self.engine.fusion(towers["text"], towers["image"])

    def prepare(
        self, products: Sequence[Product | RowError], first: int, allowed: frozenset[InputName]
    ) -> list[Sample | RowError]:
        """The samples of a batch, several photos decoded at once; see ``Kitchens.prepare``."""
        photos = sum(isinstance(p, Product) and p.image is not None for p in products)
        if photos < _FEW_PHOTOS or self._decoders < 2:
            return self.kitchens.prepare(products, first, allowed)
        with ThreadPoolExecutor(self._decoders) as pool:
            return self.kitchens.prepare(products, first, allowed, pool)

    def score(self, samples: Sequence[Sample]) -> tuple[list[Sample], Scores]:
        """Scores of a batch; text of which nothing is known counts as absent, and is said so."""
        scores, known = score(self.engine, self.kitchens.text, samples, len(self.tree.leaves))
        told = [s if ok else _without_text(s) for s, ok in zip(samples, known, strict=True)]
        if scores.trust is not None:
            told = [_as_stranger(s) if trust < 1 else s for s, trust in zip(told, scores.trust, strict=True)]
        return told, scores

    def look_again(self, samples: Sequence[Sample], scores: Scores, *, beside_text: bool = False) -> Scores:
        """The scores with a second look at photos that leave doubt; see ``scoring.look_again``."""
        return look_again(self.engine, samples, scores, beside_text=beside_text)

    def probabilities(self, scores: Scores, samples: Sequence[Sample], head: HeadName = "fused") -> FloatArray:
        """Calibrated probabilities [N, leaves] of what a head sees of the samples; NaN where that is nothing."""
        seen = [(seen_by(head, sample.present), sample.named) for sample in samples]
        return probabilities(scores, self.manifest.calibration, seen, self.tree)


def _as_stranger(sample: Sample) -> Sample:
    return replace(sample, warnings=(*sample.warnings, STRANGER), stranger=True)


def _without_text(sample: Sample) -> Sample:
    return replace(
        sample,
        present=sample.present - _TEXT,
        warnings=(*sample.warnings, "nothing in the text is known to this bundle, so it counts as absent"),
    )

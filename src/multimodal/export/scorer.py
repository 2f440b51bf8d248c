"""Raw scores of validation rows through the graphs of an exported bundle, by mix of inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt

from multimodal.artifact.engine import Engine
from multimodal.training.arrays import Split
from multimodal.training.run import MIN_ROWS
from multimodal.types import INPUTS, TEXT_INPUTS, EncoderName, FloatArray, InputName, RaggedIds, ScoreName

Inputs = tuple[InputName, ...]
Logits = Mapping[ScoreName, FloatArray]
Rows = npt.NDArray[np.int64]
_TITLE = TEXT_INPUTS.index("title")


@dataclass(frozen=True, slots=True)
class MixScores:
    """Raw logits of every head that can answer, for the rows that have all inputs of one mix."""

    inputs: Inputs
    rows: Rows
    logits: Logits
    named: npt.NDArray[np.bool_]
    """Whether a row's title names a category [N]; true where the mix has no title."""
    trust: FloatArray | None = None
    """How much each row's photo counts [N]; None where there is none."""
    again: npt.NDArray[np.bool_] | None = None
    """Which rows' photos were looked at twice [N]; None beside text, where none is."""

    def only(self, keep: Rows) -> Logits:
        """The logits of some of the rows, by their positions."""
        return {head: values[keep] for head, values in self.logits.items()}

    def take(self, keep: Rows) -> MixScores:
        """Some of the rows, by their positions."""
        trust = None if self.trust is None else self.trust[keep]
        again = None if self.again is None else self.again[keep]
        return MixScores(self.inputs, self.rows[keep], self.only(keep), self.named[keep], trust, again)


class Scorer:
    """Raw scores of a split's rows through the exported graphs, photo vectors computed once."""

    def __init__(self, engine: Engine, split: Split) -> None:
        self.engine, self.split = engine, split
        self.ids = engine.known_ids(split.text) if split.text is not None else {}
        self.rest = engine.known_ids(split.masked) if split.masked is not None else {}
        """Of titles without the words of category names."""
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

    def score(self, mix: Inputs, *, unnamed: bool = False) -> MixScores:
        """Logits of the heads that can answer for a mix, on the rows that have it.

        Args:
            unnamed: every title is shown without the words of category names; rows that have no other are left out.
        """
        rows = self.rows(mix)
        if unnamed:
            rows = rows[self.left_of_titles()[rows] > 0]
        logits: dict[ScoreName, FloatArray] = {}
        text = self.text(mix, rows, unnamed=unnamed) if set(mix) & set(TEXT_INPUTS) else None
        image, again = None, None
        if text is not None:
            logits |= self.engine.text_scores(text)
        if "image" in mix:
            vectors, scores = self._images()
            image = vectors[rows], scores[rows]
            logits["image"] = image[1]
            if text is None:
                again = self.engine.unsure(image[1])
                logits["image"] = self._looked_again(rows, image[1], np.flatnonzero(again))
        if text is not None and image is not None:
            cuts = _slices(len(rows), 1024)
            parts = [self.engine.fusion((text[0][c], text[1][c]), (image[0][c], image[1][c])) for c in cuts]
            logits["fused"] = np.concatenate(parts)
        trust = None if image is None else self.engine.trust(image[0])
        named = self.split.named[rows] & (not unnamed) if "title" in mix else np.ones(len(rows), np.bool_)
        return MixScores(mix, rows, logits, named, trust, again)

    def text(self, mix: Inputs, rows: Rows, *, unnamed: bool) -> tuple[FloatArray, FloatArray]:
        """Text vectors [N, dim] and logits [N, leaves] of some rows as far as a mix shows them; see ``score``."""
        assert self.split.text is not None
        fields = {i for i, name in enumerate(TEXT_INPUTS) if name in mix}
        shown = {
            name: self._shown(name, ids, fields - {_TITLE} if unnamed else fields) for name, ids in self.ids.items()
        }
        parts = []
        for some in _slices(len(rows), 256):
            cut = {name: ragged.take(rows[some]).only_known() for name, ragged in shown.items()}
            if unnamed:
                cut = {name: _side_by_side(self.rest[name].take(rows[some]).only_known(), cut[name]) for name in cut}
            parts.append(self.engine.text(cut))
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _shown(self, name: EncoderName, ids: RaggedIds, fields: set[int]) -> RaggedIds:
        """The ids of some fields alone; those of others are taken for unknown."""
        assert self.split.text is not None
        inside = np.isin(self.split.text[name].fields, sorted(fields))
        return RaggedIds(np.where(inside, ids.ids, 0).astype(np.int32), ids.offsets)

    def left_of_titles(self) -> Rows:
        """How much of each title is known beside the words of category names [N]."""
        found: Rows = np.sum([ragged.known() for ragged in self.rest.values()], axis=0)
        return found

    def _images(self) -> tuple[FloatArray, FloatArray]:
        if self._image is None:
            pixels = self.split.pixels
            assert pixels is not None
            parts = [self.engine.image(np.asarray(pixels[some])) for some in _slices(len(pixels), 64)]
            self._image = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        return self._image

    def _looked_again(self, rows: Rows, first: FloatArray, unsure: Rows) -> FloatArray:
        """Logits of photos that answer alone, with a second look at those that are unsure."""
        pixels, both = self.split.pixels, first.copy()
        assert pixels is not None
        for some in (unsure[cut] for cut in _slices(len(unsure), 64)):
            both[some] = self.engine.second_look(np.asarray(pixels[rows[some]]), first[some])
        return both


def _slices(n: int, size: int) -> Iterator[slice]:
    return (slice(at, min(n, at + size)) for at in range(0, n, size))


def _side_by_side(first: RaggedIds, second: RaggedIds) -> RaggedIds:
    """The ids of the same products from two sources, those of the first before those of the second."""
    owner = np.concatenate([np.repeat(np.arange(len(r)), np.diff(r.offsets)) for r in (first, second)])
    order = np.argsort(owner, kind="stable")
    return RaggedIds(np.concatenate([first.ids, second.ids])[order], first.offsets + second.offsets)

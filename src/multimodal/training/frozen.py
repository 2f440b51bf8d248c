"""Vectors of a frozen sentence encoder, computed once for each way a product's text is shown."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from multimodal.artifact.manifest import SentenceSpec
from multimodal.artifact.vocabulary import Vocabulary, wrapped
from multimodal.models.sentence import SentenceEncoder
from multimodal.training.arrays import Split
from multimodal.training.batches import Plan
from multimodal.types import TEXT_INPUTS, RaggedIds

_console = Console(stderr=True)
Shown = Literal["all", "title", "others", "masked"]
_WAYS: tuple[Shown, ...] = ("all", "title", "others", "masked")
_TITLE = TEXT_INPUTS.index("title")
_BATCH = 64


class FrozenFeed:
    """Vectors [N, dim] of products as they are shown: whole, by title, by the other fields, or masked.

    Hidden words stay seen: a transformer would have to read the rest again for each of them.
    """

    def __init__(self, vocabulary: Vocabulary, spec: SentenceSpec, encoder: SentenceEncoder) -> None:
        self.vocabulary, self._spec, self._encoder = vocabulary, spec, encoder
        self._kept: dict[tuple[int, Shown], tuple[Split, npt.NDArray[np.float16]]] = {}

    def tensors(self, ragged: RaggedIds, plan: Plan) -> tuple[Tensor, ...]:
        """See ``Feed.tensors``."""
        title = plan.fields[:, _TITLE]
        others = plan.fields[:, [f for f in range(plan.fields.shape[1]) if f != _TITLE]].all(axis=1)
        way = np.select([plan.masked, title & others, title], [3, 0, 1], 2)
        out = np.zeros((len(plan.rows), self._encoder.dim), np.float32)
        for number in np.unique(way):
            at = np.flatnonzero(way == number)
            out[at] = self.vectors(plan.split, _WAYS[number])[plan.rows[at]]
        return (torch.from_numpy(out),)

    def vectors(self, split: Split, shown: Shown) -> npt.NDArray[np.float16]:
        """Vectors [N, dim] of a whole split."""
        key = (id(split), shown)
        if key not in self._kept:
            encoded = split.masked if shown == "masked" else split.text
            assert encoded is not None
            features = encoded["sentence"]
            ids = self.vocabulary.ids(features)
            if shown in ("title", "others"):
                ids = np.where((features.fields == _TITLE) == (shown == "title"), ids, 0).astype(np.int32)
            found = self._encode(RaggedIds(ids, features.offsets).only_known(), f"Sentence vectors ({shown})")
            self._kept[key] = split, found  # kept with it: a number of an object is another's once it is gone
        return self._kept[key][1]

    def _encode(self, ragged: RaggedIds, label: str) -> npt.NDArray[np.float16]:
        out = np.zeros((len(ragged), self._encoder.dim), np.float16)
        # Those of a length together: padding is most of the work otherwise.
        order = np.argsort(np.diff(ragged.offsets), kind="stable")
        cuts = [order[at : at + _BATCH] for at in range(0, len(order), _BATCH)]
        self._encoder.eval()
        device = next(self._encoder.parameters()).device  # that of the fusion, where it learns beside it
        with torch.no_grad():
            for rows in track(cuts, label, console=_console, disable=not _console.is_terminal):
                spec = self._spec
                pieces = wrapped(ragged.take(rows), spec.prefix, spec.suffix, spec.longest)
                out[rows] = self._encoder(torch.from_numpy(pieces).to(device)).cpu().numpy()
        return out


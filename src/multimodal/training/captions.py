"""What sellers wrote about a photo, as something for the photo tower to learn beside the category.

A title says more about its photo than the category does: for whom it is, the pattern, the brand, the cut. A tower
that learns to tell those words remembers less of single photos (Joulin et al., Learning visual features from large
weakly supervised data, 2016). Only training needs them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from multimodal.artifact.vocabulary import lookup
from multimodal.training.arrays import Split
from multimodal.training.vocabulary import build_vocabulary
from multimodal.types import TextFeatures

MIN_COUNT = 20
"""Products a word must be found in to be worth telling."""


class Captions:
    """The words of each product that are frequent enough, as distributions to learn."""

    def __init__(self, split: Split, words: int) -> None:
        assert split.text is not None
        features = whole_words(next(iter(split.text.values())))
        vocabulary = build_vocabulary(features, words, MIN_COUNT)
        ids = lookup(vocabulary, features.hashes)
        rows = np.repeat(np.arange(len(features)), np.diff(features.offsets))
        self.size = len(vocabulary)
        pairs = np.unique(rows[ids > 0] * (self.size + 1) + ids[ids > 0])
        self._ids = pairs % (self.size + 1) - 1
        counts = np.bincount(pairs // (self.size + 1), minlength=len(features))
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def targets(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Distributions [N, words], each product's words alike and adding up to 1; zeros where there are none."""
        out = np.zeros((len(rows), self.size), np.float32)
        for at, row in enumerate(rows):
            found = self._ids[self._starts[row] : self._starts[row + 1]]
            if len(found):
                out[at, found] = 1 / len(found)
        return out


def whole_words(features: TextFeatures) -> TextFeatures:
    """The first feature of each token: of titles the word, of characteristics the pair or a word of its value."""
    rows = np.repeat(np.arange(len(features), dtype=np.int64), np.diff(features.offsets))
    longest = int(features.tokens.max(initial=0)) + 1
    _, first = np.unique(rows * longest + features.tokens, return_index=True)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows[first], minlength=len(features)))])
    return TextFeatures(features.hashes[first], features.tokens[first], features.fields[first], offsets)

"""Fits the head for titles that name no category, on the training rows' text vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from multimodal.artifact.engine import Engine
from multimodal.artifact.manifest import UnnamedSpec
from multimodal.artifact.unnamed import UnnamedHead, write_unnamed
from multimodal.export.scorer import Inputs, Scorer
from multimodal.training.arrays import Split
from multimodal.types import FloatArray, TextFeatures

_MOST = 100_000
"""Rows that are enough for a head of some ten thousand weights."""
_MOST_SCORES = 50_000_000
"""Rows times leaves that are fitted in minutes."""
_FEWEST = 200
_SHORTER = 2
"""Times that each title is shown with words left out: without, titles of one word are answered worse than before."""
_HIDDEN = 256
_PENALTY = 0.1
_RATE = 0.002
_EPOCHS = 10
_STEPS = 100
"""Steps of an epoch at least, as far as batches of 32 rows allow; batches have 256 rows at most."""

Rows = npt.NDArray[np.int64]
Shown = tuple[FloatArray, Rows, Rows]
"""Text vectors [N, dim], and the row and the leaf of each [N]."""


def fit_unnamed(engine: Engine, train: Split | None, file: Path) -> UnnamedSpec | None:
    """Writes a perceptron with one hidden layer (scikit-learn's, by Adam) on what titles say without category names.

    Each row is shown with its title alone, with all of its text, and with some words of its title, category names
    taken out of the title each time.

    Returns:
        None, with nothing written, where there is no text, or too little is left of titles.
    """
    if train is None or train.text is None or train.masked is None:
        return None
    rng = np.random.default_rng(0)
    scorer = Scorer(engine, train)
    titled = [mix for mix in scorer.available() if "title" in mix and "image" not in mix]
    if not titled:
        return None
    most = min(_MOST, _MOST_SCORES // engine.leaves)
    told = [(scorer, mix) for mix in dict.fromkeys([titled[0], titled[-1]])]
    told += [(Scorer(engine, _shorter(train, rng)), titled[0]) for _ in range(_SHORTER)]
    shown = [part for part in (_shown(one, mix, most, rng) for one, mix in told) if part is not None]
    if not shown:
        return None
    vectors, rows, labels = (np.concatenate(parts) for parts in zip(*shown, strict=True))
    used = len(np.unique(rows))
    if used < _FEWEST or len(np.unique(labels)) < 2:
        return None
    write_unnamed(file, _fitted(vectors, labels, engine.leaves))
    return UnnamedSpec(rows=used)


def _shown(scorer: Scorer, mix: Inputs, most: int, rng: np.random.Generator) -> Shown | None:
    """What a mix shows of the rows of which the bundle knows anything without category names, ``most`` at most."""
    rows = scorer.rows(mix)
    rows = rows[(scorer.left_of_titles()[rows] > 0) & scorer.split.has_leaf[rows]]
    rows = np.sort(rng.permutation(rows)[:most])
    if not len(rows):
        return None
    return scorer.text(mix, rows, unnamed=True)[0], rows, scorer.split.labels[rows]


def _shorter(train: Split, rng: np.random.Generator) -> Split:
    """The rows with words left out of their titles: each row keeps its words with a chance of its own."""
    assert train.masked is not None
    words = 1 + max(int(features.tokens.max(initial=0)) for features in train.masked.values())
    kept = rng.random((len(train), words)) < rng.random((len(train), 1))
    return replace(train, masked={name: _only(features, kept) for name, features in train.masked.items()})


def _only(features: TextFeatures, kept: npt.NDArray[np.bool_]) -> TextFeatures:
    """The features of the words [N, T] that are kept."""
    owner = np.repeat(np.arange(len(features)), np.diff(features.offsets))
    keep = kept[owner, features.tokens]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner[keep], minlength=len(features)))])
    return TextFeatures(features.hashes[keep], features.tokens[keep], features.fields[keep], offsets)


def _fitted(vectors: FloatArray, labels: Rows, leaves: int) -> UnnamedHead:
    from sklearn.neural_network import MLPClassifier

    mean, spread = vectors.mean(axis=0), vectors.std(axis=0)
    # A direction in which nothing varies tells nothing; a weight divided by its spread would not fit half precision.
    spread = np.where(spread > 1e-3 * spread.max(), spread, np.inf).astype(np.float32)
    batch = int(np.clip(len(labels) // _STEPS, 32, 256))
    model = MLPClassifier(_HIDDEN, alpha=_PENALTY, learning_rate_init=_RATE, batch_size=batch, random_state=0)
    scaled, classes = (vectors - mean) / spread, np.unique(labels)
    for _ in range(_EPOCHS):
        model.partial_fit(scaled, labels, classes=classes)
    (first, last), (first_bias, last_bias) = model.coefs_, model.intercepts_
    if len(classes) == 2:  # scikit-learn keeps one output of the two
        last, last_bias = np.concatenate([-last, last], axis=1) / 2, np.concatenate([-last_bias, last_bias]) / 2
    hidden = first.T / spread
    hidden_bias = first_bias - hidden @ mean
    seen = UnnamedHead(hidden, hidden_bias, last.T, last_bias).logits(vectors)
    # A leaf without a training row is as unlikely as the rarest one is on the mean, and never the likeliest.
    least = min(seen.mean(axis=0).min(), seen.max(axis=1).min())
    weight, bias = np.zeros((leaves, last.shape[0]), np.float32), np.full(leaves, least, np.float32)
    weight[classes], bias[classes] = last.T, last_bias
    return UnnamedHead(hidden, hidden_bias, weight, bias)

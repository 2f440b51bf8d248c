"""Fits the head for titles that name no category, on the training rows' text vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from multimodal.artifact.engine import Engine
from multimodal.artifact.manifest import UnnamedSpec
from multimodal.artifact.unnamed import UnnamedHead, write_unnamed
from multimodal.export.scorer import Scorer
from multimodal.training.arrays import Split
from multimodal.types import FloatArray

_MOST = 100_000
"""Rows that are enough for a head of some ten thousand weights."""
_MOST_SCORES = 50_000_000
"""Rows times leaves that are fitted in minutes and, scored in double precision, fit in memory."""
_FEWEST = 200
_PENALTY = 0.1
"""Inverse strength of its penalty: of 0.003 to 0.3 what answered best beside the photo, on fashion_products."""
_STEPS = 100

Rows = npt.NDArray[np.int64]


def fit_unnamed(engine: Engine, train: Split | None, file: Path) -> UnnamedSpec | None:
    """Writes a multinomial logistic regression (scikit-learn's) on what titles say without category names.

    Each row is shown with its title alone and with all of its text, category names taken out of the title.

    Returns:
        None, with nothing written, where there is no text, or too little is left of titles.
    """
    if train is None or train.text is None or train.masked is None:
        return None
    scorer = Scorer(engine, train)
    titled = [mix for mix in scorer.available() if "title" in mix and "image" not in mix]
    known = scorer.left_of_titles() > 0
    vectors, labels = [], []
    most = min(_MOST, _MOST_SCORES // engine.leaves)
    for mix in dict.fromkeys([*titled[:1], *titled[-1:]]):
        rows = scorer.rows(mix)
        rows = rows[known[rows] & train.has_leaf[rows]]
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
        vectors.append(scorer.text(mix, rows, unnamed=True)[0])
        labels.append(train.labels[rows])
    if sum(map(len, labels)) < _FEWEST or len(np.unique(np.concatenate(labels))) < 2:
        return None
    write_unnamed(file, _fitted(np.concatenate(vectors), np.concatenate(labels), engine.leaves))
    return UnnamedSpec(rows=max(map(len, labels)))


def _fitted(vectors: FloatArray, labels: Rows, leaves: int) -> UnnamedHead:
    from sklearn.linear_model import LogisticRegression

    mean, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    model = LogisticRegression(C=_PENALTY, max_iter=_STEPS, tol=1e-3).fit((vectors - mean) / spread, labels)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one line of the two
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / spread
    bias = bias - weight @ mean
    # A leaf without a training row is as unlikely as the rarest one is when nothing is known.
    head = UnnamedHead(np.zeros((leaves, weight.shape[1]), np.float32), np.full(leaves, bias.min(), np.float32))
    head.weight[model.classes_], head.bias[model.classes_] = weight, bias
    return head

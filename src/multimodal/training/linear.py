"""A text tower's start: one linear support vector machine a leaf, factored to the tower's width.

Gradient descent on a small table of embeddings overfits rare n-grams long before it has found the wide
margins that make linear machines strong on titles. So the margins are found first, by a solver made for
that, and the tower then learns on from their best approximation of low rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from multimodal.artifact.vocabulary import Vocabulary
from multimodal.models.bag import Bag, WeightedRows, WordVectors
from multimodal.models.encoder import TextEncoder
from multimodal.models.sentence import SentenceEncoder
from multimodal.models.text import TextTower
from multimodal.training.arrays import Split
from multimodal.training.encoders import TextPart
from multimodal.training.frozen import Shown
from multimodal.training.vocabulary import TITLE
from multimodal.types import EncoderName, TextFeatures

MARGIN = 4.0
"""Logits of the text tower for each unit of margin: brings margins to the range of a softmax."""
_ABSENT = -1.5
"""Margin of a leaf without products: below those of leaves that are merely wrong."""
_TOLERANCE = 0.01
_OTHERS = 0.25
"""Weight of a product without its title: few descriptions say what a product is, but some are all there is."""
_SAMPLE = 20_000
"""Products whose scores choose the directions that are kept."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Machines:
    """Linear machines, one a leaf: weights [V + 1, leaves] of weighted n-grams, bias [leaves]."""

    weights: Floats
    bias: Floats


def start_from_svm(
    part: TextPart,
    split: Split,
    rows: npt.NDArray[np.int64],
    cost: float,
    class_weights: Tensor | None = None,
    *,
    keep_head: bool = False,
) -> None:
    """Fills the tower from machines fitted on ``rows``: as they are, with nothing but their titles, and without them.

    Args:
        part: the tower's idf and fields must be set before.
        cost: weight of an error against the width of the margin.
        class_weights: of an error on a product of each leaf by the leaf's own machine [leaves].
        keep_head: fill tables and projections alone, for the head the tower has.
    """
    names = list(part.feeds)
    plain = {name: design(part, name, split, rows, "all") for name in names}
    # Rows that are all title would count twice; rows without one have nothing to show.
    has = split.has_field[rows]
    both = np.flatnonzero(has[:, TITLE] & (has.sum(axis=1) > 1))
    matrices, labels, weights = [_joined(plain.values())], [split.labels[rows]], [np.ones(len(rows))]
    less: tuple[tuple[Shown, float], ...] = (("title", 1.0), ("others", _OTHERS))
    for shown, weight in less:
        matrices.append(_joined(design(part, name, split, rows, shown) for name in names)[both])
        labels.append(split.labels[rows[both]])
        weights.append(np.full(len(both), weight))
    machines = fit_machines(
        sparse.vstack(matrices).tocsr(),
        np.concatenate(labels),
        part.tower.head.out_features,
        cost,
        None if class_weights is None else class_weights.numpy(),
        np.concatenate(weights),
    )
    some = np.random.default_rng(0).permutation(len(rows))[:_SAMPLE]
    start, lost = 0, np.zeros_like(machines.bias)
    for name in names:
        end = start + plain[name].shape[1]
        own = machines.weights[start:end]
        start = end
        if keep_head:
            _fill_under_head(part.tower, name, own)
        else:
            lost += _factor(part.tower, name, own, np.asarray(plain[name][some] @ own, np.float32))
    if not keep_head:
        with torch.no_grad():
            part.tower.head.bias.copy_(_tensor(machines.bias + lost) * MARGIN)


def _fill_under_head(tower: TextTower, name: EncoderName, weights: Floats) -> None:
    """Fills an encoder so that the tower's own head says as nearly as it can what the machines say."""
    head = tower.head.weight.detach().numpy()[:, tower.columns(name)] / MARGIN
    _fill(tower.parts[name], weights @ np.linalg.pinv(head).T)


def _fill(encoder: TextEncoder, columns: Floats) -> None:
    """Sets what stands between an encoder's features [V + 1] or base vectors and its own columns."""
    with torch.no_grad():
        if isinstance(encoder, Bag):
            encoder.table.weight[:, : columns.shape[1]] = _tensor(columns)
            encoder.table.weight[0].zero_()
        elif isinstance(encoder, WordVectors):
            encoder.projection.weight[: columns.shape[1]] = _tensor(columns.T)


def _joined(parts: Iterable[Any]) -> Any:
    return sparse.hstack(list(parts)).tocsr()


def design(part: TextPart, name: EncoderName, split: Split, rows: npt.NDArray[np.int64], shown: Shown) -> Any:
    """What the machines see of an encoder: a sparse matrix [rows, width].

    Of n-grams their weights, of word vectors those pooled, of a sentence encoder its vectors.
    """
    encoder = part.tower.parts[name]
    if isinstance(encoder, SentenceEncoder):
        vectors = part.sentence_vectors(split, shown)
        return sparse.csr_matrix(vectors[rows].astype(np.float32))
    assert isinstance(encoder, WeightedRows)
    assert split.text is not None
    weights = _weights(encoder, split.text[name], part.feeds[name].vocabulary, shown)[rows]
    return sparse.csr_matrix(weights @ encoder.base.numpy()) if isinstance(encoder, WordVectors) else weights


def _weights(encoder: WeightedRows, features: TextFeatures, known: Vocabulary, shown: Shown) -> Any:
    """The sparse matrix [N, V + 1] of the encoder's own weights."""
    ids = known.ids(features)
    owner = np.repeat(np.arange(len(features)), np.diff(features.offsets))
    keep = ids > 0
    if shown != "all":
        keep &= (features.fields == TITLE) == (shown == "title")
    kept = torch.from_numpy(ids[keep].astype(np.int64))
    ends = np.cumsum(np.bincount(owner[keep], minlength=len(features)))
    starts = np.concatenate([[0], ends[:-1]])
    with torch.no_grad():
        weights = encoder.weights(kept, torch.from_numpy(starts)).numpy()
    shape = (len(features), len(known) + 1)
    matrix = sparse.csr_matrix((weights, kept.numpy(), np.concatenate([[0], ends])), shape=shape)
    matrix.sum_duplicates()
    return matrix


def fit_machines(
    matrix: Any,
    labels: npt.NDArray[np.int64],
    leaves: int,
    cost: float,
    class_weights: Floats | None = None,
    row_weights: npt.NDArray[np.float64] | None = None,
) -> Machines:
    """One machine for each leaf that has products, against all others."""
    from sklearn.svm import LinearSVC

    weights = np.zeros((matrix.shape[1], leaves), np.float32)
    bias = np.full(leaves, _ABSENT, np.float32)
    seen = np.unique(labels)
    if len(seen) == 1:
        bias[seen] = 1.0
        return Machines(weights, bias)
    weighted = None if class_weights is None else {int(leaf): float(class_weights[leaf]) for leaf in seen}
    svm = LinearSVC(C=cost, tol=_TOLERANCE, random_state=0, class_weight=weighted)
    svm.fit(matrix, labels, sample_weight=row_weights)
    # Of two classes there is one machine, that of the second.
    both = len(seen) == 2
    weights[:, seen] = (np.vstack([-svm.coef_, svm.coef_]) if both else svm.coef_).T
    bias[seen] = np.concatenate([-svm.intercept_, svm.intercept_]) if both else svm.intercept_
    return Machines(weights, bias)


def _factor(tower: TextTower, name: EncoderName, weights: Floats, scores: Floats) -> Floats:
    """Keeps the directions in which scores vary most; each is shared between encoder and head by its root.

    An encoder wider than the leaves has its other columns small at random, so that they can learn. The columns
    are turned at random so that all are of one size: no few outliers then widen the steps of int8 rows.

    Returns:
        The mean score [leaves] that the kept directions lose.
    """
    encoder, part = tower.parts[name], tower.columns(name)
    head = tower.head.weight
    if isinstance(encoder, SentenceEncoder):
        with torch.no_grad():
            head[:, part] = _tensor(weights.T) * MARGIN
        return np.zeros(scores.shape[1], np.float32)
    values, vectors = np.linalg.eigh(np.cov(scores.T).astype(np.float64))
    width = min(encoder.dim, len(values))
    kept = vectors[:, ::-1][:, :width]
    spread = np.maximum(values[::-1][:width], 1e-6 * max(values[-1], 1e-6)) ** 0.25
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))[0]
    with torch.no_grad():
        matrix = encoder.table.weight if isinstance(encoder, Bag) else encoder.get_parameter("projection.weight")
        matrix.normal_(std=1e-3)
        head[:, part].normal_(std=1e-3)
        head[:, part.start : part.start + width] = _tensor(kept * spread @ turn) * MARGIN
    _fill(encoder, np.asarray(weights @ (kept / spread @ turn), np.float32))
    mean = scores.mean(axis=0)
    return np.asarray(mean - kept @ (kept.T @ mean), np.float32)


def _tensor(array: npt.NDArray[np.floating[Any]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))

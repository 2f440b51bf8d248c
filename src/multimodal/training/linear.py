"""A text tower's start: one linear support vector machine a leaf, factored to the tower's width.

Gradient descent on a small table of embeddings overfits rare n-grams long before it has found the wide
margins that make linear machines strong on titles. So the margins are found first, by a solver made for
that, and the tower then learns on from their best approximation of low rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse  # type: ignore[import-untyped]
from torch import Tensor

from multimodal.models.text import NgramTower
from multimodal.training.batches import TITLE, Ids
from multimodal.types import TextFeatures

MARGIN = 4.0
"""Logits of the text tower for each unit of margin: brings margins to the range of a softmax."""
_ABSENT = -1.5
"""Margin of a leaf without products: below those of leaves that are merely wrong."""
_TOLERANCE = 0.01
_SAMPLE = 20_000
"""Products whose scores choose the directions that are kept."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Machines:
    """Linear machines, one a leaf: weights [V + 1, leaves] of weighted n-grams, bias [leaves]."""

    weights: Floats
    bias: Floats


def start_from_svm(
    tower: NgramTower,
    features: TextFeatures,
    ids: Ids,
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    cost: float,
    *,
    keep_head: bool = False,
) -> None:
    """Fills the tower from machines fitted on ``rows``, as they are and with nothing but their titles.

    Args:
        tower: its idf and fields must be set before.
        ids: vocabulary ids of the features.
        labels: leaf [N] of every product of ``features``.
        cost: weight of an error against the width of the margin.
        keep_head: fill the table alone, for the head the tower has.
    """
    plain = design(tower, features, ids, rows, title_only=False)
    titles = design(tower, features, ids, rows, title_only=True)
    # Rows that are all title would count twice; rows without one have nothing to show.
    fewer = np.flatnonzero((np.diff(titles.indptr) > 0) & (np.diff(titles.indptr) < np.diff(plain.indptr)))
    machines = fit_machines(
        [plain, titles[fewer]],
        np.concatenate([labels[rows], labels[rows[fewer]]]),
        tower.head.out_features,
        cost,
    )
    if keep_head:
        _fill_table(tower, machines)
        return
    some = np.random.default_rng(0).permutation(len(rows))[:_SAMPLE]
    scores = np.asarray(plain[some] @ machines.weights, np.float32)
    _factor(tower, machines, scores)


def _fill_table(tower: NgramTower, machines: Machines) -> None:
    """Fills the table alone, so that the tower's own head says as nearly as it can what the machines say."""
    head = tower.head.weight.detach().numpy() / MARGIN
    with torch.no_grad():
        tower.table.weight.copy_(_tensor(machines.weights @ np.linalg.pinv(head).T))
        tower.table.weight[0].zero_()


def design(
    tower: NgramTower,
    features: TextFeatures,
    ids: Ids,
    rows: npt.NDArray[np.int64],
    *,
    title_only: bool,
) -> Any:
    """The sparse matrix [rows, V + 1] of the tower's own n-gram weights."""
    owner = np.repeat(np.arange(len(features)), np.diff(features.offsets))
    keep = (ids > 0) & ((features.fields == TITLE) | (not title_only))
    kept = torch.from_numpy(ids[keep].astype(np.int64))
    ends = np.cumsum(np.bincount(owner[keep], minlength=len(features)))
    starts = np.concatenate([[0], ends[:-1]])
    weights = tower.weights(kept, torch.from_numpy(starts)).numpy()
    shape = (len(features), tower.table.num_embeddings)
    matrix = sparse.csr_matrix((weights, kept.numpy(), np.concatenate([[0], ends])), shape=shape)
    matrix.sum_duplicates()
    return matrix[rows]


def fit_machines(parts: list[Any], labels: npt.NDArray[np.int64], leaves: int, cost: float) -> Machines:
    """One machine for each leaf that has products, against all others."""
    from sklearn.svm import LinearSVC

    matrix = sparse.vstack(parts).tocsr()
    weights = np.zeros((matrix.shape[1], leaves), np.float32)
    bias = np.full(leaves, _ABSENT, np.float32)
    seen = np.unique(labels)
    if len(seen) == 1:
        bias[seen] = 1.0
        return Machines(weights, bias)
    svm = LinearSVC(C=cost, tol=_TOLERANCE, random_state=0).fit(matrix, labels)
    # Of two classes there is one machine, that of the second.
    both = len(seen) == 2
    weights[:, seen] = (np.vstack([-svm.coef_, svm.coef_]) if both else svm.coef_).T
    bias[seen] = np.concatenate([-svm.intercept_, svm.intercept_]) if both else svm.intercept_
    return Machines(weights, bias)


def _factor(tower: NgramTower, machines: Machines, scores: Floats) -> None:
    """Keeps the directions in which scores vary most; each is shared between table and head by its root.

    A tower wider than the leaves has its other columns small at random, so that they can learn. The columns
    are turned at random so that all are of one size: no few outliers then widen the steps of int8 rows.
    """
    values, vectors = np.linalg.eigh(np.cov(scores.T).astype(np.float64))
    width = min(tower.dim, len(values))
    kept = vectors[:, ::-1][:, :width]
    spread = np.maximum(values[::-1][:width], 1e-6 * max(values[-1], 1e-6)) ** 0.25
    lost = scores.mean(axis=0) - kept @ (kept.T @ scores.mean(axis=0))
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))[0]
    with torch.no_grad():
        tower.table.weight.normal_(std=1e-3)
        tower.table.weight[:, :width] = _tensor(machines.weights @ (kept / spread @ turn))
        tower.table.weight[0].zero_()
        tower.head.weight.normal_(std=1e-3)
        tower.head.weight[:, :width] = _tensor(kept * spread @ turn) * MARGIN
        tower.head.bias.copy_(_tensor(machines.bias + lost) * MARGIN)


def _tensor(array: npt.NDArray[np.floating[Any]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))

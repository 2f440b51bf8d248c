"""Public-library peers for text, all behind one protocol: fit on labelled products, score the leaves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from multimodal.errors import MissingExtraError
from multimodal.text.characteristics import render_characteristics
from multimodal.types import TEXT_INPUTS, InputName, Product

OTHER_FIELDS_WEIGHT = 0.5
FASTTEXT_RATE = 1.0
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PeerAnswers:
    """Answers of a peer: the best leaf's id for each product, and scores [N, leaves], -inf where never seen."""

    ids: list[str]
    scores: Scores


class Peer(Protocol):
    """A text classifier of products."""

    name: str

    def fit(self, products: Sequence[Product]) -> None:
        """Trains on products whose ``category_id`` is among the leaves."""
        ...

    def predict(self, products: Sequence[Product]) -> PeerAnswers:
        """Scores all leaves; one answer for each product, in order, empty text included."""
        ...


class LinearSVCPeer:
    """TF-IDF of words (1-2) and characters (2-5), lower-cased, sublinear, then scikit-learn's LinearSVC.

    With ``by_field`` each field has a TF-IDF of its own, those beside the title at weight 0.5; otherwise
    all fields are one string.
    """

    def __init__(self, leaves: Sequence[str], inputs: frozenset[InputName], *, by_field: bool = False) -> None:
        self.name = "TF-IDF by field + LinearSVC" if by_field else "TF-IDF + LinearSVC"
        self._leaves = tuple(leaves)
        fields = [name for name in TEXT_INPUTS if name in inputs]
        self._groups = [(name,) for name in fields] if by_field else [tuple(fields)]
        self._features: Any = None
        self._model: Any = None

    def fit(self, products: Sequence[Product]) -> None:
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
            from sklearn.pipeline import FeatureUnion
            from sklearn.svm import LinearSVC
        except ImportError as error:
            raise MissingExtraError("bench", feature=f"The peer {self.name}") from error

        def tfidf(fields: tuple[InputName, ...]) -> Any:
            words = TfidfVectorizer(preprocessor=_lower, ngram_range=(1, 2), sublinear_tf=True)
            letters = TfidfVectorizer(preprocessor=_lower, analyzer="char", ngram_range=(2, 5), sublinear_tf=True)
            return FeatureUnion([("words", words), ("characters", letters)])

        self._features = [tfidf(fields) for fields in self._groups]
        columns = [f.fit_transform(_texts(products, g)) for f, g in zip(self._features, self._groups, strict=True)]
        self._model = LinearSVC(random_state=0).fit(self._joined(columns), _labels(products))

    def predict(self, products: Sequence[Product]) -> PeerAnswers:
        columns = [f.transform(_texts(products, g)) for f, g in zip(self._features, self._groups, strict=True)]
        found = np.asarray(self._model.decision_function(self._joined(columns)), dtype=np.float32)
        if found.ndim == 1:  # two classes share one column
            found = np.stack([-found, found], axis=1)
        return _answers(self._leaves, list(self._model.classes_), found)

    def _joined(self, columns: Sequence[Any]) -> Any:
        from scipy.sparse import hstack

        weights = [1.0 if i == 0 else OTHER_FIELDS_WEIGHT for i in range(len(columns))]
        return hstack([w * c for w, c in zip(weights, columns, strict=True)], format="csr")


class FastTextPeer:
    """fastText: 25 epochs, word bigrams, character n-grams of 2 to 5. More than one thread is not repeatable.

    The library's own learning rate of 0.1 leaves it underfit on sets this small. By top-1 on validation
    titles, rates 0.1 / 0.5 / 1 / 2 / 4 gave 0.935 / 0.953 / 0.961 / 0.955 / 0.952 on fashion_products and
    0.620 / 0.849 / 0.862 / 0.880 / 0.891 on perekrestok_ru: give the one that suits the set.
    """

    name = "fastText"

    def __init__(
        self,
        leaves: Sequence[str],
        inputs: frozenset[InputName],
        *,
        learning_rate: float = FASTTEXT_RATE,
        threads: int | None = None,
    ) -> None:
        self._leaves = tuple(leaves)
        self._fields = tuple(name for name in TEXT_INPUTS if name in inputs)
        self._rate = learning_rate
        self._threads = threads or machine_threads()
        self._model: Any = None

    def fit(self, products: Sequence[Product]) -> None:
        try:
            import fasttext
        except ImportError as error:
            raise MissingExtraError("bench", feature=f"The peer {self.name}") from error
        index = {leaf: i for i, leaf in enumerate(self._leaves)}
        lines = [
            f"__label__{index[label]} {text}"
            for label, text in zip(_labels(products), self._lines(products), strict=True)
        ]
        # It takes rows as they come: of a file sorted by category it learns little but the last ones.
        lines = [lines[i] for i in np.random.default_rng(0).permutation(len(lines))]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "train.txt"
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self._model = fasttext.train_supervised(
                str(file), lr=self._rate, epoch=25, wordNgrams=2, minn=2, maxn=5, thread=self._threads, verbose=0
            )

    def predict(self, products: Sequence[Product]) -> PeerAnswers:
        labels, values = self._model.predict(self._lines(products), k=len(self._leaves))
        scores = np.full((len(products), len(self._leaves)), -np.inf, np.float32)
        for row, (names, probs) in enumerate(zip(labels, values, strict=True)):
            scores[row, [int(name.removeprefix("__label__")) for name in names]] = probs
        return PeerAnswers([self._leaves[i] for i in scores.argmax(axis=1)], scores)

    def _lines(self, products: Sequence[Product]) -> list[str]:
        # a newline ends a row and this prefix starts a label, so neither may stand in a text
        texts = _texts(products, self._fields)
        return [" ".join(_lower(text).replace("__label__", " ").split()) for text in texts]


def machine_threads() -> int:
    """Threads to use: OMP_NUM_THREADS where it is set, else the cores this process may run on."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else len(os.sched_getaffinity(0))


def visible_text(product: Product, fields: Sequence[InputName]) -> str:
    """The named fields of a product as one string, in their order; empty where it has none of them."""
    parts = {
        "title": product.title,
        "description": product.description,
        "characteristics": render_characteristics(product.characteristics),
    }
    return " ".join(part for name in fields if (part := parts.get(name)))


def _texts(products: Sequence[Product], fields: Sequence[InputName]) -> list[str]:
    return [visible_text(product, fields) for product in products]


def _lower(text: str) -> str:
    return text.lower()


def _labels(products: Sequence[Product]) -> list[str]:
    labels = [product.category_id for product in products if product.category_id is not None]
    if len(labels) != len(products) or not labels:
        raise ValueError(f"got {len(labels)} labels for {len(products)} products, expected one each; label them")
    return labels


def _answers(leaves: Sequence[str], classes: Sequence[str], found: Scores) -> PeerAnswers:
    column = {leaf: i for i, leaf in enumerate(leaves)}
    scores = np.full((len(found), len(leaves)), -np.inf, np.float32)
    scores[:, [column[str(name)] for name in classes]] = found
    return PeerAnswers([leaves[i] for i in scores.argmax(axis=1)], scores)

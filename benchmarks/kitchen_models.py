"""The models that the kitchen's steps are measured by: a LinearSVC on the kitchen's features, and our text bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from curve_data import DataSet
from curve_measure import train_bundle
from multimodal.config.models import DataConfig, RunConfig, SourceConfig, TreeConfig
from multimodal.config.text import LemmasName, StepName
from multimodal.errors import MissingExtraError
from multimodal.text import TextFields, TextKitchen, TextKitchenConfig
from multimodal.types import TEXT_INPUTS, InputName, Product, TextFeatures
from peers import OTHER_FIELDS_WEIGHT, machine_threads

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Variant:
    """A kitchen: which lemmatizer and which steps."""

    lemmas: LemmasName = "none"
    steps: tuple[StepName, ...] = ()

    def kitchen(self) -> TextKitchen:
        """The kitchen; MissingExtraError where its extra is not installed."""
        return TextKitchen(TextKitchenConfig(lemmas=self.lemmas, steps=self.steps))


def shown_of(product: Product, inputs: Sequence[InputName]) -> Product:
    """The product with nothing but these inputs, its id and its label."""
    return replace(product, image=None, **{name: None for name in TEXT_INPUTS if name not in inputs})


def read(kitchen: TextKitchen, products: Sequence[Product]) -> list[TextFields]:
    """The tokens of products that are none of them over a cap; raises InputError for one that is."""
    found = []
    for fields in kitchen.fields_of(products):
        if not isinstance(fields, TextFields):
            raise fields
        found.append(fields)
    return found


class Model(Protocol):
    """Leaf indices [N] for products, by a model that was trained to see ``inputs``."""

    def answer(self, products: Sequence[Product], inputs: tuple[InputName, ...]) -> Ints: ...


class KitchenSVC:
    """TF-IDF of the kitchen's features and a LinearSVC, one for each mix of inputs."""

    def __init__(self, data: DataSet, variant: Variant) -> None:
        self._data = data
        self._kitchen = variant.kitchen()
        self._fit = cache(self._fitted)

    def answer(self, products: Sequence[Product], inputs: tuple[InputName, ...]) -> Ints:
        fields, svm = self._fit(inputs)
        features = self._features(products, inputs)
        columns = [weight * idf.transform(counts(features, field, known)) for field, known, idf, weight in fields]
        scores = svm.decision_function(_side_by_side(columns))
        picked = (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        answers: Ints = svm.classes_[picked]
        return answers

    def _fitted(self, inputs: tuple[InputName, ...]) -> tuple[list[tuple[int, Any, Any, float]], Any]:
        try:
            from sklearn.feature_extraction.text import TfidfTransformer
            from sklearn.svm import LinearSVC
        except ImportError as error:
            raise MissingExtraError("bench", feature="LinearSVC") from error
        features = self._features(self._data.train, inputs)
        index = self._data.tree.leaf_index
        labels = np.array([index[product.category_id or ""] for product in self._data.train])
        fields: list[tuple[int, Any, Any, float]] = []
        columns = []
        for field in np.unique(features.fields).tolist():
            known = np.unique(features.hashes[features.fields == field])
            found = counts(features, field, known)
            idf = TfidfTransformer(sublinear_tf=True).fit(found)
            weight = OTHER_FIELDS_WEIGHT if fields else 1.0
            fields.append((field, known, idf, weight))
            columns.append(weight * idf.transform(found))
        # liblinear's own tolerance; scikit-learn's of 0.0001 takes many times as long to the same answers.
        return fields, LinearSVC(random_state=0, tol=0.1).fit(_side_by_side(columns), labels)

    def _features(self, products: Sequence[Product], inputs: tuple[InputName, ...]) -> TextFeatures:
        return self._kitchen.features(read(self._kitchen, [shown_of(product, inputs) for product in products]))


def counts(features: TextFeatures, field: int, known: npt.NDArray[np.uint32]) -> Any:
    """The sparse matrix [N, known] of how often each product has each feature of a field."""
    from scipy.sparse import csr_matrix

    owner = np.repeat(np.arange(len(features)), np.diff(features.offsets))
    at = np.minimum(np.searchsorted(known, features.hashes), max(len(known) - 1, 0))
    kept = (features.fields == field) & (known[at] == features.hashes)
    ones = np.ones(int(kept.sum()), np.float32)
    matrix = csr_matrix((ones, (owner[kept], at[kept])), shape=(len(features), len(known)))
    matrix.sum_duplicates()
    return matrix


def _side_by_side(columns: list[Any]) -> Any:
    from scipy.sparse import hstack

    return hstack(columns, format="csr")


class Ours:
    """One text-only bundle that answers every mix of inputs."""

    def __init__(self, variant: Variant, config: RunConfig) -> None:
        from multimodal import load

        assert config.text is not None
        text = config.text.model_copy(update={"lemmas": variant.lemmas, "steps": variant.steps})
        self._predictor = load(train_bundle(config.model_copy(update={"text": text})), threads=machine_threads())

    def answer(self, products: Sequence[Product], inputs: tuple[InputName, ...]) -> Ints:
        scores = self._predictor.leaf_probabilities(products, frozenset(inputs), head="text")
        answers: Ints = np.where(np.isnan(scores), 0.0, scores).argmax(axis=1)
        return answers


def text_config(base: RunConfig, data: DataSet, folder: Path, share: float, seed: int) -> RunConfig:
    """A recipe for the text alone, on a share of a data set's training rows."""
    train = SourceConfig(path=str(data.folder / "train.parquet"), share=share, seed=seed)
    return base.model_copy(
        update={
            "name": "kitchen",
            "output": str(folder / "bundle"),
            "work_dir": str(folder / "runs"),
            "tree": TreeConfig(path=str(data.folder / "categories_tree.csv")),
            "data": DataConfig(train=(train,), val=(SourceConfig(path=str(data.folder / "val.parquet")),)),
            "image": None,
            "tags": None,
            "attributes": {},
            "training": base.training.model_copy(update={"seed": seed, "init_from": None}),
        }
    )

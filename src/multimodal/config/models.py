"""The whole configuration of a training run as frozen pydantic models; unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """Base: frozen, and no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


Share = Annotated[float, Field(gt=0.0, le=1.0)]


class ColumnMap(Strict):
    """Which column holds what. A column left out is guessed from well-known names; "" means there is none."""

    id: str | None = None
    title: str | None = None
    description: str | None = None
    characteristics: str | None = None
    image: str | None = None
    category_id: str | None = None
    category_path: str | None = None
    group: str | None = None


class JoinConfig(Strict):
    """Takes the columns a source lacks from another file, by id; rows without a match are left out.

    ``path`` is the file that holds the other columns; the id column of both is in their ``columns``.
    """

    path: str
    columns: ColumnMap = ColumnMap()


class SourceConfig(Strict):
    """One source of labelled or unlabelled products."""

    path: str | None = None
    """A file, a folder of photos, or a pattern such as ``parts/*.parquet`` of files with the same columns."""
    format: Literal["auto", "parquet", "csv", "json", "jsonl", "folder", "drawings"] = "auto"
    columns: ColumnMap = ColumnMap()
    join: JoinConfig | None = None
    share: Share = 1.0
    category_map: dict[str, str] | str | None = None
    """Label in the data -> category id in the tree; a mapping, or a CSV with columns label, category_id."""
    path_separator: str = " > "
    images_root: str | None = None
    """Folder or zip that paths in an image column start from; default: the file's own folder. Without an image
    column, photos are found there by the row's id: ``<id>.jpg``, with any known suffix."""
    products: int | None = Field(default=None, ge=1)
    """For drawings: how many products to draw."""
    seed: int = 0
    """For drawings and for ``share``."""

    @model_validator(mode="after")
    def _drawings_have_no_path(self) -> SourceConfig:
        if self.format == "drawings":
            if self.path is not None or self.products is None:
                raise ValueError("format: drawings takes 'products' (how many to draw) and no 'path'")
        elif self.path is None:
            raise ValueError("a source needs 'path' (or format: drawings with 'products')")
        return self


class TreeConfig(Strict):
    """Where the category tree comes from: a file of nodes, or the path column of the training sources."""

    path: str | None = None
    """A table (CSV, parquet), Google's taxonomy text, or JSON."""
    format: Literal["auto", "table", "google", "json"] = "auto"
    """The form of the file; ``auto`` finds it by the content and the suffix."""
    id: str = "id"
    name: str = "title"
    parent_id: str = "parent_id"
    """Columns of a table, or keys in JSON, where the usual spellings of these keys are also known."""
    from_paths: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> TreeConfig:
        if (self.path is None) == (not self.from_paths):
            raise ValueError("expected exactly one of 'path' and 'from_paths: true'")
        if self.from_paths and self.format != "auto":
            raise ValueError(f"got format: {self.format} without a 'path', expected it beside one; leave it out")
        return self


Likeness = Literal["title", "photo", "id"]


class SplitConfig(Strict):
    """How validation rows are drawn from the training sources: whole groups, the same share of every category."""

    val: Annotated[float, Field(gt=0, le=0.5)] = 0.15
    seed: int = 0
    by: tuple[Likeness, ...] = Field(default=("title", "photo"), min_length=1)
    """Rows that share one of these are one group, where they have no group of their own. ``id`` is for sources that
    hold the same products under the same ids."""


class DataConfig(Strict):
    """Splits. ``val`` is divided in halves by a hash of the group: select and calibrate. Test is never here.

    Without ``val``, validation rows are drawn from ``train`` as ``split`` says, or as its defaults do.
    """

    train: tuple[SourceConfig, ...] = Field(min_length=1)
    val: tuple[SourceConfig, ...] = Field(default=(), min_length=1)
    split: SplitConfig | None = None

    @model_validator(mode="after")
    def _one_val(self) -> DataConfig:
        if self.val and self.split is not None:
            raise ValueError(
                "got both 'val' and 'split', expected one of them: 'val' names validation rows of their own, "
                "'split' draws them from 'train'; leave one out"
            )
        return self

    @property
    def drawn(self) -> SplitConfig | None:
        """How validation rows are drawn from the training sources; None where they have sources of their own."""
        return None if self.val else self.split or SplitConfig()


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


class AugmentConfig(Strict):
    """Augmentation of photos; training only. ``strength`` scales it all, 0 turns it off."""

    strength: Annotated[float, Field(ge=0, le=2)] = 1.0
    flip: bool = True
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.2
    shift: Annotated[float, Field(ge=0, lt=1)] = 0.1
    rotate_degrees: Annotated[float, Field(ge=0, le=45)] = 8.0
    colour: Annotated[float, Field(ge=0, le=1)] = 0.25
    resolution: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Chance to lower a photo's resolution and bring it back, as small catalog photos are."""
    background: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Chance to replace a near-white background, as photos taken at home have none."""
    erase: Annotated[float, Field(ge=0, le=1)] = 0.15


class ImageConfig(Strict):
    """Photo tower: any timm backbone by name."""

    backbone: str = "mobilenetv2_100"
    weights: str = "none"
    """`none`, `hub`, `bundle:PATH`, `package:NAME` or the path of a safetensors file in timm's names."""
    backbone_args: dict[str, str | int | float | bool] = {}
    size: tuple[Annotated[int, Field(ge=16, le=1024)], Annotated[int, Field(ge=16, le=1024)]] = (128, 96)
    """Height and width in pixels; photos keep their aspect ratio inside."""
    early_epochs: Annotated[int, Field(ge=0)] = 0
    """First epochs, which see photos at ``early_scale`` of the size: progressive resizing takes less time."""
    early_scale: Annotated[float, Field(gt=0, le=1)] = 0.78
    mirror: bool = False
    """Answer from the mean of each photo and its mirror image: a little better for twice the time of the net."""
    pad: tuple[int, int, int] = (255, 255, 255)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    augment: AugmentConfig = AugmentConfig()
    epochs: Annotated[int, Field(ge=1)] = 12
    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    caption_words: Annotated[int, Field(ge=0)] = 2000
    """Words of titles and characteristics that the tower also learns to tell from the photo; 0 learns none."""
    caption_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of their loss beside that of the categories."""
    rounded_epochs: Annotated[int, Field(ge=0)] = 0
    """Last epochs, which learn with dense convolutions rounded to 8 bits, as the bundle then stores them: half the
    size. 0 stores 16 bits."""
    patience: Annotated[int, Field(ge=1)] = 8


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
    init_from: str | None = None
    """A bundle to continue from; its tree must be the same."""


class ExportConfig(Strict):
    """How the weights are stored."""

    text_storage: Literal["auto", "float32", "float16", "int8"] = "auto"
    """``auto`` takes int8, or float16 where rounding to int8 would change answers by more than parity allows."""
    image_storage: Literal["float32", "int16"] = "int16"
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
    fusion: FusionConfig = FusionConfig()
    training: TrainingConfig = TrainingConfig()
    export: ExportConfig = ExportConfig()

    @model_validator(mode="after")
    def _some_input(self) -> RunConfig:
        if self.text is None and self.image is None:
            raise ValueError("expected 'text' or 'image' (or both); set at most one of them to null")
        return self

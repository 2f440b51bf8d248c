"""The sections that say where tree and products come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from multimodal.config.strict import Strict

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
    tags: dict[str, str] = Field(default_factory=dict)
    """Tag -> its column of 0 and 1; a list of names where they are called alike. An empty cell is not known."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """Attribute -> its column."""

    @field_validator("tags", "attributes", mode="before")
    @classmethod
    def _called_alike(cls, told: object) -> object:
        return {str(name): str(name) for name in told} if isinstance(told, list | tuple) else told


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
    format: Literal["auto", "parquet", "csv", "json", "jsonl", "folder", "idx", "drawings"] = "auto"
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
    several: Annotated[float, Field(ge=0, le=1)] = 0.0
    """For drawings: share of the clothes whose fabric has two or three patterns."""
    seed: int = 0
    """For drawings and for ``share``."""
    held_out: Annotated[int, Field(ge=1)] | None = None
    """Rows that are held out, chosen by a hash of their numbers; ``take`` says which are read."""
    take: Literal["rest", "held_out"] = "rest"

    @model_validator(mode="after")
    def _drawings_have_no_path(self) -> SourceConfig:
        if self.format == "drawings":
            if self.path is not None or self.products is None:
                raise ValueError("format: drawings takes 'products' (how many to draw) and no 'path'")
        elif self.path is None:
            raise ValueError("a source needs 'path' (or format: drawings with 'products')")
        if self.take == "held_out" and self.held_out is None:
            raise ValueError("got take: held_out without 'held_out', expected how many rows are held out")
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
    """Made of the category paths of the training rows."""
    from_labels: bool = False
    """Flat: one leaf for each label of the training rows, called like it."""

    @model_validator(mode="after")
    def _one_origin(self) -> TreeConfig:
        if (self.path is not None) + self.from_paths + self.from_labels != 1:
            raise ValueError("expected exactly one of 'path', 'from_paths: true' and 'from_labels: true'")
        if self.path is None and self.format != "auto":
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


class PhotoSources(Strict):
    """Photos beside the products: what is known of each is learned, be it a tag, an attribute or a category.

    A label may stand for several categories, inner ones too: ``category_map`` says which. Rows need no category.
    """

    train: tuple[SourceConfig, ...] = ()
    val: tuple[SourceConfig, ...] = ()
    """What tags and attributes are chosen and calibrated by, beside the validation rows of the products."""


class DataConfig(Strict):
    """Splits. ``val`` is divided in halves by a hash of the group: select and calibrate. Test is never here.

    Without ``val``, validation rows are drawn from ``train`` as ``split`` says, or as its defaults do.
    """

    train: tuple[SourceConfig, ...] = Field(min_length=1)
    val: tuple[SourceConfig, ...] = Field(default=(), min_length=1)
    split: SplitConfig | None = None
    photos: PhotoSources = PhotoSources()

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


class PredictConfig(Strict):
    """Products to answer with the bundle once it is written."""

    input: SourceConfig
    output: str
    """A file to write: .parquet, .csv or .jsonl."""
    form: Literal["answers", "tags", "two_categories"] = "answers"
    """The columns: all an answer says, what the photo shows, or the two most likely categories and every tag."""

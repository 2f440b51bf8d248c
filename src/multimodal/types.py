"""The types that flow between the floors: Product -> (Sample) -> Scores -> Prediction or RowError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

InputName = Literal["title", "description", "characteristics", "image"]
INPUTS: tuple[InputName, ...] = get_args(InputName)
TEXT_INPUTS: tuple[InputName, ...] = ("title", "description", "characteristics")

HeadName = Literal["fused", "text", "image"]
HEADS: tuple[HeadName, ...] = get_args(HeadName)
ScoreName = Literal["fused", "text", "image", "unnamed"]
"""What gives scores: the heads, and a second one of the text's for titles that name no category."""

EncoderName = Literal["ngrams", "navec", "sentence"]
RuntimeName = Literal["onnxruntime", "openvino"]
ENCODERS: tuple[EncoderName, ...] = get_args(EncoderName)

Decision = Literal["leaf", "ancestor", "abstain"]
Stage = Literal["read", "text", "image", "label", "predict"]

FloatArray = npt.NDArray[np.float32]
Characteristics = str | Mapping[str, object] | Sequence[tuple[str, object]]
RowId = str | int | None


class PhotoSource(Protocol):
    """Where a photo lies that is neither at hand nor a file of its own: in a zip, say, or in base64."""

    def read(self, max_bytes: int) -> bytes:
        """The encoded photo, at most ``max_bytes + 1`` bytes of it; raises ImageError when it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A photo not decoded yet: its bytes, the path of a file, or its source. ``name`` is for messages only."""

    data: bytes | None = None
    path: str | None = None
    name: str | None = None
    source: PhotoSource | None = None

    def __post_init__(self) -> None:
        if [self.data, self.path, self.source].count(None) != 2:
            raise ValueError("ImageRef: expected exactly one of data, path and source")


@dataclass(frozen=True, slots=True)
class Product:
    """One product as read; every field but one of the inputs may be absent (None).

    Attributes:
        id: as it came, kept with its type for the way out; None means the row's number.
        category_id: the label, as a string, where the row has one.
        group: rows of a group share a title or a photo and stay in one split.
        tags: tag -> whether the photo shows it; a tag that is not known is not among them.
        attributes: attribute -> its value, of those that are known.
    """

    id: RowId = None
    title: str | None = None
    description: str | None = None
    characteristics: Characteristics | None = None
    image: ImageRef | None = None
    category_id: str | None = None
    group: str | None = None
    tags: Mapping[str, bool] | None = None
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """What stands in a row's place when the row cannot be used. ``row`` counts from 0 in the input."""

    id: RowId
    row: int
    stage: Stage
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """What one text encoder takes of N products, ragged.

    Attributes:
        hashes: uint32 [M], one for each occurrence: hashed n-grams or words, or the numbers of word pieces.
        tokens: int32 [M], the token of its product each feature comes from (for word dropout).
        fields: uint8 [M], index into ``TEXT_INPUTS`` of the field each feature comes from.
        offsets: int64 [N + 1]; product i owns ``offsets[i]:offsets[i + 1]``.
    """

    hashes: npt.NDArray[np.uint32]
    tokens: npt.NDArray[np.int32]
    fields: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        m = self.hashes.shape
        if self.tokens.shape != m or self.fields.shape != m or self.offsets.ndim != 1:
            raise ValueError(f"TextFeatures: shapes differ: {m}, {self.tokens.shape}, {self.fields.shape}")
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.hashes):
            raise ValueError("TextFeatures: offsets must run from 0 to the number of features")

    def __len__(self) -> int:
        return len(self.offsets) - 1


EncodedText = Mapping[EncoderName, TextFeatures]
"""The features of the same N products for each encoder; their tokens are numbered alike."""


@dataclass(frozen=True, slots=True)
class RaggedIds:
    """Vocabulary ids of N products.

    Attributes:
        ids: int32 [M]; 0 is unknown.
        offsets: int64 [N + 1]; product i owns ``offsets[i]:offsets[i + 1]``.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: npt.NDArray[np.int64]) -> RaggedIds:
        """The ids of some products, in the order asked for."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return RaggedIds(self.ids[np.repeat(self.offsets[rows], lengths) + within], offsets)

    def only(self, keep: npt.NDArray[np.bool_]) -> RaggedIds:
        """The same products without the ids [M] that are not to be kept."""
        counts = np.concatenate([[0], np.cumsum(keep)])
        return RaggedIds(self.ids[keep], counts[self.offsets])

    def only_known(self) -> RaggedIds:
        """The same products without what is unknown."""
        return self.only(self.ids > 0)

    def known(self) -> npt.NDArray[np.int64]:
        """How many ids of each product are known [N]."""
        counts = np.concatenate([[0], np.cumsum(self.ids > 0)])
        found: npt.NDArray[np.int64] = np.diff(counts[self.offsets])
        return found


TextIds = Mapping[EncoderName, RaggedIds]
"""The ids of the same N products for each encoder."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits over leaves for N products by head; rows without the head's inputs hold NaN.

    Attributes:
        logits: float32 [N, leaves] of each that gives scores.
        labels: scores of tags and attributes [N, width], NaN in rows without a photo; None where there are none.
        trust: how much the photo counts [N]: 1, less where it is unlike the training photos; None is 1 everywhere.
        alone: logits of the photo [N, leaves] where nothing else answers, after a second look at photos that
            leave doubt; None where they are those of ``logits``.
    """

    logits: Mapping[ScoreName, FloatArray]
    labels: FloatArray | None = None
    trust: FloatArray | None = None
    alone: FloatArray | None = None

    def __post_init__(self) -> None:
        shapes = {a.shape for a in self.logits.values()}
        if len(shapes) > 1 or any(len(s) != 2 for s in shapes):
            raise ValueError(f"Scores: expected one shape [N, leaves] for all heads, got {sorted(shapes)}")


@dataclass(frozen=True, slots=True)
class PathStep:
    """A node on the way from the root to a category."""

    id: str
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """A suggested category with its path, root first, itself last."""

    id: str
    name: str
    is_leaf: bool
    probability: float
    path: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """The smallest set of leaves meant to hold the right one at the asked-for rate."""

    coverage: float
    category_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagScore:
    """A pattern tag read from the photo."""

    name: str
    probability: float
    present: bool


@dataclass(frozen=True, slots=True)
class AttributeScore:
    """A single-choice attribute, colour say."""

    name: str
    value: str
    probability: float


@dataclass(frozen=True, slots=True)
class Conflict:
    """Title and photo that point to different branches, both confidently."""

    text: PathStep
    image: PathStep


@dataclass(frozen=True, slots=True)
class TextEffect:
    """What a word, or a characteristic, of the text moved.

    Attributes:
        input: where it stands.
        text: as it was written.
        effect: natural logarithm of how many times the category's odds are higher with it than without it, by the
            text alone; below 0 it speaks against the category.
    """

    input: InputName
    text: str
    effect: float


@dataclass(frozen=True, slots=True)
class HeatMap:
    """What parts of the photo moved the category, by the photo head alone.

    Attributes:
        category_id: whose odds are told.
        effects: [rows][columns] over the photo as the model sees it (fitted whole into its frame): natural logarithm
            of how many times the odds are higher with that part than with it covered.
    """

    category_id: str
    effects: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one product.

    Attributes:
        category: None only when ``decision`` is "abstain".
        suggestions: the best leaves, best first.
        used: the head that answered.
        missing: the inputs that were absent or unusable, of those the bundle can use.
        explanation: what in the text moved the category, or the best suggestion where there is none, the most
            first; None unless asked for.
        heat_map: where in the photo the same category comes from; None unless asked for, or without a photo.
    """

    id: RowId
    row: int
    decision: Decision
    category: CategoryScore | None
    suggestions: tuple[CategoryScore, ...]
    used: HeadName
    missing: tuple[InputName, ...]
    needs_review: bool
    candidates: CandidateSet | None = None
    tags: tuple[TagScore, ...] = ()
    attributes: tuple[AttributeScore, ...] = ()
    conflict: Conflict | None = None
    warnings: tuple[str, ...] = ()
    explanation: tuple[TextEffect, ...] | None = None
    heat_map: HeatMap | None = None


Answer = Prediction | RowError

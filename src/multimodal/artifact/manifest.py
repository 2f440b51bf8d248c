"""The manifest of a bundle: everything serving must know, as validated data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from multimodal.artifact.top_label import TopLabel
from multimodal.types import INPUTS, EncoderName, HeadName, InputName, ScoreName

SCHEMA_VERSION = 1
"""Raised when a reader of the previous schema would misread a new bundle."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class FileEntry(_Strict):
    """Size and hash of one file of the bundle."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class EncoderSpec(_Strict):
    """One text encoder."""

    vocabulary: int
    dim: int
    origin: str | None = None
    """Where its pretrained weights came from."""


class SentenceSpec(_Strict):
    """How a transformer is fed: special pieces around a text, and how much of it is read. Ids count from 1."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    longest: int
    storage: str


class TextSpec(_Strict):
    """The text side: the kitchen's parameters and the encoders' shapes."""

    kitchen: dict[str, Any]
    kitchen_version: int
    encoder: str
    """Names of the encoders, joined by " + "."""
    vocabulary: int
    """Rows of all encoders' tables, and ``dim`` the width of what they say together."""
    dim: int
    storage: str
    encoders: dict[EncoderName, EncoderSpec] = {}
    """By name; empty in older bundles, which have n-grams alone."""
    sentence: SentenceSpec | None = None

    @property
    def names(self) -> tuple[EncoderName, ...]:
        """The encoders there are."""
        return tuple(self.encoders) or ("ngrams",)


class ImageSpec(_Strict):
    """The photo side. Normalisation is inside the graph, so only the canvas is described."""

    kitchen: dict[str, Any]
    kitchen_version: int
    backbone: str
    dim: int
    storage: str
    second_look: Annotated[float, Field(ge=0, le=1)] = 0.0
    """A photo that answers alone is looked at again where its likeliest leaf has less than this, uncalibrated."""


class NoveltySpec(_Strict):
    """From which score on a photo is unlike those the bundle was trained on; see ``artifact.novelty``."""

    threshold: Annotated[float, Field(gt=0)]
    share: Annotated[float, Field(gt=0, lt=1)]
    """Share of the photos of the select half that lie beyond it."""
    photos: Annotated[int, Field(gt=0)]
    """Training photos it was learned from."""


class UnnamedSpec(_Strict):
    """A second text head for titles that name no category; see ``artifact.unnamed``."""

    rows: Annotated[int, Field(gt=0)]
    """Training rows it was learned from."""


class Promise(_Strict):
    """From which probability on an answer holds what is promised: the share ``accuracy`` of the answers is right.

    An answer is the deepest node, on the way up from the likeliest leaf, whose probability reaches ``threshold``, and
    is right if the product belongs at or below it. Figures are of the calibration rows.
    """

    accuracy: Annotated[float, Field(gt=0, lt=1)]
    threshold: Annotated[float, Field(ge=0, le=1)]
    votes: Annotated[int, Field(ge=0)]
    """Answered groups that the promise was tested on, one row each, and how many were wrong."""
    mistakes: Annotated[int, Field(ge=0)]
    leaf_coverage: Annotated[float, Field(ge=0, le=1)]
    """Share of the rows that are answered with a leaf."""
    mean_depth: float


class CandidateRule(_Strict):
    """Leaves from ``threshold`` on hold the right one with the chance ``coverage``."""

    coverage: Annotated[float, Field(gt=0, lt=1)]
    threshold: Annotated[float, Field(ge=0, le=1)]
    mean_size: float
    """Leaves in a set, over the calibration rows."""


class HeadMix(_Strict):
    """How log scores of the heads make one answer for one mix of inputs.

    Probabilities are ``softmax(s / (temperature * exp(slope * H)))``, where s is the sum over heads of
    ``weights[h] * log_softmax(logits_h)`` and H the entropy, in nats, of its softmax.
    """

    weights: dict[ScoreName, float]
    temperature: Annotated[float, Field(gt=0)]
    slope: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """How the temperature changes with what is unsure; 0, as in older bundles, is one temperature for all rows."""
    top: TopLabel | None = None
    """A second step on these probabilities; None where the temperature is enough, and in older bundles."""
    chosen: str
    """What won on the select half: "text", "image", "mlp", "log_mix", "blend"; "unnamed", "unnamed_log_mix" or
    "unnamed_blend" with the head for titles that name no category in the place of the text's."""
    promises: tuple[Promise, ...] = ()
    """By accuracy; none where it could not be promised, or where validation rows were too few to tell."""
    candidates: tuple[CandidateRule, ...] = ()
    """By coverage."""
    distance_power: Annotated[float, Field(gt=0)] | None = None
    """What probabilities are raised to where the leaf of the least expected distance is asked for; None where that
    made mistakes no milder: it is the likeliest leaf then."""
    conflict: Annotated[float, Field(ge=0, le=1)] | None = None
    """Disagreement of text and photo about the branch above which they contradict each other."""


class Calibration(_Strict):
    """By mix of inputs (names joined by "+", in the order of ``INPUTS``)."""

    mixes: dict[str, HeadMix]
    unnamed: dict[str, HeadMix] = {}
    """What answers where the title holds no word of any category name, if not ``mixes``: such a title is worth
    less, beside a photo most of all. Empty where that makes no difference, and in older bundles."""
    mlp: dict[str, HeadMix] = {}
    """The fusion MLP by itself, where it is not what answers; for comparison."""
    log_mix: dict[str, HeadMix] = {}
    """The plain mix of log scores by itself; for comparison."""

    @property
    def answering(self) -> tuple[HeadMix, ...]:
        """All that may answer."""
        return (*self.mixes.values(), *self.unnamed.values())

    def asks(self, head: ScoreName) -> bool:
        """Whether any answer depends on a head."""
        return any(mix.weights.get(head, 0) != 0 for mix in self.answering)

    def by_name(self) -> dict[str, HeadMix]:
        """Every way to answer under a name for people: "title + image", "title without category names + image"."""
        shown = {name.replace("+", " + "): mix for name, mix in self.mixes.items()}
        plain = "title without category names"
        return shown | {n.replace("title", plain).replace("+", " + "): mix for n, mix in self.unnamed.items()}

    def exactly(self, inputs: Iterable[InputName], named: bool = True) -> HeadMix | None:
        """What answers from just these inputs; None where validation rows never had them.

        Args:
            named: whether the title names a category.
        """
        name = mix_name(inputs)
        usual = self.mixes.get(name)
        return usual if named else self.unnamed.get(name, usual)


class TagSpec(_Strict):
    """A tag: ``sigmoid(slope * score + offset)`` is its probability, and it is answered from ``threshold`` on."""

    name: str
    slope: Annotated[float, Field(gt=0)]
    offset: float
    threshold: Annotated[float, Field(ge=0, le=1)]
    precision: float | None = None
    """Precision the threshold was chosen for; None for the best F1."""


class AttributeSpec(_Strict):
    """A single-choice attribute: softmax over its values' scores, by a temperature."""

    name: str
    values: tuple[str, ...]
    temperature: Annotated[float, Field(gt=0)]
    characteristic: str | None = None
    """Where labelled rows tell it, if not in a column of its own."""


class Profile(_Strict):
    """What validation rows and their answers look like, each with all it has; drift is told against it."""

    rows: int
    inputs: dict[str, float]
    """Mix of inputs -> share of the rows that have just these."""
    branches: dict[str, float]
    """Id of a root of the tree -> share of the rows whose likeliest leaf is below it."""
    confidence: tuple[float, ...]
    """Shares by the likeliest leaf's probability, in bins of equal width."""


class Manifest(_Strict):
    """What a bundle is and holds."""

    schema_version: int
    name: str
    version: str
    created: str
    made_with: str
    tree_version: str
    leaves: int
    inputs: tuple[InputName, ...]
    heads: tuple[HeadName, ...]
    requires: tuple[str, ...] = ()
    """Optional dependencies that serving needs, such as "ru"."""
    text: TextSpec | None = None
    image: ImageSpec | None = None
    fusion: bool = False
    novelty: NoveltySpec | None = None
    """None where there were too few photos to tell, and in older bundles."""
    unnamed: UnnamedSpec | None = None
    """None where there was too little to learn it from, and in older bundles."""
    tags: tuple[TagSpec, ...] = ()
    """What the photo graph's label output holds: first a score a tag, then one a value of each attribute."""
    attributes: tuple[AttributeSpec, ...] = ()
    calibration: Calibration
    profile: Profile | None = None
    """None in older bundles, and where there were too few rows."""
    capabilities: dict[str, bool] = {}
    metrics: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    files: dict[str, FileEntry]
    manifest_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """``own_sha256`` of this manifest: temperatures stand here, and a changed digit must show."""


def own_sha256(raw: Mapping[str, Any]) -> str:
    """Hex sha256 of a manifest as parsed from JSON, whatever its layout, without the hash it says of itself."""
    told = {key: value for key, value in raw.items() if key != "manifest_sha256"}
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def signed(manifest: Manifest) -> str:
    """The text of ``manifest.json``: the manifest with the hash it says of itself."""
    bare = manifest.model_copy(update={"manifest_sha256": None})
    own = own_sha256(json.loads(bare.model_dump_json()))
    return bare.model_copy(update={"manifest_sha256": own}).model_dump_json(indent=1) + "\n"


def replace_manifest(file: Path, manifest: Manifest) -> None:
    """Writes another manifest in the place of a bundle's, at once: a service may open it meanwhile."""
    waiting = file.with_name(f"{file.name}.new")
    try:
        waiting.write_text(signed(manifest), encoding="utf-8")
        waiting.replace(file)
    finally:
        waiting.unlink(missing_ok=True)


def mix_name(inputs: Iterable[InputName]) -> str:
    """The name of a mix of inputs: names in the order of ``INPUTS``, joined by "+"."""
    there = set(inputs)
    return "+".join(name for name in INPUTS if name in there)

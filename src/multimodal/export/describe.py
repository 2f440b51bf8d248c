"""What goes into a bundle, and the manifest that describes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import multimodal
from multimodal.artifact import LAYOUT, Calibration, HeadMix, Manifest, NoveltySpec, Profile, UnnamedSpec, mix_name
from multimodal.artifact.bundle import sha256_of
from multimodal.artifact.manifest import SCHEMA_VERSION, FileEntry, ImageSpec
from multimodal.config.models import RunConfig
from multimodal.evaluation import summarise
from multimodal.export.calibrate import answers, routed
from multimodal.export.labels import Labels, answered
from multimodal.export.parity import Towers
from multimodal.export.scorer import Inputs, MixScores
from multimodal.export.text import required_extras, text_spec
from multimodal.image.kitchen import VERSION as IMAGE_VERSION
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.training.labels import LabelSpace
from multimodal.training.photo_table import PhotoTable
from multimodal.training.prepare import image_kitchen
from multimodal.training.run import MIN_ROWS
from multimodal.types import INPUTS, HeadName, InputName


@dataclass(frozen=True, slots=True)
class Export:
    """What goes into a bundle besides the configuration."""

    config: RunConfig
    tree: Tree
    towers: Towers
    val: Split
    provenance: Mapping[str, Any]
    space: LabelSpace = field(default_factory=LabelSpace)
    """Tags and attributes that the photo tower's label head tells."""
    photos: PhotoTable | None = None
    """Validation photos that tell them."""
    train: Split | None = None
    """Training rows, whose photos tell which are strange."""

    @property
    def answered(self) -> LabelSpace:
        """What of the label head the bundle answers."""
        return answered(self.space, self.config)[0]

    @property
    def outputs(self) -> list[int]:
        """The outputs of the label head that say it."""
        return answered(self.space, self.config)[1]


def manifest_of(
    export: Export,
    folder: Path,
    calibration: Calibration,
    metrics: Mapping[str, Any],
    provenance: Mapping[str, Any],
    labels: Labels | None = None,
    novelty: NoveltySpec | None = None,
    profile: Profile | None = None,
    unnamed: UnnamedSpec | None = None,
) -> Manifest:
    config, towers = export.config, export.towers
    heads: list[HeadName] = ["fused"] if towers.fusion is not None else []
    heads += ["text"] if towers.text is not None else []
    heads += ["image"] if towers.image is not None else []
    files = {
        p.name: FileEntry(sha256=sha256_of(p), bytes=p.stat().st_size)
        for p in sorted(folder.iterdir())
        if p.name not in LAYOUT.unhashed
    }
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=config.name,
        version=config.version,
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        made_with=f"multimodal {multimodal.__version__}",
        tree_version=export.tree.version,
        leaves=len(export.tree.leaves),
        inputs=inputs_of(calibration),
        heads=tuple(heads),
        requires=required_extras(config),
        text=text_spec(towers.text, config) if towers.text is not None else None,
        image=_image_spec(export),
        fusion=towers.fusion is not None,
        novelty=novelty,
        unnamed=unnamed,
        tags=labels.tags if labels else (),
        attributes=labels.attributes if labels else (),
        calibration=calibration,
        profile=profile,
        capabilities={
            "categories": True,
            "tags": bool(labels and labels.tags),
            "attributes": bool(labels and labels.attributes),
            "novelty": novelty is not None,
            "candidates": any(mix.candidates for mix in calibration.answering),
        },
        metrics=dict(metrics),
        provenance=dict(provenance),
        files=files,
    )


def inputs_of(calibration: Calibration) -> tuple[InputName, ...]:
    """Inputs that validation rows have: the others were never checked and are not answered from."""
    seen = {name for mix in calibration.mixes for name in mix.split("+")}
    return tuple(name for name in INPUTS if name in seen)


def _image_spec(export: Export) -> ImageSpec | None:
    config, tower = export.config, export.towers.image
    if config.image is None or tower is None:
        return None
    return ImageSpec(
        kitchen=image_kitchen(config.image).to_manifest(),
        kitchen_version=IMAGE_VERSION,
        backbone=config.image.backbone,
        dim=tower.dim,
        storage=_image_storage(config.image.rounded_epochs, config.export.image_storage),
        second_look=config.image.second_look,
    )


def _image_storage(rounded_epochs: int, storage: str) -> str:
    """How the photo tower's weights are stored: those learned on an 8-bit grid as int8, whatever the others are."""
    return "int8 and int16" if rounded_epochs and storage == "int16" else storage


def metrics_of(
    calibration: Calibration, scores: Mapping[Inputs, MixScores], val: Split, tree: Tree
) -> dict[str, Any]:
    """Figures on val (select and calibrate) by mix of inputs, of what answers and of its rivals."""
    found: dict[str, Any] = {}
    for inputs, scored in scores.items():
        name = mix_name(inputs)
        labels = val.labels[scored.rows]
        text = calibration.mixes.get(mix_name(n for n in inputs if n != "image"))
        found[name] = {"answer": summarise(routed(scored, calibration, tree), labels, tree).to_dict()}
        if scored.again is not None and scored.again.any():
            found[name]["looked_at_twice"] = float(scored.again.mean())
        for way, mixes in (("mlp", calibration.mlp), ("log_mix", calibration.log_mix)):
            if name in mixes:
                found[name][way] = summarise(answers(scored, mixes[name], text, tree), labels, tree).to_dict()
        own = scored.take(np.flatnonzero(scored.named)) if name in calibration.unnamed else scored
        found[name] |= _before_and_after(own, calibration.mixes[name], text, val, tree)
    return {"val": found}


def _before_and_after(
    scored: MixScores, mix: HeadMix, text: HeadMix | None, val: Split, tree: Tree
) -> dict[str, dict[str, Any]]:
    """How honest a mix's probabilities are before and after its temperature, on the half that did not fit it."""
    select = np.flatnonzero(val.half[scored.rows] == "select")
    if len(select) < MIN_ROWS:
        return {}
    labels = val.labels[scored.rows][select]
    plain = mix.model_copy(update={"temperature": 1.0, "slope": 0.0, "top": None})
    figures = {}
    for when, one in (("before", plain), ("after", mix)):
        told = summarise(answers(scored, one, text, tree)[select], labels, tree).to_dict()
        figures[when] = {key: told[key] for key in ("nll", "brier", "ece", "ece_levels")}
    return {"calibration": {"rows": len(select), **figures}}

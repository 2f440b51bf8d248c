"""Trains the variants of a configuration, each only as far as it differs, and measures their bundles."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from multimodal.artifact import read_manifest
from multimodal.config.models import RunConfig
from multimodal.evaluation.ablation import FIGURES, Outcome
from multimodal.export.describe import Export
from multimodal.export.parity import Towers
from multimodal.export.run import set_threads
from multimodal.export.variants import WHOLE, Variant
from multimodal.export.write import write_bundle
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.training.arrays import Split
from multimodal.training.encoders import TextPart
from multimodal.training.fit import pick_device
from multimodal.training.fusion import train_fusion
from multimodal.training.labels import LabelSpace
from multimodal.training.photo import train_image
from multimodal.training.photo_table import PhotoTable
from multimodal.training.run import Run, seed_everything, start_run
from multimodal.training.text import train_text
from multimodal.types import TEXT_INPUTS, EncodedText, InputName, TextFeatures

_console = Console(stderr=True)
_SHARED = ("train.vectors.*", "val.vectors.*", "text_fold*")
"""What a fusion reads of the whole's work folder where the towers are the same."""


def ablate(
    config: RunConfig,
    variants: Sequence[Variant],
    seeds: Sequence[int],
    folder: Path,
    *,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Measures every variant with every seed; what an earlier call has finished is read, not trained.

    Each stage keeps its checkpoints below ``folder``, so a killed call goes on where it was.

    Args:
        variants: from ``variants_of``.
        folder: gets ``outcomes.jsonl`` and the work folders.
        on_outcome: called with each outcome, those of an earlier call too.

    Raises:
        ConfigError, DataError, TreeError, ExportError: as ``train`` does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "outcomes.jsonl"
    key = hashlib.sha256(config.model_dump_json(exclude={"output", "work_dir", "predict"}).encode()).hexdigest()[:16]
    done = {(one.variant, one.seed): one for one in _kept(file, key)}
    found: list[Outcome] = []
    for seed in seeds:
        bench: Bench | None = None
        for variant in variants:
            outcome = done.get((variant.name, seed))
            if outcome is None:
                bench = bench or Bench(config, seed, folder)
                _console.print(f"Seed {seed}: {variant.label}", style="bold", highlight=False)
                outcome = bench.measure(variant)
                with file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps({"key": key, **asdict(outcome)}) + "\n")
            found.append(outcome)
            if on_outcome is not None:
                on_outcome(outcome)
    return found


class Bench:
    """The whole configuration with one seed; its parts are trained when a variant first asks for them."""

    def __init__(self, config: RunConfig, seed: int, folder: Path) -> None:
        training = config.training.model_copy(update={"seed": seed})
        update = {"training": training, "work_dir": str(folder / f"seed{seed}"), "name": WHOLE, "predict": ()}
        self._config = config.model_copy(update=update)
        self._folder = folder / f"seed{seed}"
        self._device = pick_device(config.training.device)
        set_threads(self._config)
        self._run = self._started(self._config)
        self._text: TextPart | None = None
        self._image: ImageTower | None = None
        self._whole: Towers | None = None
        self._bundle: Path | None = None

    def measure(self, variant: Variant) -> Outcome:
        """Trains what the variant needs anew, exports and reads the figures of its bundle on val."""
        began = time.monotonic()
        if variant.anew != "nothing":
            bundle, way = self._changed(variant), "answer"
        elif variant.part in ("text", "image"):
            text, image = (self.text(), None) if variant.part == "text" else (None, self.image())
            bundle, way = self._exported(self._run, Towers(text, image, None), variant.name), "answer"
        else:
            bundle, way = self.bundle(), "answer" if variant.part == "fused" else variant.part
        figures = {
            mix: {key: found[way][key] for key in ("rows", *FIGURES)}
            for mix, found in read_manifest(bundle).metrics["val"].items()
            if isinstance(found, dict) and way in found
        }
        rejected = {str(self._run.work / f"{name}.rejected.csv"): rows for name, rows in self._run.rejected.items()}
        return Outcome(variant.name, self._config.training.seed, figures, round(time.monotonic() - began, 1), rejected)

    def text(self) -> TextPart | None:
        """The whole's text tower."""
        if self._text is None and self._config.text is not None:
            self._text = train_text(self._run)
        return self._text

    def image(self) -> ImageTower | None:
        """The whole's photo tower."""
        if self._image is None and self._config.image is not None:
            self._image = train_image(self._run)
        return self._image

    def bundle(self) -> Path:
        """The whole."""
        if self._bundle is None:
            text, image = self.text(), self.image()
            self._bundle = self._exported(self._run, Towers(text, image, self._fused(self._run, text, image)), WHOLE)
        return self._bundle

    def _changed(self, variant: Variant) -> Path:
        """The bundle of a variant that is trained in part."""
        # What the rows have settled stays as it is, unless the rows are read anew.
        settled = self._config if variant.anew == "reading" else self._run.config
        changed = settled if variant.change is None else variant.change(settled)
        run = replace(self._run, config=changed, work=self._folder / variant.name)
        run.work.mkdir(parents=True, exist_ok=True)
        image = self.image()
        if variant.anew == "fusion":
            _share(self._run.work, run.work)
            text = self.text()
        else:
            if variant.anew == "reading":
                run = self._started(changed.model_copy(update={"name": variant.name}))
            if variant.without is not None:
                run.train, run.val = (_hide(split, variant.without) for split in (run.train, run.val))
                run.content += f" without {variant.without}"
            text = train_text(run)
        return self._exported(run, Towers(text, image, self._fused(run, text, image)), variant.name)

    def _fused(self, run: Run, text: TextPart | None, image: ImageTower | None) -> FusionMLP | None:
        return train_fusion(run, text, image) if text is not None and image is not None else None

    def _started(self, config: RunConfig) -> Run:
        seed_everything(config.training.seed)
        return start_run(config, self._device, resume=True)

    def _exported(self, run: Run, towers: Towers, name: str) -> Path:
        """Writes the bundle of some towers; parts of the configuration without a tower are taken out of it."""
        update: dict[str, object] = {"output": str(self._folder / "bundles" / name)}
        if towers.text is None:
            update["text"] = None
        if towers.image is None:
            update |= {"image": None, "tags": None, "attributes": {}}
        space = run.space if towers.image is not None else LabelSpace()
        photos = PhotoTable(run.val, space, run.beside.get("val")) if space.width else None
        val, train = (_seen(split, towers) for split in (run.val, run.train))
        export = Export(run.config.model_copy(update=update), run.tree, towers, val, {}, space, photos, train)
        return write_bundle(export, run.work / f"export-{name}")


def _seen(split: Split, towers: Towers) -> Split:
    """The split as far as some towers see it."""
    if towers.text is None:
        split = replace(split, text=None, masked=None, has_field=np.zeros_like(split.has_field))
    if towers.image is None:
        split = replace(split, pixels=None, has_image=np.zeros_like(split.has_image))
    return split


def _hide(split: Split, field: str) -> Split:
    """The split without one of the text fields."""
    number = TEXT_INPUTS.index(_text_input(field))
    has_field = split.has_field.copy()
    has_field[:, number] = False
    text = None if split.text is None else _without_field(split.text, number)
    return replace(split, has_field=has_field, text=text)


def _text_input(name: str) -> InputName:
    return next(known for known in TEXT_INPUTS if known == name)


def _without_field(text: EncodedText, number: int) -> EncodedText:
    found = {}
    for name, features in text.items():
        keep = features.fields != number
        counts = np.concatenate([[0], np.cumsum(keep)])
        parts = (features.hashes[keep], features.tokens[keep], features.fields[keep])
        found[name] = TextFeatures(*parts, counts[features.offsets])
    return found


def _share(whole: Path, own: Path) -> None:
    """Gives a variant's work folder what the whole has computed of the same towers, as links."""
    for pattern in _SHARED:
        for path in whole.glob(pattern):
            target = own / path.name
            if not target.exists():
                if path.is_dir():
                    shutil.copytree(path, target, copy_function=os.link)
                else:
                    os.link(path, target)


def _kept(file: Path, key: str) -> Iterator[Outcome]:
    """The outcomes of an earlier call of the same configuration."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
        except json.JSONDecodeError:  # the last line of a killed call
            continue
        if told.pop("key", None) == key:
            yield Outcome(**told)

"""What the stages of one training run share: configuration, tree, both splits."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from multimodal.artifact import bundle_sha256, open_bundle
from multimodal.config.models import DataConfig, RunConfig, SplitConfig
from multimodal.data.division import Division
from multimodal.errors import ConfigError, DataError
from multimodal.models.teachers import check_teachers
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.training.content import photos_hash, split_hash
from multimodal.training.divide import divide_sources
from multimodal.training.labels import LabelSpace, Teller, Told, check_validation, joined, label_space
from multimodal.training.overlap import check_overlap
from multimodal.training.photo_check import check_kept, check_photo_tower
from multimodal.training.photo_rows import PhotoRows, read_photos
from multimodal.training.photo_table import PhotoTable
from multimodal.training.prepare import Preparer, image_kitchen, text_kitchen
from multimodal.training.rejected import report_left_out, report_rejected
from multimodal.training.settle import settle
from multimodal.training.tree import tree_of

_console = Console(stderr=True)

MIN_ROWS = 20
"""Validation rows that an input, or a mix of inputs, takes to be calibrated."""


@dataclass
class Run:
    """What the stages of one run share."""

    config: RunConfig
    tree: Tree
    train: Split
    val: Split
    work: Path
    device: str
    resume: bool
    space: LabelSpace = field(default_factory=LabelSpace)
    """The tags and attributes that the photo tower learns."""
    beside: Mapping[str, PhotoRows] = field(default_factory=dict)
    """Split -> photos beside its products, where there are any."""
    content: str = ""
    """Changes whenever a text or a photo of the data, or the bundle to continue from, changes."""
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def select(self) -> np.ndarray:
        """Rows of val that choose; all of them where the half is empty."""
        rows = np.flatnonzero(self.val.half == "select")
        return rows if len(rows) else np.arange(len(self.val))

    @property
    def rejected(self) -> dict[str, int]:
        """What was read -> how many of its rows could not be used; its ``.rejected.csv`` lists them, if any."""
        read = {"train": self.train.rejected, "val": self.val.rejected}
        read |= {f"{name}.photos": rows.rejected for name, rows in self.beside.items()}
        return {name: len(rows) for name, rows in read.items()}

    def fingerprint(self, *sections: object) -> str:
        """Changes whenever the data or one of these parts of the configuration changes."""
        told = [repr(s) for s in sections]
        told += [str(len(self.train)), str(len(self.val)), self.tree.version, self.content]
        digest = hashlib.sha256("\n".join(told).encode())
        digest.update(self.train.labels.tobytes())
        digest.update(self.val.labels.tobytes())
        if self.train.allowed is not None and self.train.sets is not None:
            digest.update(self.train.allowed.tobytes() + self.train.sets.tobytes())
        return digest.hexdigest()

    def class_weights(self, rows: np.ndarray) -> Tensor | None:
        """Loss weights [leaves] by inverse frequency to the configured power, 1 on average over rows."""
        power = self.config.training.class_balance
        if power == 0:
            return None
        counts = np.bincount(self.train.leaves_of(rows), minlength=len(self.tree.leaves)).astype(np.float64)
        weights = np.maximum(counts, 1) ** -power
        weights /= (weights * counts).sum() / counts.sum()
        return torch.from_numpy(weights.astype(np.float32))


def start_run(config: RunConfig, device: str, resume: bool) -> Run:
    """Reads the tree and both splits; reports what was rejected, and photos that were left out.

    Raises:
        ConfigError: the photo tower cannot begin as described, or the bundle to continue from has another tree.
        DataError: a split without a usable row, or without enough of what a tower is to learn from; validation rows
            most of which training has, too.
    """
    check_photo_tower(config)
    work = Path(config.work_dir) / config.name
    work.mkdir(parents=True, exist_ok=True)
    tree, start = tree_of(config), ""
    if config.training.init_from is not None:
        tree, start = _tree_to_continue(config.training.init_from, tree)
    if config.image is not None:
        check_teachers(config.image.teachers, config.image.size, tree)
        check_kept(config.image, tree)
    teller = Teller(config) if config.tags or config.attributes else None
    text = None if config.text is None else text_kitchen(config.text)
    image = None if config.image is None else image_kitchen(config.image)
    preparer = Preparer(tree, text, image, teller)
    division = None if config.data.drawn is None else _divide(config.data, config.data.drawn)
    splits = {}
    for name, sources in (("train", config.data.train), ("val", config.data.val or config.data.train)):
        with _console.status(f"Reading {name}"):
            only = iter if division is None else partial(division.take, name=name)
            split = preparer.split(sources, work / f"{name}.pixels", halves=name == "val", only=only)
        splits[name] = split
        _console.print(
            f"{name}: {len(split):,} rows, {int(split.has_image.sum()):,} with a photo, "
            f"{int(split.has_text.sum()):,} with text, {len(split.rejected):,} rejected"
        )
        report_rejected(split.rejected, work / f"{name}.rejected.csv")
        report_left_out(split.photos_left_out, work / f"{name}.photos_left_out.csv")
        if len(split) == 0:
            raise DataError(
                f"{_key(config, name)}: got no usable row, expected some; see {work / f'{name}.rejected.csv'} for why"
            )
    run = Run(_settled(config, splits["train"]), tree, splits["train"], splits["val"], work, device, resume)
    _check_towers(run)
    if division is None:
        check_overlap(run.train, run.val)
    run.beside = _beside(config, preparer, work)
    if teller is not None:
        run.space = label_space(config, _told(run))
        learned = [*run.space.tags, *(f"{name} ({len(v)} values)" for name, v in run.space.attributes.items())]
        _console.print(f"Also from the photo: {', '.join(learned)}", highlight=False)
        photos = PhotoTable(run.val, run.space, run.beside.get("val"))
        check_validation(run.space, photos.tags, photos.codes)
    run.content = start + "".join(split_hash(splits[name], work / f"{name}.pixels") for name in ("train", "val"))
    run.content += "".join(photos_hash(rows, work / f"{n}.photos.pixels") for n, rows in run.beside.items())
    if division is not None and config.data.drawn is not None:
        run.content += repr(config.data.drawn)  # the same rows in other groups would be halved otherwise
        run.notes["split"] = {**config.data.drawn.model_dump(), "groups": division.group_count("val")}
    return run


def _beside(config: RunConfig, preparer: Preparer, work: Path) -> dict[str, PhotoRows]:
    """The photos beside the products of each split."""
    found = {}
    for name, sources in (("train", config.data.photos.train), ("val", config.data.photos.val)):
        if not sources or preparer.image is None:
            continue
        with _console.status(f"Reading photos of {name}"):
            pixels = work / f"{name}.photos.pixels"
            rows = read_photos(sources, preparer.tree, preparer.image, preparer.teller or Teller(config), pixels)
        known = int((rows.allowed >= 0).sum())
        _console.print(
            f"{name}: {len(rows):,} photos beside, {known:,} with a category, {len(rows.rejected):,} rejected"
        )
        if rows.unmapped:
            label, most = max(rows.unmapped.items(), key=lambda one: one[1])
            _console.print(
                f"  {sum(rows.unmapped.values()):,} of them have a label that is neither in the map nor in the tree, "
                f"and teach what else they tell (most: {label!r}, {most:,})", style="yellow", markup=False,
            )  # fmt: skip
        report_rejected(rows.rejected, work / f"{name}.photos.rejected.csv")
        found[name] = rows
    return found


def _told(run: Run) -> Told:
    """What the training photos tell."""
    assert run.train.told is not None
    own = run.train.told
    rows = np.flatnonzero(run.train.has_image)
    seen = Told(own.tags[rows], {name: values[rows] for name, values in own.values.items()})
    return joined([seen, run.beside["train"].told]) if "train" in run.beside else seen


def _settled(config: RunConfig, train: Split) -> RunConfig:
    """The configuration with what it leaves open decided by the training rows."""
    if config.text is None:
        return config
    labels = train.labels[train.has_text & train.has_leaf]
    text = settle(config.text, len(labels), len(np.unique(labels)), photos=config.image is not None)
    return config.model_copy(update={"text": text})


def _divide(data: DataConfig, how: SplitConfig) -> Division:
    with _console.status("Drawing validation rows"):
        division = divide_sources(data, how)
    _console.print(
        f"No data.val: {how.val:.0%} of data.train validates, {division.rows('val'):,} rows in "
        f"{division.group_count('val'):,} groups that share no {' and no '.join(how.by)} with the other rows"
    )
    return division


def _tree_to_continue(init_from: str, tree: Tree) -> tuple[Tree, str]:
    """The tree of the bundle to continue from, whose leaves are in the order of its heads, and its hash."""
    bundle = open_bundle(init_from)
    if bundle.tree.version != tree.version:
        raise ConfigError(
            f"training.init_from: {init_from}: its tree has version {bundle.tree.version} and "
            f"{len(bundle.tree.leaves)} leaves, expected that of 'tree', {tree.version} with {len(tree.leaves)}; "
            "give the same tree, start from image.weights: bundle:PATH, or leave init_from out"
        )
    return bundle.tree, bundle_sha256(bundle.manifest)


def _key(config: RunConfig, name: str) -> str:
    """The key of the configuration that a split comes from."""
    return "data.split" if name == "val" and not config.data.val else f"data.{name}"


def _check_towers(run: Run) -> None:
    """What is asked for must be there: a tower without data would end in a puzzle much later."""
    for key, asked, train, val in (
        ("text", run.config.text is not None, run.train.has_text, run.val.has_text),
        ("image", run.config.image is not None, run.train.has_image, run.val.has_image),
    ):
        if not asked:
            continue
        what = "usable text" if key == "text" else "a readable photo"
        way = f"name their columns, or set {key}: null to train without this tower"
        if train.sum() < 2:
            raise DataError(f"data.train: got {train.sum()} rows with {what}, expected hundreds at least; {way}")
        if val.sum() < MIN_ROWS or not val[run.select].any():
            raise DataError(
                f"{_key(run.config, 'val')}: got {val.sum()} rows with {what} ({val[run.select].sum()} in the half "
                f"that selects), expected at least {MIN_ROWS}, and one or more of them in that half; add rows, or {way}"
            )


def seed_everything(seed: int) -> None:
    """Seeds Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)

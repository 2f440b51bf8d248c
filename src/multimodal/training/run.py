"""What the stages of one training run share: configuration, tree, both splits."""

from __future__ import annotations

import csv
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from multimodal.config.models import RunConfig
from multimodal.errors import DataError
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.training.prepare import Preparer
from multimodal.training.tree import tree_of
from multimodal.types import RowError

_console = Console(stderr=True)


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
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def select(self) -> np.ndarray:
        """Rows of val that choose; all of them where the half is empty."""
        rows = np.flatnonzero(self.val.half == "select")
        return rows if len(rows) else np.arange(len(self.val))

    def fingerprint(self, *sections: object) -> str:
        """Changes whenever the data or one of these parts of the configuration changes."""
        told = [repr(s) for s in sections]
        told += [str(len(self.train)), str(len(self.val)), self.tree.version]
        digest = hashlib.sha256("\n".join(told).encode())
        digest.update(self.train.labels.tobytes())
        digest.update(self.val.labels.tobytes())
        return digest.hexdigest()

    def class_weights(self, rows: np.ndarray) -> Tensor | None:
        """Loss weights [leaves] by inverse frequency to the configured power, 1 on average over rows."""
        power = self.config.training.class_balance
        if power == 0:
            return None
        counts = np.bincount(self.train.labels[rows], minlength=len(self.tree.leaves)).astype(np.float64)
        weights = np.maximum(counts, 1) ** -power
        weights /= (weights * counts).sum() / counts.sum()
        return torch.from_numpy(weights.astype(np.float32))


def start_run(config: RunConfig, device: str, resume: bool) -> Run:
    """Reads the tree and both splits; reports what was rejected."""
    work = Path(config.work_dir) / config.name
    work.mkdir(parents=True, exist_ok=True)
    tree = tree_of(config)
    preparer = Preparer(tree, config.text, config.image)
    splits = {}
    for name, sources in (("train", config.data.train), ("val", config.data.val)):
        with _console.status(f"Reading {name}"):
            split = preparer.split(sources, work / f"{name}.pixels", halves=name == "val")
        splits[name] = split
        _console.print(
            f"{name}: {len(split):,} rows, {int(split.has_image.sum()):,} with a photo, "
            f"{int(split.has_text.sum()):,} with text, {len(split.rejected):,} rejected"
        )
        report_rejected(split.rejected, work / f"{name}.rejected.csv")
        if len(split) == 0:
            raise DataError(
                f"data.{name}: got no usable row, expected some; see {work / f'{name}.rejected.csv'} for why"
            )
    return Run(config, tree, splits["train"], splits["val"], work, device, resume)


def report_rejected(rows: tuple[RowError, ...], file: Path) -> None:
    """Writes rejected rows to a CSV and says how many of which kind there were."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["row", "id", "stage", "code", "message"])
        writer.writerows([r.row, r.id, r.stage, r.code, r.message] for r in rows)
    for (code, message), n in Counter((r.code, r.message) for r in rows).most_common(3):
        _console.print(f"  {n:,} x {code}: {message}", highlight=False, markup=False)


def seed_everything(seed: int) -> None:
    """Seeds Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)



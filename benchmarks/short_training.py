"""A short training of the photo stage alone, on a share of the rows: what rankings and ablations compare by."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from multimodal.config.models import DataConfig, ImageConfig, RunConfig, SourceConfig, TreeConfig


def train_photos(
    base: RunConfig,
    image: ImageConfig,
    options: argparse.Namespace,
    folder: Path,
    more: Sequence[SourceConfig] = (),
) -> tuple[Path, float]:
    """Trains a photo tower and exports it.

    Args:
        options: ``data`` (folder of one set), ``share`` of its training rows, ``seed``.
        more: training sources beside that share.

    Returns:
        The bundle's folder, and the mean seconds of an epoch.
    """
    from multimodal.export.run import train
    from multimodal.training.fit import read_history

    share = SourceConfig(path=str(options.data / "train.parquet"), share=options.share, seed=options.seed)
    config = base.model_copy(
        update={
            "name": "photos",
            "output": str(folder / "bundle"),
            "work_dir": str(folder),
            "tree": TreeConfig(path=str(options.data / "categories_tree.csv")),
            "data": DataConfig(train=(share, *more), val=(SourceConfig(path=str(options.data / "val.parquet")),)),
            "text": None,
            "tags": None,
            "attributes": {},
            "image": image,
            "training": base.training.model_copy(update={"seed": options.seed, "init_from": None}),
        }
    )
    bundle = train(config)
    seconds = [line["seconds"] for line in read_history(folder / "photos" / "image")]
    return bundle, float(np.mean(seconds))

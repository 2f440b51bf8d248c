"""A short training of the photo stage alone, on a share of the rows: what rankings and ablations compare by."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from multimodal.config.models import DataConfig, ImageConfig, PhotoSources, RunConfig, SourceConfig, TreeConfig
from multimodal.errors import ConfigError


def unseen(image: ImageConfig, weights: str | None = None) -> ImageConfig:
    """The photo section as one that begins without having seen any row: no teachers, and from ``weights`` if given.

    Raises:
        ConfigError: the recipe's own start is a bundle, which may know the rows that are to be learned.
    """
    if weights is None and image.weights.startswith("bundle:"):
        raise ConfigError(
            f"image.weights: got {image.weights!r}, which may have learned the rows already; expected weights from "
            "elsewhere: --weights ../shared/weights/mobilenetv2_100_imagenet.safetensors, or none"
        )
    return image.model_copy(update={"teachers": (), "weights": weights or image.weights})


def train_photos(
    base: RunConfig,
    image: ImageConfig,
    options: argparse.Namespace,
    folder: Path,
    beside: PhotoSources | None = None,
) -> tuple[Path, float]:
    """Trains a photo tower and exports it.

    Args:
        options: ``data`` (folder of one set), ``share`` of its training rows, ``seed``.
        beside: photos beside the products.

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
            "data": DataConfig(
                train=(share,),
                val=(SourceConfig(path=str(options.data / "val.parquet")),),
                photos=beside or PhotoSources(),
            ),
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

"""Session fixtures: a drawn catalog, and a tiny bundle trained on it once."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from multimodal.config import RunConfig, load_config
from multimodal.data import read_source
from multimodal.data.sample import SampleFiles, write_sample
from multimodal.serving import Predictor
from multimodal.types import Product

if TYPE_CHECKING:
    from multimodal.export.describe import Export
    from multimodal.training.encoders import TextPart

settings.register_profile("untimed", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("untimed")

TINY = (
    "image.size=[48, 36]",
    "image.epochs=2",
    "image.patience=2",
    "text.epochs=3",
    "text.ngrams.vocabulary=4096",
    "text.ngrams.dim=24",
    "fusion.epochs=2",
    "fusion.views=1",
    "fusion.hidden=32",
    "training.device=cpu",
    "training.threads=1",
)
"""What makes a configuration of the sample catalog quick rather than good."""


@dataclass(frozen=True, slots=True)
class Tiny:
    """A quick training run: its bundle, and the torch modules and rows the bundle was made from."""

    bundle: Path
    export: Export

    @property
    def text(self) -> TextPart:
        """The text tower, and what its encoders know."""
        part = self.export.towers.text
        assert part is not None
        return part


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """600 drawn products in three splits, with a tree and a configuration."""
    return write_sample(tmp_path_factory.mktemp("drawn") / "catalog", products=600, seed=1)


@pytest.fixture(scope="session")
def configure(catalog: SampleFiles) -> Callable[..., RunConfig]:
    """Makes quick configurations of the catalog that write under a folder; further settings come last."""

    def make(folder: Path, *settings: str) -> RunConfig:
        places = (f"output={folder / 'bundle'}", f"work_dir={folder / 'runs'}")
        return load_config(catalog.config, [*TINY, *places, *settings])

    return make


@pytest.fixture(scope="session")
def tiny_config(configure: Callable[..., RunConfig], tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """The configuration of the tiny bundle."""
    return configure(tmp_path_factory.mktemp("tiny"), "name=tiny")


@pytest.fixture(scope="session")
def tiny(tiny_config: RunConfig) -> Tiny:
    """The tiny training run; nothing may change its bundle, see ``own_bundle``."""
    return train_tiny(tiny_config)


def train_tiny(config: RunConfig) -> Tiny:
    """Trains, and keeps what the bundle was exported from."""
    from multimodal.export import run, write

    kept: list[Export] = []

    def write_bundle(export: Export, work: Path) -> Path:
        kept.append(export)
        return write.write_bundle(export, work)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "write_bundle", write_bundle)
        return Tiny(run.train(config), kept[0])


@pytest.fixture(scope="session")
def tiny_bundle(tiny: Tiny) -> Path:
    """The folder of the tiny bundle, for reading alone."""
    return tiny.bundle


@dataclass(frozen=True, slots=True)
class Job:
    """The job of photos alone, done by two commands.

    Attributes:
        folder: where they wrote.
        written: files there before the training, with the hash of each.
        said: what the first one and the second one printed.
    """

    folder: Path
    written: dict[str, str]
    said: tuple[str, str]

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"


def contents(folder: Path) -> dict[str, str]:
    """The files below a folder, with the sha256 of each."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """``multimodal sample --layout two-categories`` and one quick ``multimodal train``; nothing may change it."""
    from contextlib import redirect_stdout
    from io import StringIO

    from multimodal.cli.main import main

    folder = tmp_path_factory.mktemp("job") / "drawn"

    def said(*arguments: str) -> str:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
            patch.setattr(sys, "argv", ["multimodal", *arguments])
            with pytest.raises(SystemExit) as end:
                main()
        assert end.value.code in {0, None}
        return out.getvalue()

    drawn = said("sample", str(folder), "--products", "400", "--layout", "two-categories")
    written = contents(folder)
    quick = ("image.epochs=1", "image.patience=1", "image.size=[48, 36]", "training.threads=1", "training.device=cpu")
    trained = said("train", str(folder / "config.yaml"), *(part for key in quick for part in ("--set", key)))
    return Job(folder, written, (drawn, trained))


@pytest.fixture
def own_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, to be damaged at will."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def predictor(tiny_bundle: Path) -> Predictor:
    """The tiny bundle, opened."""
    return Predictor(tiny_bundle, threads=1)


@pytest.fixture(scope="session")
def val_products(tiny_config: RunConfig) -> list[Product]:
    """The products of the catalog's validation split, as read."""
    return [p for p in read_source(tiny_config.data.val[0], labelled=True) if isinstance(p, Product)]


@pytest.fixture(scope="session")
def full(val_products: list[Product]) -> list[Product]:
    """Products of the validation split with a title, characteristics and a photo."""
    found = [p for p in val_products if p.title and p.characteristics and p.image]
    assert len(found) >= 40
    return found

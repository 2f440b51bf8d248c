"""Turns the four files of Fashion-MNIST into PNG photos in parquet or folders, with a tree of five groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import pyarrow as pa

from multimodal.data.idx import idx_items, idx_shape
from multimodal.data.idx_file import png
from multimodal.data.imports.download import check_download, check_out
from multimodal.data.imports.report import ImportReport, Steps, silent
from multimodal.data.imports.writer import IMAGE, SPLITS, SplitWriter, write_tree
from multimodal.data.splits import held_out
from multimodal.errors import DataError
from multimodal.taxonomy import Node, Tree

ORIGIN = "the four files of Fashion-MNIST from https://github.com/zalandoresearch/fashion-mnist#get-the-data"
GROUPS = {
    "Upper part": ("T-shirt/top", "Pullover", "Coat", "Shirt"),
    "Bottom part": ("Trouser",),
    "One piece": ("Dress",),
    "Footwear": ("Sandal", "Sneaker", "Ankle boot"),
    "Bags": ("Bag",),
}
LABELS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""The name of each label, 0 to 9."""

VAL = 5000
"""How many photos of the training file are held out for validation."""

Layout = Literal["parquet", "folder"]
_SCHEMA = pa.schema([("id", pa.string()), ("label", pa.string()), ("category_id", pa.string()), ("image", IMAGE)])
_SETS = {"train": "train", "test": "t10k"}


class _Writer(Protocol):
    @property
    def files(self) -> Mapping[str, Path]: ...
    @property
    def rows(self) -> Mapping[str, int]: ...
    def write(self, split: str, record: Mapping[str, object]) -> None: ...


def import_fashion_mnist(
    download: Path, out: Path, *, layout: Layout = "parquet", val: int = VAL, steps: Steps = silent
) -> ImportReport:
    """Writes train, val and test and ``categories_tree.csv`` under ``out``, one photo at a time.

    Ids of categories are their names in lower case with dashes (``t-shirt-top``), in the column
    ``category_id`` or as the names of folders; ``label`` has the names as published. Which photos of the
    training file are held out depends on their numbers alone.

    Args:
        layout: ``parquet``, or ``folder``: one folder a split, and in it one a category.
        val: how many photos of the training file are held out.

    Raises:
        DataError: a file is missing, damaged, or does not fit its companion; too few photos for ``val``.
    """
    files = _files(download)
    check_out(out, download)
    counts = {split: _count(*files[split]) for split in _SETS}
    if not 0 < val < counts["train"]:
        raise DataError(
            f"val: got {val}, expected at least 1 and fewer than the {counts['train']} photos of the training file; "
            "choose another number"
        )
    held = held_out(counts["train"], val, "fashion-mnist/val")
    out.mkdir(parents=True, exist_ok=True)
    opened: AbstractContextManager[_Writer] = _Folders(out) if layout == "folder" else SplitWriter(out, _SCHEMA)
    with opened as writer, steps("Writing", sum(counts.values()), "photos") as advance:
        _write(files, held, writer, advance)
    tree = _tree()
    return ImportReport(
        "fashion-mnist", out, write_tree(tree, out / "categories_tree.csv"), dict(writer.files), dict(writer.rows),
        len(tree), len(tree.leaves), 0, None, {},
    )  # fmt: skip


def category_id(label: str) -> str:
    """``T-shirt/top`` -> ``t-shirt-top``: fit for a folder's name."""
    return label.lower().replace("/", "-").replace(" ", "-")


def _files(download: Path) -> dict[str, tuple[Path, Path]]:
    """Photos and labels of each set; plain files are taken before gzipped ones."""
    names = [f"{name}-{kind}-ubyte" for name in _SETS.values() for kind in ("images-idx3", "labels-idx1")]
    plain = [name if (download / name).is_file() else f"{name}.gz" for name in names]
    check_download(download, plain, ORIGIN)
    paths = [download / name for name in plain]
    return {"train": (paths[0], paths[1]), "test": (paths[2], paths[3])}


def _count(images: Path, labels: Path) -> int:
    (photos, *_), (told,) = idx_shape(images, 3), idx_shape(labels, 1)
    if photos != told:
        raise DataError(f"{images}: got {photos} photos, and {told} labels in {labels.name}; download both again")
    return photos


def _write(
    files: Mapping[str, tuple[Path, Path]], held: frozenset[int], writer: _Writer, advance: Callable[[int], None]
) -> None:
    done = 0
    for source, (images, labels) in files.items():
        for i, (photo, label) in enumerate(_pairs(images, labels)):
            split = "val" if source == "train" and i in held else source
            name = f"{source}-{i:05d}"
            category = category_id(label)
            image = {"bytes": photo, "path": f"{name}.png"}
            writer.write(split, {"id": name, "label": label, "category_id": category, "image": image})
            advance(done := done + 1)


def _pairs(images: Path, labels: Path) -> Iterator[tuple[bytes, str]]:
    """Photos as PNG, with the names of their labels."""
    _, height, width = idx_shape(images, 3)
    for i, (pixels, label) in enumerate(zip(idx_items(images, 3), idx_items(labels, 1), strict=True)):
        if label[0] >= len(LABELS):
            raise DataError(f"{labels}: item {i} has the label {label[0]}, expected 0 to 9; download it again")
        yield png(pixels, (width, height)), LABELS[label[0]]


def _tree() -> Tree:
    nodes = []
    for group, labels in GROUPS.items():
        top = category_id(group)
        nodes += [Node(top, group, None), *(Node(category_id(label), label, top) for label in labels)]
    return Tree(nodes)


class _Folders:
    """Writes each photo into the folder of its split and category."""

    def __init__(self, out: Path) -> None:
        self.files = {split: out / split for split in SPLITS}
        self.rows = dict.fromkeys(SPLITS, 0)

    def __enter__(self) -> Self:
        used = [folder for folder in self.files.values() if folder.is_dir() and any(folder.iterdir())]
        if used:
            raise DataError(f"{used[0]}: has files in it already, which would be mixed up; name another folder")
        for folder in self.files.values():
            for label in LABELS:
                (folder / category_id(label)).mkdir(parents=True, exist_ok=True)
        return self

    def write(self, split: str, record: Mapping[str, object]) -> None:
        image = record["image"]
        assert isinstance(image, dict)
        (self.files[split] / str(record["category_id"]) / image["path"]).write_bytes(image["bytes"])
        self.rows[split] += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

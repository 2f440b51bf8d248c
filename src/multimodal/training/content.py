"""Hashes of what a run has read: a stage that was trained on other data is not loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

from multimodal.training.arrays import Split
from multimodal.training.labels import Told
from multimodal.training.photo_rows import PhotoRows


def split_hash(split: Split, pixel_file: Path) -> str:
    """A hash of the texts and photos of a split."""
    digest = hashlib.sha256()
    for encoded in (split.text, split.masked):
        for features in (encoded or {}).values():
            digest.update(features.hashes.tobytes())
            digest.update(features.offsets.tobytes())
    if split.pixels is not None:
        digest.update(_file_hash(pixel_file).encode())
    if split.told is not None:
        digest.update(_told_hash(split.told).encode())
    return digest.hexdigest()


def _file_hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _told_hash(told: Told) -> str:
    digest = hashlib.sha256(told.tags.tobytes())
    for values in told.values.values():
        digest.update("\n".join(values.tolist()).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def photos_hash(rows: PhotoRows, pixel_file: Path) -> str:
    """A hash of photos beside the products, and of what is known of them."""
    digest = hashlib.sha256(_told_hash(rows.told).encode())
    digest.update(rows.allowed.tobytes() + rows.sets.tobytes())
    digest.update(_file_hash(pixel_file).encode())
    return digest.hexdigest()

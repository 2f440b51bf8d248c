"""Reads a bundle's weights back into torch, to train on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from multimodal.artifact import LAYOUT, bundle_sha256, open_bundle, read_manifest
from multimodal.errors import ConfigError
from multimodal.models.text import NgramTower

STORED_SUFFIXES = (".int16", ".int8")
SCALE_SUFFIX = "_scale"
"""How the export names a matrix it stores as integers, and that matrix's scales."""


def read_state(folder: Path, part: Literal["text", "image", "fusion"]) -> dict[str, Tensor]:
    """Tensors of one of a bundle's graphs by their names in torch, as float32 where they are floats.

    Raises:
        ConfigError: the bundle has no such part.
        BundleError: the bundle is missing or changed.
    """
    import onnx
    from onnx import numpy_helper

    bundle = open_bundle(folder)
    name = {"text": LAYOUT.text, "image": LAYOUT.image, "fusion": LAYOUT.fusion}[part]
    if name not in bundle.manifest.files:
        raise ConfigError(
            f"{folder}: the bundle {bundle.manifest.name!r} has no {part} part "
            f"(it has: {', '.join(bundle.manifest.heads)}); choose another bundle to start from"
        )
    model = onnx.load(str(bundle.file(name)))
    state = {t.name: torch.from_numpy(np.array(numpy_helper.to_array(t))) for t in model.graph.initializer}
    for stored in [key for key in state if key.endswith(STORED_SUFFIXES)]:
        plain = stored.rpartition(".")[0]
        state[plain] = state.pop(stored).float() * state.pop(stored + SCALE_SUFFIX)
    return {k: v.float() if v.dtype == torch.float16 else v for k, v in state.items()}


def origin_of(folder: Path) -> str:
    """Which bundle a photo tower comes from, and what that one began from."""
    manifest = read_manifest(folder)
    said = f"the photo tower of the bundle {folder.name} (sha256 {bundle_sha256(manifest)[:12]}…)"
    earlier = manifest.provenance.get("image_weights")
    return f"{said}, which began from {earlier}" if earlier else said


def load_tower(tower: nn.Module, folder: Path, part: Literal["image", "fusion"]) -> None:
    """Fills a tower with a bundle's weights.

    Raises:
        ConfigError: shapes differ, naming the first that does.
    """
    state = read_state(folder, part)
    wanted = {k: v for k, v in tower.state_dict().items() if not k.endswith("num_batches_tracked")}
    wrong = [k for k, v in wanted.items() if k not in state or state[k].shape != v.shape]
    if wrong:
        raise ConfigError(
            f"training.init_from: {folder}: {len(wrong)} tensors of its {part} part are missing or of another "
            f"shape (first: {wrong[0]}); use the same backbone and the same tree, or leave init_from out"
        )
    tower.load_state_dict({k: state[k] for k in wanted}, strict=False)


def load_text(tower: NgramTower, vocabulary: np.ndarray[tuple[int], np.dtype[np.uint32]], folder: Path) -> int:
    """Fills a text tower with a bundle's rows for the n-grams both know; its idf and fields must be set before.

    Returns:
        How many rows of the vocabulary were found in the bundle.

    Raises:
        ConfigError: the width or the number of leaves differs.
    """
    state = read_state(folder, "text")
    table = state["table"].float()
    if "scale" in state:
        scale = state["scale"].float()
        table = table * scale.repeat_interleave(table.shape[1] // scale.shape[1], dim=1)
    if table.shape[1] != tower.dim or state["head.weight"].shape != tower.head.weight.shape:
        raise ConfigError(
            f"training.init_from: {folder}: its text tower has width {table.shape[1]} and "
            f"{state['head.weight'].shape[0]} leaves, the configuration asks for {tower.dim} and "
            f"{tower.head.out_features}; make them alike, or leave init_from out"
        )
    old = open_bundle(folder, verify=False).vocabulary()
    _, at_new, at_old = np.intersect1d(vocabulary, old, assume_unique=True, return_indices=True)
    rows = torch.from_numpy(at_new + 1)
    weights = tower.row_weights().clamp_min(1e-6)
    with torch.no_grad():
        tower.table.weight[rows] = table[torch.from_numpy(at_old + 1)] / weights[rows, None]
        for name in ("head.weight", "head.bias"):
            tower.get_parameter(name).copy_(state[name])
    return len(at_new)

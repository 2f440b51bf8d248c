"""Reads a bundle's weights back into torch, to train on from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from multimodal.artifact import LAYOUT, bundle_sha256, open_bundle, read_manifest
from multimodal.errors import BundleError, ConfigError
from multimodal.models.label_head import LabelHead
from multimodal.taxonomy import Tree

STORED_SUFFIXES = (".int16", ".int8")
SCALE_SUFFIX = "_scale"
"""How the export names a matrix it stores as integers, and that matrix's scales."""
_BY_ROW = "scores"
"""The part of a head's branch that has a row for each output."""
LabelName = tuple[str | None, str]
"""What an output of the head of labels stands for: a tag, after None, or an attribute and its value."""


@contextmanager
def named_by(key: str) -> Iterator[None]:
    """Errors within it begin with the key of the configuration that named the bundle."""
    try:
        yield
    except (BundleError, ConfigError) as error:
        if error.message.startswith(f"{key}: "):
            raise
        raise type(error)(f"{key}: {error.message}", code=error.code) from error


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
    # Tags and attributes may be others than the bundle's: their head then begins anew.
    new = {k for k, v in wanted.items() if k.startswith("labels.") and (k not in state or state[k].shape != v.shape)}
    wanted = {k: v for k, v in wanted.items() if k not in new}
    wrong = [k for k, v in wanted.items() if k not in state or state[k].shape != v.shape]
    if wrong:
        raise ConfigError(
            f"training.init_from: {folder}: {len(wrong)} tensors of its {part} part are missing or of another "
            f"shape (first: {wrong[0]}); use the same backbone and the same tree, or leave init_from out"
        )
    tower.load_state_dict({k: state[k] for k in wanted}, strict=False)


def leaf_order(folder: Path, tree: Tree) -> Tensor | None:
    """Where each leaf of a tree stands in a bundle's heads, int64 [leaves]; None for a bundle of another tree.

    The same tree may list its nodes in another order.
    """
    theirs = open_bundle(folder, verify=False).tree
    if theirs.version != tree.version:
        return None
    return torch.tensor([theirs.leaf_index[leaf] for leaf in tree.leaves])


def load_heads(tower: nn.Module, folder: Path, tree: Tree) -> bool:
    """Fills a photo tower's head with a bundle's, if the tree is the same.

    Returns:
        Whether it was filled.
    """
    order = leaf_order(folder, tree)
    if order is None:
        return False
    state, wanted = read_state(folder, "image"), tower.state_dict()
    found = {name: state[name][order] for name in ("head.weight", "head.bias")}
    found = {name: value for name, value in found.items() if value.shape == wanted[name].shape}
    tower.load_state_dict(found, strict=False)
    return bool(found)


def load_labels(head: LabelHead, folder: Path, names: Sequence[LabelName]) -> list[LabelName]:
    """Fills a head of tags and attributes with what a bundle answers under the same names, and its branch.

    Args:
        names: of the head's outputs, in order.

    Returns:
        Those that were found.
    """
    manifest, state = read_manifest(folder), read_state(folder, "image")
    theirs: list[LabelName] = [(None, tag.name) for tag in manifest.tags]
    theirs += [(attribute.name, value) for attribute in manifest.attributes for value in attribute.values]
    place = {name: row for row, name in enumerate(theirs)}
    rows = [row for row, name in enumerate(names) if name in place]
    if not rows or state["labels.weight"].shape[1] != head.in_features:
        return []
    wanted = {f"labels.{name}": value for name, value in head.state_dict().items()}
    alike = {k: v for k, v in state.items() if k.startswith("labels.branch.") and _BY_ROW not in k and k in wanted}
    whole = all(value.shape == wanted[name].shape for name, value in alike.items())
    by_row = ["labels.weight", "labels.bias"]
    if alike and whole:
        by_row += [f"labels.branch.{_BY_ROW}.weight", f"labels.branch.{_BY_ROW}.bias"]
    else:
        alike = {}
    old = torch.tensor([place[names[row]] for row in rows])
    for name in by_row:
        alike[name] = wanted[name].index_copy(0, torch.tensor(rows), state[name][old])
    head.load_state_dict({name.removeprefix("labels."): value for name, value in alike.items()}, strict=False)
    return [names[row] for row in rows]

"""Reads a bundle's weights back into torch, to train on from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from multimodal.artifact import LAYOUT, bundle_sha256, open_bundle, read_manifest
from multimodal.artifact.vocabulary import HashVocabulary, Vocabulary, WordVocabulary
from multimodal.errors import BundleError, ConfigError
from multimodal.models.bag import Bag, WeightedRows, WordVectors
from multimodal.models.codes import Codes
from multimodal.models.sentence import LEARNED_ON, SentenceEncoder
from multimodal.models.text import TextTower
from multimodal.taxonomy import Tree
from multimodal.types import EncoderName

STORED_SUFFIXES = (".int16", ".int8")
SCALE_SUFFIX = "_scale"
"""How the export names a matrix it stores as integers, and that matrix's scales."""
_HEADS = ("head.", "labels.")


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
    """Fills a photo tower's heads with a bundle's, where they answer the same: its categories, if the tree is the same.

    The head of tags and attributes goes with that of the categories where it has the same width.

    Returns:
        Whether the categories' head was filled.
    """
    order = leaf_order(folder, tree)
    if order is None:
        return False
    state, wanted = read_state(folder, "image"), tower.state_dict()
    state |= {name: state[name][order] for name in ("head.weight", "head.bias")}
    found = {k: v for k, v in state.items() if k.startswith(_HEADS) and k in wanted and v.shape == wanted[k].shape}
    tower.load_state_dict(found, strict=False)
    return "head.weight" in found


def load_text(tower: TextTower, known: Mapping[EncoderName, Vocabulary], folder: Path) -> str:
    """Fills a text tower with what a bundle knows; idf and fields must be set before.

    Args:
        known: the vocabularies of the tower's encoders.

    Returns:
        How many rows of the vocabularies were found in the bundle, in words.

    Raises:
        ConfigError: other encoders, another width or another number of leaves; or a sentence encoder that was
            learned on, which starts from its own folder alone.
    """
    bundle = open_bundle(folder, verify=False)
    state = read_state(folder, "text")
    spec, leaves = bundle.manifest.text, len(state["head.weight"])
    assert spec is not None, "as read_state has seen"
    # Bundles of before there were several encoders tell of one width alone.
    theirs = {name: spec.encoders[name].dim if spec.encoders else spec.dim for name in spec.names}
    ours = {name: encoder.dim for name, encoder in tower.parts.items()}
    if theirs != ours or leaves != tower.head.out_features:
        raise ConfigError(
            f"training.init_from: {folder}: its text tower has {_widths(theirs)} and {leaves} leaves, the "
            f"configuration asks for {_widths(ours)} and {tower.head.out_features}; make them alike, or leave "
            "init_from out"
        )
    sentence = tower.parts.get("sentence")
    if isinstance(sentence, SentenceEncoder):
        _check_sentence(sentence, spec.encoders["sentence"].origin or "", folder)
    found, wanted = 0, 0
    for name, old in bundle.vocabularies().items():
        new, encoder = known[name], tower.parts[name]
        if not isinstance(encoder, WeightedRows):
            continue
        assert isinstance(old, HashVocabulary | WordVocabulary)
        assert isinstance(new, HashVocabulary | WordVocabulary)
        _, at_new, at_old = np.intersect1d(new.hashes, old.hashes, assume_unique=True, return_indices=True)
        rows, old_rows = torch.from_numpy(at_new + 1), torch.from_numpy(at_old + 1)
        if isinstance(encoder, WordVectors):
            _load_weights(encoder, state[f"parts.{name}.idf"][:, 0], rows, old_rows)
        _load_rows(encoder, _table(state, name), rows, old_rows)
        found, wanted = found + len(at_new), wanted + len(new)
    with torch.no_grad():
        tower.head.weight.copy_(state["head.weight"])
        tower.head.bias.copy_(state["head.bias"])
    return f"{found:,} of {wanted:,} rows"


def _table(state: Mapping[str, Tensor], name: EncoderName) -> Tensor:
    """An encoder's stored rows [V + 1, dim], weights folded in; those of older bundles have no prefix."""
    prefix = f"parts.{name}." if f"parts.{name}.table" in state else ""
    if f"{prefix}books" in state:
        return Codes(state[f"{prefix}table"], state[f"{prefix}books"], state[f"{prefix}scale"][:, 0]).table()
    table = state[f"{prefix}table"].float()
    if f"{prefix}scale" in state:
        scale = state[f"{prefix}scale"].float()
        table = table * scale.repeat_interleave(table.shape[1] // scale.shape[1], dim=1)
    return table


def _check_sentence(encoder: SentenceEncoder, origin: str, folder: Path) -> None:
    if encoder.fine_tune:
        raise ConfigError(
            "training.init_from: a sentence encoder that learns on starts from its own model, not from a bundle; "
            "set text.sentence.fine_tune to false, or leave init_from out"
        )
    if origin.endswith(LEARNED_ON):
        raise ConfigError(
            f"training.init_from: {folder}: its sentence encoder is {origin}, and what it learned cannot be read back; "
            "start from a bundle whose sentence encoder was frozen, or leave init_from out"
        )


def _widths(encoders: Mapping[EncoderName, int]) -> str:
    return " + ".join(f"{name} of width {dim}" for name, dim in encoders.items())


def _load_weights(encoder: WordVectors, rarity: Tensor, rows: Tensor, old: Tensor) -> None:
    """Sets the pooling weights of the rows that both know, which were learned."""
    with torch.no_grad():
        encoder.log_weight[rows] = rarity[old].clamp_min(1e-6).log()


def _load_rows(encoder: WeightedRows, table: Tensor, rows: Tensor, old: Tensor) -> None:
    """Sets the rows that both know; of word vectors the projection that comes nearest to them."""
    with torch.no_grad():
        plain = table[old] / encoder.row_weights().clamp_min(1e-6)[rows, None]
        if isinstance(encoder, Bag):
            encoder.table.weight[rows] = plain
        elif isinstance(encoder, WordVectors) and len(rows):
            encoder.projection.weight.copy_(torch.linalg.lstsq(encoder.base[rows], plain, driver="gelsd").solution.T)

"""Reads the weights of a bundle's text tower back into torch, to train on from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from multimodal.artifact import open_bundle
from multimodal.artifact.vocabulary import HashVocabulary, Vocabulary, WordVocabulary
from multimodal.errors import ConfigError
from multimodal.models.bag import Bag, WeightedRows, WordVectors
from multimodal.models.codes import Codes
from multimodal.models.from_bundle import read_state
from multimodal.models.sentence import LEARNED_ON, SentenceEncoder
from multimodal.models.text import TextTower
from multimodal.types import EncoderName


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

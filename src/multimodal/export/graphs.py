"""The towers as the modules that are exported, and their export to ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any, Literal

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multimodal.artifact.engine import INPUT_OF
from multimodal.export.storage import store_integers
from multimodal.models.bag import Bag, WeightedRows
from multimodal.models.fusion import FusionMLP
from multimodal.models.sentence import SentenceEncoder
from multimodal.models.text import TextTower
from multimodal.types import TEXT_INPUTS

TextStorage = Literal["float32", "float16", "int8"]
WeightStorage = Literal["float32", "int16"]
SentenceStorage = Literal["float32", "int16", "int8"]
_BLOCK = 32


class BagGraph(nn.Module):
    """A bag over padded ids: its rows' weights folded into the table, the table stored as asked.

    Rows in codes are put together from their parts. int8 rows have a scale (symmetric, absolute maximum) for each
    block of 32 columns. Beside the table stand each row's rarity and field: what it takes to give the weights of a
    field their length of 1.
    """

    idf: Tensor
    field: Tensor
    table: Tensor
    scale: Tensor
    books: Tensor

    def __init__(self, bag: WeightedRows, storage: TextStorage) -> None:
        super().__init__()
        table = bag.matrix().detach() * bag.row_weights().detach()[:, None]
        rarity = bag.rarity.detach()
        self.register_buffer("idf", (rarity if storage == "float32" else rarity.half())[:, None].clone())
        self.register_buffer("field", bag.field.to(torch.uint8)[:, None])
        codes = bag.codes if isinstance(bag, Bag) else None
        self.coded = codes is not None
        self.scaled = storage == "int8" and codes is None
        if codes is not None:
            self.register_buffer("table", codes.codes)
            self.register_buffer("books", codes.books)
            self.register_buffer("scale", codes.scale[:, None])
            return
        self.blocks = table.shape[1] // _BLOCK if table.shape[1] % _BLOCK == 0 else 1
        if self.scaled:
            parts = table.reshape(len(table), self.blocks, -1)
            # Half precision rounds to nearest: a hair more keeps every value inside the int8 range. Its smallest
            # numbers must not become 0, for the padding row's values are.
            scale = (parts.abs().amax(dim=2) / 127 * 1.001).clamp_min(1e-6).half()
            stored = torch.round(parts / scale.float()[:, :, None]).clamp(-127, 127)
            self.register_buffer("table", stored.flatten(1).to(torch.int8))
            self.register_buffer("scale", scale)
        else:
            self.register_buffer("table", table.half() if storage == "float16" else table.clone())

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors [N, dim] of ids [N, T], 0 where padded."""
        weight = self._lengths(ids)
        rows = F.embedding(ids, self._decoded() if self.coded else self.table).float()
        if self.scaled:
            by_block = weight[:, None] * F.embedding(ids, self.scale).float().transpose(1, 2)
            parts = rows.reshape(*ids.shape, self.blocks, -1).transpose(1, 2)
            return torch.matmul(by_block[:, :, None], parts).flatten(1)
        return torch.matmul(weight[:, None], rows)[:, 0]

    def _decoded(self) -> Tensor:
        """The table that codes stand for [V + 1, dim]; of constants alone, so ONNX Runtime makes it at opening."""
        parts, codes, width = self.books.shape
        first = torch.arange(parts, dtype=torch.int32) * codes
        rows = F.embedding(self.table.int() + first, self.books.reshape(parts * codes, width))
        return rows.flatten(1).float() * self.scale.float()

    def _lengths(self, ids: Tensor) -> Tensor:
        """What brings the weights of each id's field to length 1 in its product [N, T]."""
        fields = torch.arange(len(TEXT_INPUTS), dtype=torch.int32)
        inside = (F.embedding(ids, self.field).int() == fields).float()
        squares = (F.embedding(ids, self.idf).float().square() * inside).sum(dim=1, keepdim=True)
        return (inside * squares.clamp_min(1e-12).rsqrt()).sum(dim=2)


class TextGraph(nn.Module):
    """The text tower as it is served: its bags, the vector of a sentence encoder beside them, and the head."""

    def __init__(self, tower: TextTower, storage: TextStorage) -> None:
        super().__init__()
        bags = {str(n): BagGraph(e, storage) for n, e in tower.parts.items() if isinstance(e, WeightedRows)}
        self.parts = nn.ModuleDict(bags)
        self.head = tower.head

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors [N, dim] and logits [N, leaves].

        Args:
            inputs: ids [N, T] for each bag, 0 where padded; then the sentence encoder's vectors, where it has one.
        """
        bags = list(self.parts.values())
        vectors = [bag(ids) for bag, ids in zip(bags, inputs, strict=False)]
        vector = torch.cat([*vectors, *inputs[len(bags) :]], dim=1)
        return vector, self.head(vector)


class SentenceGraph(nn.Module):
    """A sentence encoder over padded pieces."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pieces: Tensor) -> Tensor:
        """Vectors [N, dim] of pieces [N, T], 0 where padded."""
        vector: Tensor = self.encoder(pieces)
        return vector


def export_text(tower: TextTower, file: Path, storage: TextStorage) -> None:
    """Writes the text graph: an input an encoder (see ``TextGraph``) -> vector [N, dim], logits [N, leaves]."""
    n = torch.export.Dim("n", min=1)
    inputs: dict[str, Tensor] = {}
    dynamic: dict[str, dict[int, Any]] = {}
    for name, encoder in tower.parts.items():
        given = INPUT_OF.get(name, name)
        if isinstance(encoder, WeightedRows):
            inputs[given] = torch.ones(2, 5 + len(inputs), dtype=torch.int32)
            dynamic[given] = {0: n, 1: torch.export.Dim(f"t_{name}", min=1)}
        else:
            inputs[given] = torch.zeros(2, encoder.dim)
            dynamic[given] = {0: n}
    export_module(TextGraph(tower, storage).eval(), inputs, dynamic, ["vector", "logits"], file, positional=True)


def export_sentence(encoder: SentenceEncoder, file: Path, storage: SentenceStorage) -> None:
    """Writes a sentence encoder's graph: pieces int32 [N, T] -> vector [N, dim]."""
    n, t = torch.export.Dim("n", min=1), torch.export.Dim("t", min=2, max=512)
    pieces = torch.ones(2, 7, dtype=torch.int32)
    export_module(SentenceGraph(encoder).eval(), {"pieces": pieces}, {"pieces": {0: n, 1: t}}, ["vector"], file)
    if storage != "float32":
        store_integers(file, storage)


def export_fusion(mlp: FusionMLP, file: Path, storage: WeightStorage) -> None:
    """Writes the fusion graph: vectors and logits of both towers and which are there -> logits [N, leaves]."""
    n = torch.export.Dim("n", min=1)
    inputs = {
        "text": torch.zeros(2, mlp.no_text.numel()),
        "image": torch.zeros(2, mlp.no_image.numel()),
        "text_logits": torch.zeros(2, mlp.head.out_features),
        "image_logits": torch.zeros(2, mlp.head.out_features),
        "has_text": torch.ones(2, dtype=torch.bool),
        "has_image": torch.ones(2, dtype=torch.bool),
    }
    export_module(mlp.eval(), inputs, {name: {0: n} for name in inputs}, ["logits"], file)
    if storage == "int16":
        store_integers(file)


def export_module(
    module: nn.Module,
    inputs: dict[str, Tensor],
    dynamic: dict[str, dict[int, Any]],
    outputs: list[str],
    file: Path,
    *,
    positional: bool = False,
) -> None:
    """Exports with parameter names kept and batch norm unfolded, so that a bundle can be trained on.

    ONNX Runtime folds both when it opens the graph.

    Args:
        positional: give the inputs by their order: ``forward`` takes ``*inputs``.
    """
    from onnxscript.optimizer import fold_constants, remove_unused_nodes

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            args=tuple(inputs.values()) if positional else (),
            kwargs={} if positional else inputs,
            dynamo=True,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=(tuple(dynamic.values()),) if positional else dynamic,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    fold_constants(program.model)
    remove_unused_nodes(program.model)
    program.save(str(file))
    _strip(file)


def _strip(file: Path) -> None:
    """Removes the exporter's notes (source paths, stack traces): they are no part of the model."""
    model = onnx.load(str(file))
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    for tensor in model.graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
    model.ClearField("metadata_props")
    onnx.save(model, str(file))

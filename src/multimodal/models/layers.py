"""The blocks of a backbone in order: which stay as they are, and how fast the others learn."""

from __future__ import annotations

from typing import Any

from torch import nn


def blocks_of(backbone: nn.Module) -> dict[str, int]:
    """Parameter -> number of its block, from 0 at the photo, as timm groups the model's layers."""
    from timm.models import group_parameters

    matcher: Any = backbone.group_matcher
    grouped: dict[str, int] = group_parameters(backbone, matcher(), reverse=True)
    return grouped


def freeze(backbone: nn.Module, share: float) -> None:
    """Stops the first ``share`` of the blocks from learning; 1 stops all of it."""
    blocks = blocks_of(backbone)
    last = max(blocks.values())
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(share < 1 and blocks[name] >= share * (last + 1))


def hold_statistics(backbone: nn.Module) -> None:
    """Keeps modules without a learning parameter in evaluation: batch norms would go on counting."""
    for module in backbone.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.training = False  # by itself: below it others may learn, as blocks do below a transformer's tokens


def rates(backbone: nn.Module, decay: float) -> dict[str, float]:
    """Parameter -> its rate as a share of the last block's (layer-wise decay: Bao et al., BEiT, 2022)."""
    blocks = blocks_of(backbone)
    last = max(blocks.values())
    return {name: decay ** (last - blocks[name]) for name, _ in backbone.named_parameters()}

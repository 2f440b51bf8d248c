"""Weights on an 8-bit grid, learned there: half the size of a photo tower at no cost when it is exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

INT8_MAX = 127
GRID_TOLERANCE = 1e-3
"""How far from a whole step a weight may lie to count as on the grid: float32 noise, not rounding."""


class Rounded(nn.Module):
    """Rounds each row of a weight to 255 steps of its largest value; gradients pass straight through.

    Quantisation-aware training (Jacob et al. 2018) of weights alone, with a straight-through estimator (Bengio
    et al. 2013). Batch norm after the convolution scales whole rows, so folding it keeps the grid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on = False
        """Whether training sees rounded weights too; evaluation always does."""

    def forward(self, weight: Tensor) -> Tensor:
        """A weight [rows, ...] on its grid; as it is while training with ``on`` false."""
        if self.training and not self.on:
            return weight
        step = grid_step(weight.detach())
        return weight + ((weight / step).round() * step - weight).detach()


def grid_step(weight: Tensor) -> Tensor:
    """Size of a step for each row of a weight [rows, ...], shaped to divide it by."""
    rows = tuple(range(1, weight.ndim))
    return weight.abs().amax(dim=rows, keepdim=True).clamp_min(1e-30) / INT8_MAX


def round_weights(network: nn.Module) -> int:
    """Lets every dense convolution of a network learn on the grid.

    Depthwise convolutions and linear heads keep their precision: few weights, much to lose.

    Returns:
        How many convolutions were taken.
    """
    taken = 0
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d) and module.groups == 1:
            parametrize.register_parametrization(module, "weight", Rounded())
            taken += 1
    return taken


def set_rounding(network: nn.Module, on: bool) -> None:
    """Whether training sees rounded weights from now on."""
    for module in network.modules():
        if isinstance(module, Rounded):
            module.on = on


def bake(network: nn.Module) -> None:
    """Leaves the rounded weights in place as plain ones."""
    was_training = network.training
    network.eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d) and parametrize.is_parametrized(module, "weight"):
            with torch.no_grad():
                parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    network.train(was_training)

"""The head for tags and attributes: linear in the photo's vector, with a branch of its own where one is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from multimodal.errors import ConfigError
from multimodal.models.compat import prepare_torch

_FINEST = 16
"""Pixels of the photo to one of the map that a branch begins from, at most: deeper maps have lost what is fine."""
_EXPANSION = 4
_POOLED = 256


class LabelHead(nn.Linear):
    """Scores of tags and attributes.

    A backbone shared with the categories keeps little of what a fabric looks like: neither a wider head nor maps
    pooled from its middle bring that back, but a few blocks that learn on from there do, for a twelfth of its work.
    """

    def __init__(self, dim: int, width: int, branch: nn.Module | None = None) -> None:
        """
        Args:
            dim: of the photo's vector.
            width: how many scores.
            branch: of as many scores, from a map of the backbone.
        """
        super().__init__(dim, width)
        self.branch = branch

    def kept(self, outputs: Sequence[int]) -> LabelHead:
        """A head with some of the outputs."""
        branch = self.branch.kept(outputs) if isinstance(self.branch, LabelBranch) else None
        head = LabelHead(self.in_features, len(outputs), branch)
        _take(head, self, outputs)
        return head


class LabelBranch(nn.Module):
    """Inverted residuals (Sandler et al., MobileNetV2, 2018; timm's) over a map, its mean and its maximum, and scores.

    The scores begin at 0, so that a head which answered without a branch goes on from there.
    """

    def __init__(self, channels: int, blocks: int, width: int) -> None:
        """
        Args:
            channels: of the map.
            blocks: channels of the last block; the first has half as many.
            width: how many scores.
        """
        super().__init__()
        prepare_torch()
        from timm.models._efficientnet_blocks import InvertedResidual

        sizes = ((channels, blocks // 2, 1), (blocks // 2, blocks, 2), (blocks, blocks, 1), (blocks, blocks, 1))
        self.blocks = nn.Sequential(
            *(
                InvertedResidual(before, after, stride=stride, exp_ratio=_EXPANSION, act_layer=nn.ReLU6)
                for before, after, stride in sizes
            )
        )
        self.widened = nn.Sequential(nn.Conv2d(blocks, _POOLED, 1, bias=False), nn.BatchNorm2d(_POOLED), nn.ReLU6())
        self.dropout = nn.Dropout(0.2)
        self.scores = nn.Linear(2 * _POOLED, width)
        nn.init.zeros_(self.scores.weight)
        nn.init.zeros_(self.scores.bias)

    def forward(self, seen: Tensor) -> Tensor:
        """Scores [N, width] of maps [N, channels, H, W]."""
        x = self.widened(self.blocks(seen))
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        scores: Tensor = self.scores(self.dropout(pooled))
        return scores

    def kept(self, outputs: Sequence[int]) -> LabelBranch:
        """A branch with some of the outputs; its blocks are these."""
        branch = LabelBranch.__new__(LabelBranch)
        nn.Module.__init__(branch)
        branch.blocks, branch.widened, branch.dropout = self.blocks, self.widened, self.dropout
        branch.scores = nn.Linear(self.scores.in_features, len(outputs))
        _take(branch.scores, self.scores, outputs)
        return branch


def map_for_branch(backbone: nn.Module, name: str) -> tuple[int, int]:
    """Which of a timm backbone's stages a branch begins from, and its channels.

    Raises:
        ConfigError: the backbone does not give its maps, or none that is fine enough.
    """
    stages = getattr(backbone, "feature_info", None)
    fine = []
    if isinstance(stages, list) and hasattr(backbone, "forward_intermediates"):
        fine = [i for i, stage in enumerate(stages) if stage["reduction"] <= _FINEST]
    if not fine:
        raise ConfigError(
            f"image.label_branch: the backbone {name!r} gives no map of {_FINEST} pixels or fewer a cell, from which a "
            "branch could begin; set it to 0, or take a convolutional backbone of timm's"
        )
    return fine[-1], int(stages[fine[-1]]["num_chs"])  # type: ignore[index]


def _take(part: nn.Linear, whole: nn.Linear, outputs: Sequence[int]) -> None:
    with torch.no_grad():
        part.weight.copy_(whole.weight[list(outputs)])
        part.bias.copy_(whole.bias[list(outputs)])

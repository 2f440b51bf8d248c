"""A landmark-pooled VGG in the manner of FashionNet, as an example of a ready photo model.

FashionNet (Liu et al., DeepFashion, CVPR 2016): VGG-16 up to its fourth block; from there a branch finds landmarks
of the garment and how visible they are, one pools features around them, one looks at the whole photo; both together
tell categories and attributes. ``multimodal.export.fashionnet`` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE, ATTRIBUTES, CATEGORIES, LANDMARKS = 224, 1000, 50, 8
_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
_WINDOW = 4
"""Places each way that are pooled around a landmark, on the fourth block's map of 28 x 28."""


class FashionNet(nn.Module):
    """Attribute scores [N, 1000], category scores [N, 50] and landmarks [N, 24] of photos [N, 3, 224, 224].

    Landmarks are x and y in 0..1 of the photo and a visibility score, eight times.
    """

    def __init__(self, width: float = 1.0) -> None:
        """``width``: of every layer, as a share of the paper's."""
        super().__init__()
        sizes = [(count, max(8, round(channels * width))) for count, channels in _BLOCKS]
        whole, local, fused = (max(16, round(size * width)) for size in (4096, 1024, 4096))
        self.shared = nn.Sequential(*_blocks(3, sizes[:4]))
        shared, last = sizes[3][1], sizes[4][1]
        self.landmark_block = nn.Sequential(*_blocks(shared, sizes[4:]), nn.AdaptiveAvgPool2d(7))
        self.landmark_head = nn.Sequential(
            nn.Flatten(), nn.Linear(last * 49, local), nn.ReLU(), nn.Linear(local, LANDMARKS * 3)
        )
        self.whole = nn.Sequential(
            *_blocks(shared, sizes[4:]), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(last * 49, whole), nn.ReLU()
        )
        self.local = nn.Sequential(nn.Flatten(), nn.Linear(shared * LANDMARKS, local), nn.ReLU())
        self.fused = nn.Sequential(nn.Linear(whole + local, fused), nn.ReLU())
        self.categories, self.attributes = nn.Linear(fused, CATEGORIES), nn.Linear(fused, ATTRIBUTES)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        shared = self.shared(photo)
        found = self.landmark_head(self.landmark_block(shared)).reshape(-1, LANDMARKS, 3)
        places, visible = torch.sigmoid(found[..., :2]), found[..., 2]
        local = self.local(_around(shared, places) * torch.sigmoid(visible)[:, None])
        both = self.fused(torch.cat([self.whole(shared), local], dim=1))
        landmarks = torch.cat([places, visible[..., None]], dim=2).flatten(1)
        return self.attributes(both), self.categories(both), landmarks


def _blocks(channels: int, sizes: Sequence[tuple[int, int]]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for number, (count, out) in enumerate(sizes):
        for _ in range(count):
            layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()]
            channels = out
        # The fourth block's map stays 28 x 28: landmarks are pooled from it.
        layers += [nn.MaxPool2d(2)] if number < 3 else []
    return layers


def _around(shared: Tensor, places: Tensor) -> Tensor:
    """The strongest features [N, C, landmarks] around each place [N, landmarks, 2] of a map [N, C, H, W]."""
    step = 2 / shared.shape[-1]
    reach = (torch.arange(_WINDOW, device=shared.device) - (_WINDOW - 1) / 2) * step
    offsets = torch.stack(torch.meshgrid(reach, reach, indexing="xy"), dim=-1).reshape(1, 1, -1, 2)
    grid = (places * 2 - 1)[:, :, None] + offsets
    return F.grid_sample(shared, grid, padding_mode="border", align_corners=False).amax(dim=3)

"""Photos mixed in pairs: a tower that has learned its training photos by heart finds them new again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from multimodal.models.compat import prepare_torch
from multimodal.training.stage import Batch

prepare_torch()
from timm.data.mixup import cutmix_bbox_and_lam  # noqa: E402 - torchvision must be mended before timm imports it

_FADED = 0.4
"""Both parameters of the Beta distribution of a faded photo's share: mostly one of the two, seldom both alike."""
_LABELS = ("labels", "allowed", "tags", "codes", "captions")


@dataclass(frozen=True, slots=True)
class Mixed:
    """A batch of photos, each with something of another one.

    Attributes:
        pixels: [N, H, W, 3].
        partner: row of the other one [N]; its own where it is as it was.
        share: of the photo itself in what is seen.
    """

    pixels: Tensor
    partner: Tensor
    share: float

    def of_partners(self, batch: Batch) -> Batch:
        """What is known of the other photos."""
        return {name: batch[name][self.partner] for name in _LABELS if name in batch}


def mix(pixels: Tensor, whole: Tensor) -> Mixed:
    """Fades photos into others, or puts a piece of others into them.

    Half of the batches are faded (mixup: Zhang et al., 2018), half are cut (CutMix: Yun et al., 2019).

    Args:
        pixels: [N, H, W, 3] in float.
        whole: bool [N], photos that stay as they are, and go into no other.
    """
    rows = torch.nonzero(~whole).flatten()
    partner = torch.arange(len(pixels))
    partner[rows] = rows[torch.randperm(len(rows))]
    others = pixels[partner]
    if torch.rand(()) < 0.5:
        share = float(torch.distributions.Beta(_FADED, _FADED).sample())
        share = max(share, 1 - share)
        return Mixed(torch.lerp(others, pixels, share), partner, share)
    (top, bottom, left, right), share = cutmix_bbox_and_lam(pixels.shape[:3], float(torch.rand(())))
    mixed = pixels.clone()
    mixed[:, top:bottom, left:right] = others[:, top:bottom, left:right]
    return Mixed(mixed, partner, float(share))

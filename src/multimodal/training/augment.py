"""One augmentation policy for photos, in batches on the training device.

Works on canvases the image kitchen has prepared, so only training differs from serving, and only here.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from multimodal.config.models import AugmentConfig


class Augment:
    """Random flip, zoom, shift, turn, colour, resolution, background and erasing of a batch of photos."""

    def __init__(self, config: AugmentConfig, pad: tuple[int, int, int]) -> None:
        self.config = config
        self.pad = torch.tensor(pad, dtype=torch.float32).view(1, 3, 1, 1)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Augmented copy [N, H, W, 3], float in 0..255, of pixels [N, H, W, 3]."""
        c = self.config
        x = pixels.permute(0, 3, 1, 2).float()
        if c.strength == 0:
            return x.permute(0, 2, 3, 1)
        x = self._background(x)
        x = self._warp(x)
        x = self._resolution(x)
        x = self._colour(x)
        x = self._erase(x)
        return x.clamp_(0, 255).permute(0, 2, 3, 1)

    def _chosen(self, x: Tensor, chance: float) -> Tensor:
        """Row numbers picked with ``chance`` times the strength."""
        p = min(1.0, chance * self.config.strength)
        return torch.nonzero(torch.rand(len(x), device=x.device) < p).flatten()

    def _warp(self, x: Tensor) -> Tensor:
        """Zoom, shift, turn and flip in one resampling; what comes in from outside is the pad colour."""
        c, n, device = self.config, len(x), x.device
        scale = torch.exp(_spread(n, math.log1p(c.zoom * c.strength), device))
        stretch = torch.exp(_spread(n, 0.5 * math.log1p(c.zoom * c.strength), device))
        angle = _spread(n, math.radians(c.rotate_degrees) * c.strength, device)
        flip = torch.where(torch.rand(n, device=device) < (0.5 if c.flip else 0.0), -1.0, 1.0)
        height, width = x.shape[-2:]
        aspect = height / width
        theta = torch.zeros(n, 2, 3, device=device)
        theta[:, 0, 0] = flip * torch.cos(angle) * scale * stretch
        theta[:, 0, 1] = torch.sin(angle) * aspect * scale
        theta[:, 1, 0] = -torch.sin(angle) / aspect * scale * flip
        theta[:, 1, 1] = torch.cos(angle) * scale
        theta[:, 0, 2] = _spread(n, 2 * c.shift * c.strength, device)
        theta[:, 1, 2] = _spread(n, 2 * c.shift * c.strength, device)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        pad = self.pad.to(device)
        return F.grid_sample(x - pad, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + pad

    def _resolution(self, x: Tensor) -> Tensor:
        rows = self._chosen(x, self.config.resolution)
        if len(rows) == 0:
            return x
        height, width = x.shape[-2:]
        factor = 0.35 + 0.5 * torch.rand(()).item()
        small = F.interpolate(
            x[rows], size=(max(8, int(height * factor)), max(8, int(width * factor))), mode="area"
        )
        x[rows] = F.interpolate(small, size=(height, width), mode="bicubic", align_corners=False)
        return x

    def _colour(self, x: Tensor) -> Tensor:
        """Brightness, contrast, saturation and a colour cast, each by its own factor a photo."""
        amount = self.config.colour * self.config.strength
        n, device = len(x), x.device
        shape = (n, 1, 1, 1)
        grey = x.mean(dim=1, keepdim=True)
        x = grey + (x - grey) * (1 + _spread(n, amount, device).view(shape))
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = mean + (x - mean) * (1 + _spread(n, amount, device).view(shape))
        cast = 1 + _spread(3 * n, 0.4 * amount, device).view(n, 3, 1, 1)
        return x * cast * (1 + _spread(n, amount, device).view(shape))

    def _background(self, x: Tensor) -> Tensor:
        """Puts a cloudy colour where a catalog photo is near white."""
        rows = self._chosen(x, self.config.background)
        if len(rows) == 0:
            return x
        photos = x[rows]
        n, _, height, width = photos.shape
        white = torch.sigmoid((photos.amin(dim=1, keepdim=True) - 238) / 4)
        base = torch.rand(n, 3, 1, 1, device=x.device) * 220 + 20
        clouds = torch.randn(n, 3, 5, 4, device=x.device) * 30
        scene = base + F.interpolate(clouds, size=(height, width), mode="bicubic", align_corners=False)
        x = x.clone()
        x[rows] = photos * (1 - white) + scene * white
        return x

    def _erase(self, x: Tensor) -> Tensor:
        """Covers a rectangle with noise (random erasing, Zhong et al. 2017), alike for the rows it picks."""
        rows = self._chosen(x, self.config.erase)
        if len(rows) == 0:
            return x
        height, width = x.shape[-2:]
        h = int(height * (0.15 + 0.3 * torch.rand(()).item()))
        w = int(width * (0.15 + 0.3 * torch.rand(()).item()))
        top = int(torch.randint(0, height - h + 1, ()).item())
        left = int(torch.randint(0, width - w + 1, ()).item())
        x[rows, :, top : top + h, left : left + w] = (
            torch.rand(len(rows), 3, 1, 1, device=x.device) * 255
        ).expand(-1, -1, h, w)
        return x


def _spread(n: int, amount: float, device: torch.device) -> Tensor:
    """Uniform numbers [n] in -amount..amount."""
    return (torch.rand(n, device=device) * 2 - 1) * amount

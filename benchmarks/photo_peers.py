"""Peers for what photos show: a plain timm fine-tuning for tags, a colour histogram with nearest neighbours."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from multimodal.image import ImageKitchen

if TYPE_CHECKING:
    from torch import Tensor

Pixels = npt.NDArray[np.uint8]
_BINS = 6
_NEIGHBOURS = 15


class PlainTimm:
    """A timm backbone and a new linear layer, binary cross-entropy, AdamW, cosine, flips: what one tries first."""

    def __init__(self, backbone: str, weights: Path, size: tuple[int, int], epochs: int, seed: int) -> None:
        self.name = f"timm {backbone}, fine-tuned {epochs} epochs"
        self._backbone, self._weights, self._size = backbone, weights, size
        self._epochs, self._seed = epochs, seed

    def fit(self, pixels: Pixels, tags: npt.NDArray[np.float32]) -> None:
        """Trains on photos uint8 [N, H, W, 3] and their tags [N, T], 0 or 1."""
        from multimodal.models.compat import prepare_torch

        prepare_torch()
        import timm
        import torch
        from safetensors.torch import load_file
        from torch.nn import functional as F

        torch.manual_seed(self._seed)
        model = timm.create_model(self._backbone, pretrained=False, num_classes=tags.shape[1])
        state = {k: v for k, v in load_file(self._weights).items() if not k.startswith("classifier")}
        model.load_state_dict(state, strict=False)
        self._model = model
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.02)
        batches = -(-len(pixels) // 64)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self._epochs * batches)
        for epoch in range(self._epochs):
            model.train()
            order = np.random.default_rng([self._seed, epoch]).permutation(len(pixels))
            for at in np.array_split(order, batches):
                x = self._input(pixels[at])
                flipped = torch.rand(len(x)) < 0.5
                x[flipped] = x[flipped].flip(3)
                loss = F.binary_cross_entropy_with_logits(model(x), torch.from_numpy(tags[at]))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            print(f"  {self.name}: epoch {epoch + 1}", file=sys.stderr, flush=True)

    def predict(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Probabilities [N, T]."""
        import torch

        self._model.eval()
        with torch.no_grad():
            parts = [self._model(self._input(pixels[at : at + 64])).sigmoid() for at in range(0, len(pixels), 64)]
        found: npt.NDArray[np.float32] = torch.cat(parts).numpy()
        return found

    @staticmethod
    def _input(pixels: Pixels) -> Tensor:
        import torch

        return (torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def histograms(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Colour histograms [N, 216] of what is not near white, square roots so that Euclidean is Hellinger's distance."""
    out = np.zeros((len(pixels), _BINS**3), np.float32)
    for row, photo in enumerate(pixels):
        flat = photo.reshape(-1, 3)
        seen = flat[(flat < 245).any(axis=1)]
        seen = seen if len(seen) > 20 else flat
        cells = (seen.astype(np.int64) * _BINS // 256) @ np.array([_BINS**2, _BINS, 1])
        out[row] = np.bincount(cells, minlength=_BINS**3) / len(cells)
    return np.sqrt(out)


class HistogramNeighbours:
    """The colour of the nearest photos by histogram, closer ones counting more (scikit-learn)."""

    name = f"colour histogram + {_NEIGHBOURS} nearest neighbours"

    def fit(self, pixels: Pixels, values: Sequence[str]) -> None:
        """Keeps the histograms of photos uint8 [N, H, W, 3] beside their values."""
        from sklearn.neighbors import KNeighborsClassifier

        self._model = KNeighborsClassifier(_NEIGHBOURS, weights="distance").fit(histograms(pixels), list(values))

    def predict(self, pixels: Pixels) -> list[str]:
        """The most likely value of each photo."""
        return [str(value) for value in self._model.predict(histograms(pixels))]


def kitchen(size: tuple[int, int]) -> ImageKitchen:
    """Photos as both sides see them."""
    return ImageKitchen(*size)

"""The photo graph of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from multimodal.export.graphs import WeightStorage, export_module
from multimodal.export.storage import store_integers
from multimodal.models.image import ImageTower
from multimodal.models.label_head import LabelHead


class ImageGraph(nn.Module):
    """The photo tower as it is served: one pass for categories, tags and attributes.

    Its parts are called as in the tower, so that a bundle's weights find their way back.
    """

    def __init__(self, tower: ImageTower, labels: LabelHead) -> None:
        super().__init__()
        self.backbone, self.head, self.labels = tower.backbone, tower.head, labels
        self._told = tower.told

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors [N, dim], logits [N, leaves] and scores of tags and attributes [N, width] of pixels."""
        vector, labels = self._told(pixels, self.labels)
        return vector, self.head(vector), labels


def export_image(
    tower: ImageTower, size: tuple[int, int], file: Path, storage: WeightStorage, outputs: Sequence[int] = ()
) -> None:
    """Writes the photo graph: pixels uint8 [N, H, W, 3] -> vector [N, dim], logits [N, leaves], labels [N, width].

    Args:
        outputs: which outputs of the tower's label head are answered; without any there is no third output.
    """
    n = torch.export.Dim("n", min=1)
    pixels = torch.zeros(2, *size, 3, dtype=torch.uint8)
    names = ["vector", "logits", "labels"][: 3 if outputs else 2]
    graph: nn.Module = tower
    if outputs:
        assert tower.labels is not None
        graph = ImageGraph(tower, tower.labels.kept(outputs))
    tower.eval()
    export_module(graph.eval(), {"pixels": pixels}, {"pixels": {0: n}}, names, file)
    if storage == "int16":
        store_integers(file)

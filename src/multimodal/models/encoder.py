"""What every text encoder is."""

from __future__ import annotations

import torch
from torch import nn


class TextEncoder(nn.Module):
    """Gives products text vectors [N, dim]; what its ``forward`` takes is its own."""

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        raise NotImplementedError("each encoder has its own")

    def forget(self, generator: torch.Generator | None) -> None:
        """Makes what was learned from products random again; what was pretrained stays."""
        raise NotImplementedError("each encoder has its own")

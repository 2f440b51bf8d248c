"""What every text encoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn


class TextEncoder(nn.Module, ABC):
    """Gives products text vectors [N, dim]; what its ``forward`` takes is its own."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Width of the vectors."""

    @abstractmethod
    def forget(self, generator: torch.Generator | None) -> None:
        """Makes what was learned from products random again; what was pretrained stays."""

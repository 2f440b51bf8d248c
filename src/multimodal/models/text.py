"""Text tower: one or several text encoders side by side, and a linear head over what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from multimodal.models.bag import Bag
from multimodal.models.encoder import TextEncoder
from multimodal.types import EncoderName

TextInputs = Mapping[EncoderName, tuple[Tensor, ...]]
"""What each encoder takes of N products; for bags flat ids [M] and the start of each product's ids [N]."""


class TextTower(nn.Module):
    """Concatenates the vectors of its encoders and scores the leaves.

    Attributes:
        encoders: by name, in the order of ``ENCODERS``; each gives vectors [N, its dim].
    """

    def __init__(self, encoders: Mapping[EncoderName, TextEncoder], leaves: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict({str(name): encoder for name, encoder in encoders.items()})
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.dim, leaves)

    @property
    def parts(self) -> dict[EncoderName, TextEncoder]:
        """The encoders by name."""
        return {cast(EncoderName, n): cast(TextEncoder, encoder) for n, encoder in self.encoders.items()}

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return sum(encoder.dim for encoder in self.parts.values())

    @property
    def ngrams(self) -> Bag:
        """The n-gram encoder; KeyError in a tower without."""
        return cast(Bag, self.encoders["ngrams"])

    def columns(self, name: EncoderName) -> slice:
        """Which columns of the vector an encoder fills; KeyError where the tower has no such encoder."""
        start = 0
        for other, encoder in self.parts.items():
            if other == name:
                return slice(start, start + encoder.dim)
            start += encoder.dim
        raise KeyError(name)

    def vector(self, text: TextInputs) -> Tensor:
        """Text vectors [N, dim]."""
        return torch.cat([encoder(*text[name]) for name, encoder in self.parts.items()], dim=1)

    def forward(self, text: TextInputs) -> tuple[Tensor, Tensor]:
        """Text vectors [N, dim] and logits [N, leaves]."""
        vector = self.vector(text)
        return vector, self.head(self.dropout(vector))

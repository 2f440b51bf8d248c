"""Late fusion: an MLP over the text and the photo vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.models.image import ImageTower
from multimodal.models.text import NgramTower


class FusionMLP(nn.Module):
    """Leaf logits from both vectors; a learned vector stands for the one that is absent."""

    def __init__(self, text_dim: int, image_dim: int, hidden: int, leaves: int, dropout: float) -> None:
        super().__init__()
        self.no_text = nn.Parameter(torch.zeros(text_dim))
        self.no_image = nn.Parameter(torch.zeros(image_dim))
        self.text_norm = nn.LayerNorm(text_dim)
        self.image_norm = nn.LayerNorm(image_dim)
        self.hidden = nn.Linear(text_dim + image_dim, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, leaves)

    def forward(self, text: Tensor, image: Tensor, has_text: Tensor, has_image: Tensor) -> Tensor:
        """Logits [N, leaves].

        Args:
            text: vectors [N, text_dim]; rows without text may hold anything finite.
            image: vectors [N, image_dim]; likewise.
            has_text: bool [N].
            has_image: bool [N].
        """
        t = torch.where(has_text[:, None], self.text_norm(text), self.no_text)
        i = torch.where(has_image[:, None], self.image_norm(image), self.no_image)
        hidden = torch.relu(self.hidden(self.dropout(torch.cat([t, i], dim=1))))
        logits: Tensor = self.head(self.dropout(hidden))
        return logits


class Fused(nn.Module):
    """Both towers and the MLP over their vectors, as they are trained together."""

    def __init__(self, text: NgramTower, image: ImageTower, fusion: FusionMLP) -> None:
        super().__init__()
        self.text = text
        self.image = image
        self.fusion = fusion

"""Late fusion: a gate weighs the log scores of both towers, and an MLP over both vectors corrects them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multimodal.models.image import ImageTower
from multimodal.models.text import TextTower

_START = -0.4328
"""Softplus of this is a half: before it has learned anything the fusion is the mean of both log scores."""


class FusionMLP(nn.Module):
    """Leaf logits from both towers' vectors and logits; a learned vector stands for the one that is absent.

    Starts as the plain mix of log scores and learns when to trust which tower, and what both have missed (a
    gated mixture of experts: Jacobs et al. 1991, with a residual correction).
    """

    def __init__(self, text_dim: int, image_dim: int, hidden: int, leaves: int, dropout: float) -> None:
        super().__init__()
        self.no_text = nn.Parameter(torch.zeros(text_dim))
        self.no_image = nn.Parameter(torch.zeros(image_dim))
        self.text_norm = nn.LayerNorm(text_dim)
        self.image_norm = nn.LayerNorm(image_dim)
        self.hidden = nn.Linear(text_dim + image_dim, hidden)
        self.dropout = nn.Dropout(dropout)
        self.gate = nn.Linear(hidden, 2)
        self.head = nn.Linear(hidden, leaves)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, _START)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(
        self,
        text: Tensor,
        image: Tensor,
        text_logits: Tensor,
        image_logits: Tensor,
        has_text: Tensor,
        has_image: Tensor,
    ) -> Tensor:
        """Logits [N, leaves].

        Args:
            text: vectors [N, text_dim]; rows without text may hold anything finite.
            image: vectors [N, image_dim]; likewise.
            text_logits: of the text head [N, leaves]; likewise.
            image_logits: of the image head [N, leaves]; likewise.
            has_text: bool [N].
            has_image: bool [N].
        """
        with_text, with_image = has_text[:, None], has_image[:, None]
        t = torch.where(with_text, self.text_norm(text), self.no_text)
        i = torch.where(with_image, self.image_norm(image), self.no_image)
        hidden = torch.relu(self.hidden(self.dropout(torch.cat([t, i], dim=1))))
        trust = F.softplus(self.gate(hidden))
        scores = torch.where(with_text, trust[:, :1] * F.log_softmax(text_logits, dim=1), 0.0)
        scores = scores + torch.where(with_image, trust[:, 1:] * F.log_softmax(image_logits, dim=1), 0.0)
        logits: Tensor = scores + self.head(self.dropout(hidden))
        return logits


class Fused(nn.Module):
    """Both towers and the fusion of what they say, as they are trained together."""

    def __init__(self, text: TextTower, image: ImageTower, fusion: FusionMLP) -> None:
        super().__init__()
        self.text = text
        self.image = image
        self.fusion = fusion

    def forward(self, text: Tensor, image: Tensor, has_text: Tensor, has_image: Tensor) -> Tensor:
        """Logits [N, leaves] of text vectors [N, text_dim] and photo vectors [N, image_dim]."""
        text_logits, image_logits = self.text.head(text), self.image.head(image)
        logits: Tensor = self.fusion(text, image, text_logits, image_logits, has_text, has_image)
        return logits

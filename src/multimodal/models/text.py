"""Text tower: a bag of hashed n-gram embeddings (in the manner of fastText, Joulin et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class NgramTower(nn.Module):
    """Sums the embeddings of a product's known n-grams, normalises, and scores the leaves.

    Row 0 of the table stands for padding and unknown n-grams and stays zero.
    """

    def __init__(self, vocabulary: int, dim: int, leaves: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(vocabulary + 1, dim, mode="sum", padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        with torch.no_grad():
            self.table.weight[0].zero_()
        self.register_buffer("idf", torch.ones(vocabulary + 1))
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, leaves)

    @property
    def dim(self) -> int:
        return self.table.embedding_dim

    def vector(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Text vectors [N, dim] of flat ids [M] with the start of each product's ids in ``offsets`` [N]."""
        idf: Tensor = self.idf  # type: ignore[assignment]
        pooled = self.table(ids, offsets, per_sample_weights=idf[ids])
        vector: Tensor = self.norm(pooled)
        return vector

    def forward(self, ids: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Text vectors [N, dim] and logits [N, leaves]."""
        vector = self.vector(ids, offsets)
        return vector, self.head(self.dropout(vector))

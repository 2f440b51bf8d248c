"""Text tower: a bag of hashed n-gram embeddings over TF-IDF weights, normalised field by field."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.types import TEXT_INPUTS


class NgramTower(nn.Module):
    """Sums the embeddings of a product's known n-grams by their TF-IDF weights and scores the leaves.

    The weights of each field are scaled to length 1 before the fields are added up, so a long description
    or many characteristics cannot drown the title. Row 0 of the table stands for padding and unknown
    n-grams and stays zero.
    """

    idf: Tensor
    field: Tensor
    share: Tensor

    def __init__(self, vocabulary: int, dim: int, leaves: int, dropout: float = 0.1, other_fields: float = 0.5) -> None:
        """``other_fields``: weight of the description and of the characteristics where the title has 1."""
        super().__init__()
        self.table = nn.EmbeddingBag(vocabulary + 1, dim, mode="sum", padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        with torch.no_grad():
            self.table.weight[0].zero_()
        self.register_buffer("idf", torch.ones(vocabulary + 1))
        self.register_buffer("field", torch.zeros(vocabulary + 1, dtype=torch.int64))
        share = [1.0 if name == "title" else other_fields for name in TEXT_INPUTS]
        self.register_buffer("share", torch.tensor(share))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, leaves)

    @property
    def dim(self) -> int:
        return self.table.embedding_dim

    def row_weights(self) -> Tensor:
        """The part of a weight that an n-gram has in every product: idf by its field's share [V + 1]."""
        return self.idf * self.share[self.field]

    def weights(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Weights [M] of flat ids [M]; in each product those of one field have the field's length."""
        ends = torch.cat([offsets[1:], offsets.new_tensor([len(ids)])])
        product = torch.arange(len(offsets), device=ids.device).repeat_interleave(ends - offsets)
        block = product * len(TEXT_INPUTS) + self.field[ids]
        squares = self.idf.new_zeros(len(offsets) * len(TEXT_INPUTS)).index_add(0, block, self.idf[ids].square())
        return self.row_weights()[ids] * squares.clamp_min(1e-12).rsqrt()[block]

    def vector(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Text vectors [N, dim] of flat ids [M] with the start of each product's ids in ``offsets`` [N]."""
        vector: Tensor = self.table(ids, offsets, per_sample_weights=self.weights(ids, offsets))
        return vector

    def forward(self, ids: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Text vectors [N, dim] and logits [N, leaves]."""
        vector = self.vector(ids, offsets)
        return vector, self.head(self.dropout(vector))

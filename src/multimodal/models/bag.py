"""Bags of rows under TF-IDF weights: the n-gram encoder, and the base of every encoder that looks words up."""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multimodal.models.codes import Codes, encode_rows
from multimodal.models.encoder import TextEncoder
from multimodal.types import TEXT_INPUTS


class WeightedRows(TextEncoder):
    """Sums the rows of a product's known features by their weights, field by field.

    The weights of each field are scaled to length 1 before the fields are added up, so a long description
    or many characteristics cannot drown the title. Row 0 stands for padding and unknown features.
    """

    field: Tensor
    share: Tensor

    def __init__(self, vocabulary: int, other_fields: float) -> None:
        """``other_fields``: weight of the description and of the characteristics where the title has 1."""
        super().__init__()
        self.register_buffer("field", torch.zeros(vocabulary + 1, dtype=torch.int64))
        share = [1.0 if name == "title" else other_fields for name in TEXT_INPUTS]
        self.register_buffer("share", torch.tensor(share))

    @property
    @abstractmethod
    def rarity(self) -> Tensor:
        """How much each row counts before its field is scaled [V + 1]; 0 for padding."""

    @abstractmethod
    def matrix(self) -> Tensor:
        """The rows [V + 1, dim]; row 0 is zero."""

    def row_weights(self) -> Tensor:
        """The part of a weight that a row has in every product: its rarity by its field's share [V + 1]."""
        return self.rarity * self.share[self.field]

    def weights(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Weights [M] of flat ids [M]; in each product those of one field have the field's length."""
        ends = torch.cat([offsets[1:], offsets.new_tensor([len(ids)])])
        product = torch.arange(len(offsets), device=ids.device).repeat_interleave(ends - offsets)
        block = product * len(TEXT_INPUTS) + self.field[ids]
        rarity = self.rarity
        squares = rarity.new_zeros(len(offsets) * len(TEXT_INPUTS)).index_add(0, block, rarity[ids].square())
        return self.row_weights()[ids] * squares.clamp_min(1e-12).rsqrt()[block]


class Bag(WeightedRows):
    """A trained table of n-gram embeddings under fixed inverse document frequencies."""

    idf: Tensor
    codes: Codes | None
    """What the table, with its weights, is stored as, where it was brought to codes."""

    def __init__(self, vocabulary: int, dim: int, other_fields: float = 0.5) -> None:
        super().__init__(vocabulary, other_fields)
        self.codes = None
        self.table = nn.EmbeddingBag(vocabulary + 1, dim, mode="sum", padding_idx=0)
        self.register_buffer("idf", torch.ones(vocabulary + 1))
        self.forget(None)

    @property
    def dim(self) -> int:
        return self.table.embedding_dim

    @property
    def rarity(self) -> Tensor:
        return self.idf

    def matrix(self) -> Tensor:
        return self.table.weight

    def forget(self, generator: torch.Generator | None) -> None:
        """Makes the table random again."""
        with torch.no_grad():
            self.table.weight.normal_(std=0.1, generator=generator)
            self.table.weight[0].zero_()

    def to_codes(self, parts: int, seed: int) -> None:
        """Rounds the table to what ``parts`` bytes a row can say; learning on would leave the codes behind."""
        weights = self.row_weights()
        often = torch.exp(-self.idf)  # the document frequency, but for a factor
        self.codes = encode_rows(self.table.weight.detach() * weights[:, None], parts, seed, often)
        with torch.no_grad():
            self.table.weight.copy_(self.codes.table() / weights.clamp_min(1e-12)[:, None])
            self.table.weight[0].zero_()

    def forward(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Vectors [N, dim] of flat ids [M] with the start of each product's ids in ``offsets`` [N]."""
        vector: Tensor = self.table(ids, offsets, per_sample_weights=self.weights(ids, offsets))
        return vector


class WordVectors(WeightedRows):
    """Pretrained word vectors, pooled with weights of their own and brought to a width, both of which are trained.

    The vectors themselves stay as they came: words that training saw once keep the place they have among all
    words. What is stored of them is the projected matrix alone.
    """

    base: Tensor
    first_weight: Tensor

    def __init__(self, base: Tensor, rarity: Tensor, dim: int, other_fields: float = 0.5) -> None:
        """``base``: vectors [V + 1, width of origin], row 0 zero. ``rarity``: where pooling weights start [V + 1]."""
        super().__init__(len(base) - 1, other_fields)
        self.register_buffer("base", base.float())
        self.log_weight = nn.Parameter(rarity.clamp_min(1e-3).log())
        self.register_buffer("first_weight", self.log_weight.detach().clone(), persistent=False)
        self.projection = nn.Linear(base.shape[1], dim, bias=False)

    @property
    def dim(self) -> int:
        return self.projection.out_features

    @property
    def rarity(self) -> Tensor:
        padding = torch.ones_like(self.log_weight)
        padding[0] = 0
        return self.log_weight.exp() * padding

    def matrix(self) -> Tensor:
        matrix: Tensor = self.projection(self.base)
        return matrix

    def forget(self, generator: torch.Generator | None) -> None:
        """Makes the projection random again and weighs words as at the start; the pretrained vectors stay."""
        with torch.no_grad():
            self.log_weight.copy_(self.first_weight)
            self.projection.weight.normal_(std=self.projection.in_features**-0.5, generator=generator)

    def forward(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """As ``Bag.forward``."""
        weights = self.weights(ids, offsets)
        pooled = F.embedding_bag(ids, self.base, offsets, mode="sum", per_sample_weights=weights)
        vector: Tensor = self.projection(pooled)
        return vector

"""Tables of embeddings in a byte for every few columns: product quantisation.

Each row is a length times a direction; the columns of the directions are cut into parts, and each part is the
nearest of 256 vectors learned for it (Jégou et al., Product quantization for nearest neighbor search, 2011; with
the length apart as in Joulin et al., FastText.zip, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CODES = 256
_SAMPLE = 65_536
"""Rows, those of the most weight, that the vectors are learned from."""
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Codes:
    """A table [V, D] in codes.

    Attributes:
        codes: uint8 [V, parts].
        books: float16 [parts, 256, D / parts].
        scale: float16 [V]: lengths of the rows.
    """

    codes: Tensor
    books: Tensor
    scale: Tensor

    def table(self) -> Tensor:
        """The rows that the codes stand for, float32 [V, D]."""
        parts = [book[codes.long()] for book, codes in zip(self.books.float(), self.codes.T, strict=True)]
        return torch.cat(parts, dim=1) * self.scale.float()[:, None]


def encode_rows(table: Tensor, parts: int, seed: int, often: Tensor | None = None) -> Codes:
    """Codes of a table [V, D]; rows that weigh more in the sums that are made of them are met more closely.

    Those are long rows, and rows that are summed up often: without the latter the many rare n-grams have the codes
    to themselves, and scores err by 1.4 times as much.

    Args:
        parts: bytes a row takes beside its length; must divide D.
        seed: of the k-means.
        often: how often each row is summed up, in any unit [V]; all alike unless given.
    """
    from sklearn.cluster import MiniBatchKMeans

    length = table.norm(dim=1)
    unit = (table / length.clamp_min(1e-12)[:, None]).numpy()
    weight = (length.square() if often is None else length.square() * often).numpy()
    order = np.argsort(-weight, kind="stable")[:_SAMPLE]
    order = order[weight[order] > 0]
    width = table.shape[1] // parts
    codes, books = [], []
    for part in range(parts):
        columns = unit[:, part * width : (part + 1) * width]
        count = min(CODES, len(order))
        means = MiniBatchKMeans(count, batch_size=4096, n_init=1, max_iter=_ROUNDS, random_state=seed)
        means.fit(columns[order], sample_weight=weight[order])
        book = torch.zeros(CODES, width)
        book[:count] = torch.from_numpy(means.cluster_centers_)
        codes.append(torch.from_numpy(means.predict(columns)).to(torch.uint8))
        books.append(book.half())
    found = Codes(torch.stack(codes, dim=1), torch.stack(books), torch.ones(len(table)).half())
    plain = found.table()
    # The length that brings the coded direction nearest to the row; rows of zeros stay so.
    scale = (plain * table).sum(dim=1) / plain.square().sum(dim=1).clamp_min(1e-12)
    return Codes(found.codes, found.books, scale.clamp_min(0).half())

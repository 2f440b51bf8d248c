"""What the configuration leaves open, decided by how much there is to learn from."""

from __future__ import annotations

from multimodal.config.models import TextConfig

FEW_ROWS = 10_000
"""Below this many products with text: every n-gram is kept, and linear machines are moved less."""
_WIDEST = 256
_WIDEST_OF_MANY = 128
_BLOCK = 32
"""Columns that share a scale in an int8 table."""


def settle(config: TextConfig, rows: int, categories: int) -> TextConfig:
    """The text section with nothing left open.

    With few products a word seen once is often all there is of a category, and a table narrower than the number
    of categories loses directions that linear machines use: at 1,000 rows of 183 leaves, three points of top-1.

    Args:
        rows: training products with text.
        categories: leaves that have some.
    """
    few = rows < FEW_ROWS
    encoder = config.encoder
    open_parts: dict[str, object] = {}
    if encoder.min_count is None:
        open_parts["min_count"] = 1 if few else 2
    if encoder.dim is None:
        wanted = -(-categories // _BLOCK) * _BLOCK
        open_parts["dim"] = max(_BLOCK, min(wanted, _WIDEST if few else _WIDEST_OF_MANY))
    settled: dict[str, object] = {"encoder": encoder.model_copy(update=open_parts)}
    if config.learning_rate is None:
        settled["learning_rate"] = 0.01 if encoder.start == "random" else 0.001 if few else 0.003
    return config.model_copy(update=settled)

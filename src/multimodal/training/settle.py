"""What the configuration leaves open, decided by how much there is to learn from."""

from __future__ import annotations

from multimodal.config.text import NgramsConfig, TextConfig

FEW_ROWS = 10_000
"""Below this many products with text every n-gram is kept: a word seen once is often all there is of a category."""
MANY_ROWS = 20_000
"""From this many on tables are narrower, and move further from the linear machines they start from."""
_WIDEST = 256
_WIDEST_OF_MANY = 128
_BLOCK = 32
"""Columns that share a scale in an int8 table."""
_MASKED = 0.25


def settle(config: TextConfig, rows: int, categories: int, *, photos: bool) -> TextConfig:
    """The text section with nothing left open.

    A table narrower than the number of categories loses directions that linear machines use: with 1,000 rows of
    183 leaves, three points of top-1. Category names are hidden from titles where there are photos to make up for
    them; text alone has nothing else to go by.

    Args:
        rows: training products with text.
        categories: leaves that have some.
        photos: whether a photo tower is trained beside it.
    """
    many = rows >= MANY_ROWS
    settled: dict[str, object] = {}
    if config.ngrams is not None:
        settled["ngrams"] = _settled_ngrams(config.ngrams, rows, categories)
    if config.learning_rate is None:
        settled["learning_rate"] = 0.01 if config.start == "random" else 0.003 if many else 0.001
    if config.mask_names is None:
        settled["mask_names"] = _MASKED if photos else 0.0
    return config.model_copy(update=settled)


def _settled_ngrams(config: NgramsConfig, rows: int, categories: int) -> NgramsConfig:
    open_parts: dict[str, object] = {}
    if config.min_count is None:
        open_parts["min_count"] = 1 if rows < FEW_ROWS else 2
    if config.dim is None:
        wanted = -(-categories // _BLOCK) * _BLOCK
        open_parts["dim"] = max(_BLOCK, min(wanted, _WIDEST_OF_MANY if rows >= MANY_ROWS else _WIDEST))
    return config.model_copy(update=open_parts)

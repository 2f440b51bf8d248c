"""The built-in sample catalog: products drawn and described by code, deterministic by seed."""

from multimodal.data.sample.catalog import SampleRow, draw_products, draw_rows
from multimodal.data.sample.layouts import LAYOUTS, rewrite_sample
from multimodal.data.sample.tree import FASHION_IDS, SAMPLE_TREE
from multimodal.data.sample.writer import SampleFiles, write_sample

__all__ = [
    "FASHION_IDS",
    "LAYOUTS",
    "SAMPLE_TREE",
    "SampleFiles",
    "SampleRow",
    "draw_products",
    "draw_rows",
    "rewrite_sample",
    "write_sample",
]

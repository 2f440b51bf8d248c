"""Blocks of the README that are not of one bundle: each from the file of its name in the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ablation_pages
import backbone_pages
import coverage
import encoders
import fashion_mnist
import imbalance
import missing_inputs
import photo_ablation
import photo_labels
import runtimes
import serving
import title_roads
import trust
from pages import clothes_phone_block, latency_block, memory_block

Block = Callable[[Mapping[str, Any]], str]
_Table = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]


def _records(table: _Table) -> Block:
    """The block of a benchmark that keeps settings and records."""
    return lambda found: table(found["rows"], found["settings"]) + "\n"


COMMON: Mapping[str, Block] = {
    "latency": latency_block,
    "latency-grocery": latency_block,
    "runtimes": lambda found: runtimes.markdown(found) + "\n",
    "serving": lambda found: serving.markdown(found) + "\n",
    "memory": memory_block,
    "backbones": _records(backbone_pages.markdown),
    "photo-ablation": _records(photo_ablation.markdown),
    "ablation-fashion_products": ablation_pages.markdown,
    "ablation-perekrestok_ru": ablation_pages.markdown,
    "photo-labels": _records(photo_labels.markdown),
    "clothes-phone": clothes_phone_block,
    "fashion-mnist": lambda found: fashion_mnist.markdown(found) + "\n",
    "trust-fashion": lambda found: trust.markdown(found) + "\n",
    "trust-grocery": lambda found: trust.markdown(found) + "\n",
    "coverage-grocery": lambda found: coverage.markdown(found) + "\n",
    "coverage-fashion": lambda found: coverage.markdown(found) + "\n",
    "missing-fashion": lambda found: missing_inputs.markdown(found) + "\n",
    "encoders-perekrestok_ru": _records(encoders.markdown),
    "encoders-fashion_products": _records(encoders.markdown),
    "encoders-fashion_products-fifth": _records(encoders.markdown),
    "imbalance-perekrestok_ru": _records(imbalance.markdown),
    "title-roads-perekrestok_ru": _records(title_roads.markdown),
}
"""Name of the block and of the file -> its Markdown."""

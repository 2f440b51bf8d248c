"""A shipped bundle opened to be measured on a split of its own data set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import multimodal
from multimodal.artifact import bundle_sha256
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.types import Product
from shipped import Shipped, shipped_as


@dataclass(frozen=True, slots=True)
class Measuring:
    """What a benchmark with the options of ``split_parser`` measures.

    Attributes:
        folder: of the bundle's data set.
        split: "val", or "test" where that was asked for.
    """

    predictor: multimodal.Predictor
    shipped: Shipped
    folder: Path
    split: str

    @classmethod
    def asked(cls, options: argparse.Namespace) -> Measuring:
        """Opens what the options name.

        Raises:
            BundleError: the bundle cannot be opened.
            DataError: it is none of the shipped ones.
        """
        predictor = multimodal.load(options.bundle, threads=options.threads)
        shipped = shipped_as(predictor.name)
        return cls(predictor, shipped, options.data / shipped.data, "test" if options.test else "val")

    def source(self, split: str | None = None) -> SourceConfig:
        """The file of a split, by default the one that is measured."""
        return SourceConfig(path=str(self.folder / f"{split or self.split}.parquet"))

    def products(self, split: str | None = None) -> list[Product]:
        """Its readable rows, in order."""
        return [p for p in read_source(self.source(split), labelled=True) if isinstance(p, Product)]

    def told(self, figures: Mapping[str, Any], save_as: Path | None) -> dict[str, Any]:
        """The figures below what they are of; saved as JSON where a file is named."""
        of = {
            "bundle": f"{self.predictor.name} {bundle_sha256(self.predictor.manifest)[:12]}",
            "data": self.shipped.data,
            "split": self.split,
        }
        found = {**of, **figures}
        if save_as is not None:
            save_as.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return found

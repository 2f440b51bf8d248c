"""The README's tables of ablations on the public sets, from what ``multimodal ablate --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multimodal.evaluation.ablation import Estimate, Line
from multimodal.export.variants import VARIANTS
from multimodal.report.ablation import ablation_markdown


def markdown(found: Mapping[str, Any]) -> str:
    """A line a variant, means over the seeds with their intervals."""
    return ablation_markdown([_line(told) for told in found["lines"]], {one.name: one.label for one in VARIANTS})


def _line(told: Mapping[str, Any]) -> Line:
    figures = {key: Estimate(**value) for key, value in told["figures"].items()}
    away = told["difference"]
    return Line(**{**told, "figures": figures, "difference": None if away is None else Estimate(**away)})

"""From the service's JSON to the types that a ``Predictor`` answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multimodal.types import (
    Answer,
    AttributeScore,
    CandidateSet,
    CategoryScore,
    Conflict,
    HeatMap,
    PathStep,
    Prediction,
    RowError,
    RowId,
    TagScore,
    TextEffect,
)


def answer_of(item: Mapping[str, Any], own: RowId, row: int) -> Answer:
    """One item of a batch.

    Args:
        own: the product's id.
        row: its place among the products asked about.
    """
    if item["error"] is not None:
        error = item["error"]
        return RowError(own, row, error.get("stage", "service"), error["code"], error["detail"])
    return prediction_of(item["answer"], own, row)


def prediction_of(told: Mapping[str, Any], own: RowId, row: int) -> Prediction:
    """The answer of ``POST /classify``; fields that a newer service adds are left out."""
    candidates, conflict, heat = told["candidates"], told["conflict"], told.get("heat_map")
    reasons = told.get("explanation")
    return Prediction(
        id=own,
        row=row,
        decision=told["decision"],
        category=None if told["category"] is None else _category(told["category"]),
        suggestions=tuple(_category(one) for one in told["suggestions"]),
        used=told["modality"]["used"],
        missing=tuple(told["modality"]["missing"]),
        needs_review=told["needs_review"],
        candidates=candidates and CandidateSet(candidates["coverage"], tuple(candidates["category_ids"])),
        tags=tuple(TagScore(t["name"], t["probability"], t["present"]) for t in told["tags"]),
        attributes=tuple(AttributeScore(a["name"], a["value"], a["probability"]) for a in told["attributes"]),
        conflict=conflict and Conflict(_step(conflict["text"]), _step(conflict["image"])),
        warnings=tuple(told["warnings"]),
        explanation=None if reasons is None else tuple(TextEffect(e["input"], e["text"], e["effect"]) for e in reasons),
        heat_map=heat and HeatMap(heat["category_id"], tuple(tuple(line) for line in heat["effects"])),
    )


def _category(told: Mapping[str, Any]) -> CategoryScore:
    path = tuple(_step(step) for step in told["path"])
    return CategoryScore(told["id"], told["name"], told["is_leaf"], told["probability"], path)


def _step(told: Mapping[str, Any]) -> PathStep:
    return PathStep(told["id"], told["name"], told["probability"])

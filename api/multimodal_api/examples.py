"""Examples of what is answered, for the OpenAPI document; the numbers are made up."""

from __future__ import annotations

from typing import Any

_MODEL = {"name": "fashion", "version": "1", "tree_version": "0a1b2c3d4e5f"}
_SHIRT: dict[str, Any] = {
    "id": "1042",
    "name": "Tshirts",
    "is_leaf": True,
    "probability": 0.93,
    "path": [
        {"id": "1001", "name": "Apparel", "probability": 0.99},
        {"id": "1010", "name": "Topwear", "probability": 0.97},
        {"id": "1042", "name": "Tshirts", "probability": 0.93},
    ],
}
_CLASSIFIED: dict[str, Any] = {
    "model": _MODEL,
    "decision": "leaf",
    "category": _SHIRT,
    "suggestions": [_SHIRT],
    "candidates": {"coverage": 0.95, "category_ids": ["1042", "1187"]},
    "modality": {"used": "fused", "missing": []},
    "tags": [{"name": "floral", "probability": 0.81, "present": True}],
    "attributes": [{"name": "colour", "value": "navy", "probability": 0.74}],
    "needs_review": False,
    "conflict": None,
    "warnings": [],
    "explanation": [{"input": "title", "text": "t-shirt", "effect": 4.2}],
    "heat_map": {"category_id": "1042", "effects": [[0.1, 2.3], [0.0, 1.2]]},
}
_PROBLEM: dict[str, Any] = {
    "type": "urn:multimodal:problem:no_input",
    "title": "No input",
    "status": 422,
    "detail": "Got no input; expected at least one of title, description, characteristics and image (sent as "
    "image_base64), not empty.",
    "instance": "/classify",
    "code": "no_input",
    "request_id": "6c0f…",
}
_ITEM: dict[str, Any] = {"id": 1, "index": 0, "status": 200, "answer": _CLASSIFIED, "error": None}
BY_SCHEMA: dict[str, Any] = {
    "ClassifyResponse": _CLASSIFIED,
    "Problem": _PROBLEM,
    "ItemAnswer": _ITEM,
    "BatchResponse": {
        "answers": [_ITEM, {"id": 2, "index": 1, "status": 422, "answer": None, "error": _PROBLEM}],
        "failed": 1,
    },
    "FeedbackResponse": {"request_id": "6c0f…", "verdict": "corrected", "category_id": "1042"},
    "ReviewResponse": {
        "items": [
            {
                "request_id": "6c0f…",
                "model": "fashion",
                "title": "Men Navy Polo",
                "category_id": "1010",
                "decision": "ancestor",
                "confidence": 0.48,
                "conflict": False,
                "suggestions": ["1042", "1187"],
                "times": 3,
                "worth": 1.56,
            }
        ]
    },
    "CategoriesResponse": {
        "model": _MODEL,
        "categories": [
            {"id": "1001", "name": "Apparel", "parent_id": None, "is_leaf": False},
            {"id": "1010", "name": "Topwear", "parent_id": "1001", "is_leaf": False},
            {"id": "1042", "name": "Tshirts", "parent_id": "1010", "is_leaf": True},
        ],
    },
    "ModelResponse": {
        "model": _MODEL,
        "inputs": ["title", "description", "characteristics", "image"],
        "known_models": ["fashion", "grocery-ru"],
        "default_model": "fashion",
        "manifest": {"name": "fashion", "version": "1"},
    },
}
"""Schema's name -> what it looks like."""
METRICS = 'multimodal_requests_total{path="/classify",status="200"} 17.0\n'


def put_examples(part: Any) -> None:
    """Gives every schema of a document its example; FastAPI would leave out what is null in them."""
    if isinstance(part, dict):
        if "properties" in part and (example := BY_SCHEMA.get(part.get("title", ""))):
            part["examples"] = [example]
        for inner in part.values():
            put_examples(inner)
    elif isinstance(part, list):
        for inner in part:
            put_examples(inner)

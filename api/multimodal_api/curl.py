"""The curl line that asks an operation of an OpenAPI document."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from multimodal_api.bodies import FORM
from multimodal_api.shapes import Shapes


def curl_lines(
    url: str, method: str, operation: Mapping[str, Any], shapes: Shapes, headers: Sequence[str] = ()
) -> list[str]:
    """One for each content type that the operation takes, or the one without a body.

    Args:
        headers: sent with each.
    """
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    told = [_body(kind, media, shapes) for kind, media in content.items()] or [[]]
    # -d and -F alone make it a POST.
    usual = "POST" if content else "GET"
    asked = [] if method.upper() == usual else ["-X", method.upper()]
    sent = [*asked, url, *(word for header in headers for word in ("-H", header))]
    return [shlex.join(["curl", "-s", *sent, *words]) for words in told]


def _body(kind: str, media: Mapping[str, Any], shapes: Shapes) -> list[str]:
    example = shapes.example(media)
    if kind == FORM:
        fields = dict.fromkeys(shapes.files(media.get("schema", {})), "@photo.jpg")
        fields |= example if isinstance(example, dict) else {}
        return [word for name, value in fields.items() for word in ("-F", f"{name}={value}")]
    told = "@body" if example is None else json.dumps(example, ensure_ascii=False)
    return ["-H", f"Content-Type: {kind}", "-d", told]

"""The running service against what it says of itself: every operation, by schemathesis over the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed: it is part of [dev]")

import jsonschema_rs
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from api_support import FakePredictor, running
from multimodal_api.app import create_app
from multimodal_api.settings import Settings
from multimodal_api.shapes import Shapes

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
"""What fits the schema may be refused all the same: a photo that is none, an id that nobody asked about."""
EACH_FOR_ITSELF = ("/classify/batch", "/classify/stream")


@schemathesis.serializer("application/x-ndjson")
def lines_of(context: Any, value: Any) -> bytes:
    """One JSON document a line, as ``/classify/stream`` takes them."""
    rows = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a service with a database, on a real server."""
    database = f"sqlite:///{tmp_path_factory.mktemp('store')}/answers.db"
    app = create_app(Settings(log="off", database=database), predictors={"fake": FakePredictor()})
    with running(app) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


DOCUMENT = create_app(Settings()).openapi()
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_it_answers_is_what_it_documents(document: Any, path: str, method: str, mode: GenerationMode) -> None:
    operation = document[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        pytest.skip("takes nothing that could be wrong")

    # Of several products each has an error of its own, and the others their answers.
    rejection = [] if path in EACH_FOR_ITSELF else [negative_data_rejection]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def holds(case: Any) -> None:
        case.call_and_validate(checks=[*CHECKS, *rejection])

    holds()


def media() -> Iterator[tuple[str, Any]]:
    """Everything that is asked and answered, with a name."""
    for path, method in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        parts = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for part, told in parts.items():
            for kind, one in told.get("content", {}).items():
                yield f"{method} {path} {part} {kind}", one


@pytest.mark.parametrize("told", [pytest.param(told, id=name) for name, told in media()])
def test_examples_fit_their_schemas(told: Any) -> None:
    shapes = Shapes(DOCUMENT)
    schema = {**told["schema"], "components": DOCUMENT["components"]}
    example = shapes.example(told)
    assert example is not None
    jsonschema_rs.validate(schema, example)


@pytest.mark.parametrize("keys", [None, "shop=shop-0123456789abcdef"])
def test_keys_are_declared_where_they_are_wanted(keys: str | None) -> None:
    app = create_app(Settings(log="off", api_keys=keys), predictors={"fake": FakePredictor()})
    client = TestClient(app)
    document = client.get("/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    told = {(one["type"], one.get("scheme"), one.get("name")) for one in schemes.values()}
    assert told == {("http", "bearer", None), ("apiKey", None, "X-API-Key")}
    for path, method in OPERATIONS:
        operation = document["paths"][path][method]
        wanted = path not in ("/live", "/ready")
        assert {"401", "429"} <= set(operation["responses"]) if wanted else "security" not in operation
        if wanted:
            assert list(operation["responses"]) == sorted(operation["responses"])
            assert "Retry-After" in operation["responses"]["429"]["headers"]
            assert [name for one in operation["security"] for name in one] == list(schemes)
            assert ({} in operation["security"]) == (keys is None), "whether it answers nobody without"
        assert (client.request(method, path).status_code == 401) == (wanted and keys is not None)


def test_refusals_mean_what_is_said_of_them(tiny_bundle: Path, tmp_path: Path) -> None:
    settings = Settings(bundle=str(tiny_bundle), log="off", load_first=True, database=f"sqlite:///{tmp_path}/kept.db")
    with TestClient(create_app(settings)) as client:
        told = client.get("/openapi.json").json()["paths"]["/feedback"]["post"]["responses"]
        long = client.post("/feedback", content=b" " * 300_000, headers={"Content-Type": "application/json"})
        assert long.status_code == 413
        assert "413" in told
        unknown = client.post("/feedback", json={"request_id": "never-asked", "category_id": "x"})
        assert unknown.status_code == 404
        assert told["404"]["description"] == "No answer is kept under that request id"
        assert unknown.json()["code"] == "unknown_request"

"""Life of the service: loading, readiness, the tree, the model, settings, imports, the OpenAPI document."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import multimodal
from api_support import TREE, FakePredictor, check_problem
from multimodal.errors import ConfigError
from multimodal_api.app import create_app
from multimodal_api.settings import Settings


def wait_for(client: TestClient, path: str, status: int) -> None:
    until = time.monotonic() + 5
    while client.get(path).status_code != status:
        assert time.monotonic() < until, client.get(path).text
        time.sleep(0.01)


def test_live_while_loading_and_ready_after(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow_load(path: str, *, threads: int | None = None, runtime: str = "") -> FakePredictor:
        assert (path, threads, runtime) == ("some/bundle", 3, "openvino")
        assert go_on.wait(5)
        return FakePredictor("loaded")

    monkeypatch.setattr(multimodal, "load", slow_load)
    with TestClient(create_app(Settings(bundle="some/bundle", threads=3, runtime="openvino"))) as client:
        assert client.get("/live").json() == {"status": "live"}
        response = client.get("/ready")
        check_problem(response, 503, "not_ready")
        assert response.headers["retry-after"] == "1"
        check_problem(client.post("/classify", json={"title": "Tops"}), 503, "not_ready")
        check_problem(client.get("/categories"), 503, "not_ready")
        go_on.set()
        wait_for(client, "/ready", 200)
        assert client.post("/classify", json={"title": "Tops"}).json()["model"]["name"] == "loaded"


def test_bundle_that_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(create_app(Settings(bundle=str(tmp_path / "absent")))) as client:
        wait_for(client, "/live", 503)
        check_problem(client.get("/ready"), 503, "load_failed", "absent")
        check_problem(client.post("/classify", json={"title": "Tops"}), 503, "load_failed")
    assert "absent" in caplog.text


def test_categories_hold_the_whole_tree() -> None:
    client = TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))
    answer = client.get("/categories").json()
    assert answer["model"]["tree_version"] == TREE.version
    assert answer["categories"][0] == {"id": "1", "name": "Apparel", "parent_id": None, "is_leaf": False}
    assert [n["id"] for n in answer["categories"]] == [n.id for n in TREE.nodes]
    assert [n["id"] for n in answer["categories"] if n["is_leaf"]] == list(TREE.leaves)


def test_model_shows_the_manifest() -> None:
    client = TestClient(create_app(Settings(), predictors={"fake": FakePredictor(), "b": FakePredictor("b")}))
    answer = client.get("/model").json()
    assert answer["known_models"] == ["fake", "b"]
    assert answer["inputs"] == ["title", "description", "characteristics", "image"]
    assert set(answer["manifest"]) == {"capabilities", "metrics", "provenance"}
    assert client.get("/model?model=b").json()["model"]["name"] == "b"


def test_openapi_declares_both_bodies_and_the_problems() -> None:
    client = TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/classify"]["post"]
    form, as_json = (
        operation["requestBody"]["content"][kind]["schema"] for kind in ("multipart/form-data", "application/json")
    )
    shared = {"title", "description", "characteristics", "top_k", "explain", "model"}
    shared |= {"min_confidence", "accuracy", "decoding"}
    assert set(form["properties"]) == shared | {"image"}
    assert set(as_json["properties"]) == shared | {"image_base64"}
    assert form["additionalProperties"] is as_json["additionalProperties"] is False
    assert "$defs" not in as_json
    assert {"400", "404", "413", "415", "422", "500", "503"} <= set(operation["responses"])
    assert set(operation["responses"]["413"]["content"]) == {"application/problem+json"}
    assert "ClassifyResponse" in str(operation["responses"]["200"])
    assert "HTTPValidationError" not in str(document)


def test_openapi_refers_to_nothing_that_is_not_there() -> None:
    client = TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))
    document = client.get("/openapi.json").json()
    known = document["components"]["schemas"]
    found: list[str] = []

    def look(part: Any) -> None:
        if isinstance(part, list):
            for one in part:
                look(one)
        elif isinstance(part, dict):
            found.extend([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            for one in part.values():
                look(one)

    look(document)
    assert found
    assert {ref.removeprefix("#/components/schemas/") for ref in found} <= known.keys()
    batch = document["paths"]["/classify/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(batch["properties"]["items"]["items"]["properties"]) >= {"id", "title", "image_base64"}
    assert "application/x-ndjson" in document["paths"]["/classify/stream"]["post"]["requestBody"]["content"]


def test_settings_from_the_environment() -> None:
    environment = {"MULTIMODAL_BUNDLE": "b", "MULTIMODAL_THREADS": "2", "MULTIMODAL_MAX_BODY": "5", "OTHER": "x"}
    settings = Settings.from_environment({**environment, "MULTIMODAL_MAX_PHOTO": ""})
    assert (settings.bundle, settings.threads, settings.max_body) == ("b", 2, 5)
    assert settings.max_photo == 10_000_000
    assert settings.at_once >= 1
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize("value", ["0", "many", "-1", "1.5"])
def test_settings_that_do_not_fit(value: str) -> None:
    with pytest.raises(ConfigError, match=f"MULTIMODAL_THREADS='{value}'.*Set it to a fitting value"):
        Settings.from_environment({"MULTIMODAL_THREADS": value})


def test_importing_the_api_brings_in_no_training_stack() -> None:
    code = (
        "import sys, multimodal_api.app, multimodal.bench.connection, multimodal.bench.local\n"
        "heavy = {'torch', 'transformers', 'timm', 'lightning', 'pandas', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "multimodal_api.app.create_app()\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

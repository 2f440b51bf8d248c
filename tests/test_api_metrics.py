"""What operations see: /metrics, the log of requests, and drift against the bundle's profile."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api_support import FakePredictor, in_base64, jpeg, logged
from multimodal.artifact import Profile
from multimodal_api.app import create_app
from multimodal_api.logs import JsonFormatter
from multimodal_api.settings import Settings


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def client(predictor: FakePredictor) -> TestClient:
    return TestClient(create_app(Settings(), predictors={"fake": predictor}))


def _figures(client: TestClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """(sample's name, values of its labels in order of their names) -> value."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_requests_answers_and_errors_are_counted(client: TestClient) -> None:
    for title in ("Boots", "Tops", ""):
        client.post("/classify", json={"title": title})
    client.post("/classify", json={"image_base64": in_base64(jpeg())})
    client.post("/classify/batch", json={"items": [{"title": "Boots"}, {}, {"title": "x" * 1001}]})
    client.get("/nowhere/at/all")
    found = _figures(client)
    assert found["multimodal_requests_total", ("/classify", "200")] == 3
    assert found["multimodal_requests_total", ("/classify", "422")] == 1
    assert found["multimodal_requests_total", ("/classify/batch", "200")] == 1
    assert found["multimodal_requests_total", ("other", "404")] == 1
    assert found["multimodal_problems_total", ("no_input", "/classify")] == 1
    assert found["multimodal_problems_total", ("no_input", "/classify/batch")] == 1
    assert found["multimodal_problems_total", ("title_too_long", "/classify/batch")] == 1
    assert found["multimodal_answers_total", ("leaf", "fake", "text")] == 3
    assert found["multimodal_answers_total", ("leaf", "fake", "image")] == 1
    assert found["multimodal_inputs_total", ("title", "fake")] == 3
    assert found["multimodal_inputs_total", ("image", "fake")] == 1
    assert found["multimodal_confidence_count", ("fake",)] == 4
    assert found["multimodal_stage_seconds_count", ("/classify", "predict")] == 3
    assert found["multimodal_request_seconds_count", ("/classify",)] == 4
    assert found["multimodal_queue", ("running",)] == 0


def test_drift_is_told_once_there_are_enough_answers(predictor: FakePredictor, client: TestClient) -> None:
    bins = [0.0] * 10
    bins[9] = 1.0
    predictor.profile = Profile(rows=100, inputs={"title": 1.0}, branches={"2": 1.0}, confidence=tuple(bins))
    boots, shirts = ([{"title": title}] * 100 for title in ("Boots", "Shirts"))
    client.post("/classify/batch", json={"items": boots})
    assert not any(name == "multimodal_drift" for name, _ in _figures(client))
    client.post("/classify/batch", json={"items": boots})
    found = _figures(client)
    assert [found["multimodal_drift", ("fake", of)] for of in ("branches", "confidence", "inputs")] == [0, 0, 0]
    client.post("/classify/batch", json={"items": shirts})
    found = _figures(client)
    assert found["multimodal_drift", ("fake", "branches")] > 0.25
    assert found["multimodal_drift", ("fake", "inputs")] == 0
    photos = [{"title": "Boots", "image_base64": in_base64(jpeg())}] * 100
    client.post("/classify/batch", json={"items": photos})
    assert _figures(client)["multimodal_drift", ("fake", "inputs")] > 0.25


@pytest.fixture
def lines() -> Iterator[list[logging.LogRecord]]:
    with logged("multimodal_api.access") as records:
        yield records


def test_a_request_is_one_line_of_json_without_its_title(client: TestClient, lines: list[logging.LogRecord]) -> None:
    client.post("/classify", json={"title": "secret Boots"}, headers={"X-Request-ID": "r-7"})
    client.post("/classify", json={"title": ""})
    told = [json.loads(JsonFormatter().format(record)) for record in lines]
    assert len(told) == 2
    assert "secret" not in json.dumps(told)
    first, second = told
    assert (first["request_id"], first["path"], first["status"], first["method"]) == ("r-7", "/classify", 200, "POST")
    assert (first["model"], first["used"], first["decision"], first["level"]) == ("fake", "text", "leaf", "info")
    assert first["ms"] >= first["stages"]["predict"] > 0
    assert (second["status"], second["code"]) == (422, "no_input")


def test_titles_are_logged_where_that_is_asked_for(lines: list[logging.LogRecord]) -> None:
    client = TestClient(create_app(Settings(log_inputs=True), predictors={"fake": FakePredictor()}))
    client.post("/classify", json={"title": "plain Boots"})
    assert json.loads(JsonFormatter().format(lines[0]))["title"] == "plain Boots"


@pytest.mark.parametrize(("form", "wanted"), [("json", 1), ("text", 1), ("off", 0)])
def test_the_log_goes_to_standard_error(form: str, wanted: int) -> None:
    code = (
        "from fastapi.testclient import TestClient\n"
        "from api_support import FakePredictor\n"
        "from multimodal_api.app import create_app\n"
        "with TestClient(create_app(predictors={'fake': FakePredictor()})) as client:\n"
        "    client.get('/live')\n"
    )
    folder = str(Path(__file__).parent)
    environment = {**os.environ, "MULTIMODAL_LOG": form, "PYTHONPATH": os.pathsep.join([folder, *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    found = [line for line in done.stderr.splitlines() if "/live" in line]
    assert len(found) == wanted, done.stderr
    if form == "json":
        assert json.loads(found[0])["path"] == "/live"


def test_workers_share_their_figures(tmp_path: Path) -> None:
    """Two processes count, one tells of both."""
    code = (
        "from fastapi.testclient import TestClient\n"
        "from api_support import FakePredictor\n"
        "from multimodal_api.app import create_app\n"
        "client = TestClient(create_app(predictors={'fake': FakePredictor()}))\n"
        "client.post('/classify', json={'title': 'Boots'})\n"
        "print(client.get('/metrics').text)\n"
    )
    folder = str(Path(__file__).parent)
    environment = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([folder, *sys.path]),
    }
    for wanted in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert f'multimodal_requests_total{{path="/classify",status="200"}} {wanted}.0' in done.stdout

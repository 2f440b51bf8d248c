"""``explain`` over HTTP, with the shipped bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import multimodal
from multimodal_api.app import create_app


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    predictor = multimodal.load(Path(__file__).parents[1] / "artifacts" / "fashion", threads=1)
    with TestClient(create_app(predictors={predictor.name: predictor})) as found:
        yield found


def test_explain_is_given_when_asked_for(client: TestClient) -> None:
    question = {"title": "Puma Men Red Polo T-shirt"}
    assert client.post("/classify", json=question).json()["explanation"] is None
    told = client.post("/classify", json={**question, "explain": True}).json()
    assert told["explanation"][0]["text"] == "T-shirt"
    assert told["explanation"][0]["effect"] > 1
    parts = {name: (None, value) for name, value in {**question, "explain": "true"}.items()}
    form = client.post("/classify", files=parts).json()
    assert form["explanation"] == told["explanation"]


def test_a_photo_is_explained_by_where_its_answer_comes_from(client: TestClient) -> None:
    photo = (Path(__file__).parents[1] / "docs" / "dress.jpg").read_bytes()
    plain = client.post("/classify", files={"image": photo}).json()
    assert plain["heat_map"] is None
    told = client.post("/classify", files={"image": photo}, data={"explain": "true"}).json()
    heat = told["heat_map"]
    assert heat["category_id"] == told["category"]["id"]
    assert {len(row) for row in heat["effects"]} == {6}
    assert len(heat["effects"]) == 8
    assert told["explanation"] == []

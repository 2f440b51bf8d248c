"""POST /feedback and GET /review on a service that keeps its answers."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api_support import FakePredictor, check_problem, in_base64, jpeg
from multimodal.cli.main import main
from multimodal_api.app import create_app
from multimodal_api.recorder import Recorder
from multimodal_api.settings import Settings


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    settings = Settings(database=f"sqlite:///{tmp_path}/kept.db", keep_photos=str(tmp_path / "photos"))
    return create_app(settings, predictors={"fake": FakePredictor()})


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def _say(client: TestClient, request_id: str, category_id: str, **more: object) -> dict[str, str]:
    response = client.post("/feedback", json={"request_id": request_id, "category_id": category_id, **more})
    assert response.status_code == 200, response.text
    told: dict[str, str] = response.json()
    return told


def test_what_is_said_right_after_an_answer_is_kept(client: TestClient) -> None:
    asked = client.post("/classify", json={"title": "Boots"})
    name = asked.headers["x-request-id"]
    assert _say(client, name, "200") == {"request_id": name, "verdict": "accepted", "category_id": "200"}
    assert _say(client, name, "101", tags={"floral": True})["verdict"] == "corrected"
    batch = client.post("/classify/batch", json={"items": [{"title": "Tops"}, {}, {"title": "Shirts"}]})
    name = batch.headers["x-request-id"]
    assert _say(client, f"{name}/2", "100")["verdict"] == "accepted"
    check_problem(client.post("/feedback", json={"request_id": f"{name}/1", "category_id": "100"}),
                  404, "unknown_request", "expected the X-Request-ID")  # fmt: skip
    text = client.get("/metrics").text
    assert 'multimodal_feedback_total{branch="2",model="fake",verdict="accepted"} 1.0' in text
    assert 'multimodal_feedback_total{branch="2",model="fake",verdict="corrected"} 1.0' in text


@pytest.mark.parametrize(
    ("body", "status", "code", "mention"),
    [
        ({"request_id": "r", "category_id": "999"}, 422, "unknown_category", "expected a category of fake's tree"),
        ({"request_id": "none", "category_id": "200"}, 404, "unknown_request", "got 'none'"),
        ({"request_id": "r"}, 422, "invalid_field", "category_id"),
        ({"request_id": "", "category_id": "200"}, 422, "invalid_field", "request_id"),
        ({"request_id": "r", "category_id": "200", "tags": {"floral": "maybe"}}, 422, "invalid_field", "tags"),
        ({"request_id": "r", "category": "200", "category_id": "200"}, 422, "unknown_field", "category_id"),
        ([1], 422, "invalid_body", "expected an object"),
    ],
)
def test_feedback_that_does_not_fit(client: TestClient, body: object, status: int, code: str, mention: str) -> None:
    client.post("/classify", json={"title": "Boots"}, headers={"X-Request-ID": "r"})
    check_problem(client.post("/feedback", json=body), status, code, mention)


def test_without_a_database_nothing_is_kept() -> None:
    with TestClient(create_app(Settings(), predictors={"fake": FakePredictor()})) as client:
        said = client.post("/feedback", json={"request_id": "r", "category_id": "200"})
        check_problem(said, 503, "no_database", "MULTIMODAL_DATABASE")
        check_problem(client.get("/review"), 503, "no_database")


def test_a_database_that_cannot_be_opened_keeps_the_service_from_starting(tmp_path: Path) -> None:
    settings = Settings(bundle="artifacts/fashion", database="sqlite:////no/such/folder/kept.db")
    with TestClient(create_app(settings)) as client:
        while (response := client.get("/ready")).json()["code"] == "not_ready":
            pass
        check_problem(response, 503, "load_failed", "/no/such/folder", "unable to open")


def test_the_queue_lists_what_nobody_looked_at(client: TestClient) -> None:
    for name, title in (("a", "Boots"), ("b", "Tops"), ("c", "Tops")):
        client.post("/classify", json={"title": title}, headers={"X-Request-ID": name})
    client.post("/classify", json={"title": "Shirts", "image_base64": in_base64(jpeg())}, headers={"X-Request-ID": "d"})
    items = client.get("/review").json()["items"]
    assert [(one["request_id"], one["times"], one["conflict"]) for one in items] == [
        ("d", 1, True), ("c", 2, False), ("a", 1, False),
    ]  # fmt: skip
    assert items[0]["suggestions"] == ["100", "101"]
    _say(client, "d", "100")
    assert [one["request_id"] for one in client.get("/review?limit=1").json()["items"]] == ["c"]
    check_problem(client.get("/review?limit=0"), 422, "invalid_field", "limit")


def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[object, str]:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "argv", ["multimodal", "feedback", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    return end.value.code, captured.out + captured.err


def test_the_shell_exports_counts_and_lists(
    app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = jpeg()
    url = f"sqlite:///{tmp_path}/kept.db"
    assert _run(monkeypatch, capsys, "export", tmp_path / "said.parquet", "--database", url)[0] == 2
    with TestClient(app) as client:
        for name, title in (("a", "Boots"), ("b", "Tops"), ("c", "Shirts")):
            asked = {"title": title, "image_base64": in_base64(photo)}
            client.post("/classify", json=asked, headers={"X-Request-ID": name})
        _say(client, "a", "200")
        _say(client, "b", "100", tags={"floral": True})
    code, told = _run(monkeypatch, capsys, "export", tmp_path / "said.parquet", "--database", url)
    assert (code, "2 products" in told) == (0, True)
    rows = pq.read_table(tmp_path / "said.parquet").to_pylist()
    assert [(row["id"], row["title"], row["category_id"], row["floral"]) for row in rows] == [
        ("a", "Boots", "200", None), ("b", "Tops", "100", 1),
    ]  # fmt: skip
    assert Path(rows[0]["image"]).read_bytes() == photo
    code, told = _run(monkeypatch, capsys, "export", tmp_path / "said.csv", "--database", url)
    lines = (tmp_path / "said.csv").read_text(encoding="utf-8").splitlines()
    assert (code, lines[0]) == (0, "id,title,description,characteristics,category_id,image,group,floral")
    assert (lines[1].endswith(","), lines[2].endswith(",1")) == (True, True)
    code, told = _run(monkeypatch, capsys, "stats", "--database", url, "--json")
    assert json.loads(told)["branches"] == [
        {"model": "fake", "branch_id": "1", "accepted": 0, "corrected": 1},
        {"model": "fake", "branch_id": "2", "accepted": 1, "corrected": 0},
    ]
    assert "100.0 %" in _run(monkeypatch, capsys, "stats", "--database", url)[1]
    assert "Shirts" in _run(monkeypatch, capsys, "queue", "--database", url)[1]
    code, told = _run(monkeypatch, capsys, "queue", "--database", url, "--json")
    assert [one["request_id"] for one in json.loads(told)["items"]] == ["c"]


def test_what_is_asked_while_somebody_types_waits_for_nobodys_look(client: TestClient) -> None:
    client.post("/classify", json={"title": "Boo"}, headers={"X-Request-ID": "a", "X-Draft": "1"})
    client.post("/classify", json={"title": "Boots"}, headers={"X-Request-ID": "b"})
    assert [one["request_id"] for one in client.get("/review").json()["items"]] == ["b"]
    assert _say(client, "a", "200")["request_id"] == "a"


def test_a_request_id_of_several_products_is_refused(client: TestClient) -> None:
    for title in ("Boots", "Tops"):
        client.post("/classify", json={"title": title}, headers={"X-Request-ID": "trace"})
    said = client.post("/feedback", json={"request_id": "trace", "category_id": "101"})
    check_problem(said, 409, "ambiguous_request", "several products were asked about with")


def test_photos_that_wait_for_the_database_are_bounded(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, photo = app.state.service.recorder, in_base64(jpeg())
    hold, insert = threading.Event(), Recorder._insert
    monkeypatch.setattr("multimodal_api.recorder._PHOTO_BYTES", 2 * len(jpeg()))
    monkeypatch.setattr(Recorder, "_insert", lambda self, given: (hold.wait(30), insert(self, given)))
    for name in "abc":
        assert client.post("/classify", json={"image_base64": photo}, headers={"X-Request-ID": name}).status_code == 200
    client.post("/classify", json={"title": "Boots"}, headers={"X-Request-ID": "d"})
    assert recorder.lost == 1
    hold.set()
    recorder.flush()
    client.post("/classify", json={"image_base64": photo}, headers={"X-Request-ID": "e"})
    recorder.flush()
    assert recorder.lost == 1
    for name in "abde":
        assert _say(client, name, "200")["request_id"] == name
    check_problem(client.post("/feedback", json={"request_id": "c", "category_id": "200"}), 404, "unknown_request", "c")


def test_a_database_that_fails_is_a_503_with_a_time(client: TestClient, app: FastAPI) -> None:
    client.post("/classify", json={"title": "Boots"}, headers={"X-Request-ID": "a"})
    recorder = app.state.service.recorder
    recorder.flush()
    with recorder.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE answers")
    said = client.post("/feedback", json={"request_id": "a", "category_id": "200"})
    check_problem(said, 503, "store_failed", "Retry-After")
    assert int(said.headers["retry-after"]) >= 1
    assert client.post("/classify", json={"title": "Boots"}).status_code == 200


def test_an_export_of_another_suffix_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/kept.db"
    code, told = _run(monkeypatch, capsys, "export", tmp_path / "said.xyz", "--database", url)
    assert (code, "got the suffix '.xyz', expected one of .parquet, .csv, .jsonl" in told) == (2, True)
    assert list(tmp_path.iterdir()) == []

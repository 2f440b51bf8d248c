"""Hostile files to a service of its own process: errors that help, neighbours unharmed, memory bounded, still there."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from api_support import BUNDLE
from hostile import ANSWERED, REFUSED, corpus
from multimodal.bench.connection import Connection, encode_form
from multimodal.bench.local import LocalService, local_service

pytestmark = pytest.mark.skipif(
    not (BUNDLE / "manifest.json").exists(), reason="artifacts/fashion is not in this checkout"
)
CORPUS = corpus()
TITLE = "Women red floral dress"
JSON = {"Content-Type": "application/json"}
_MOST_MB = 350
"""What decoding may add at its worst: two photos of the most pixels at once, three bytes each, and as much again."""


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with local_service(str(BUNDLE), environment={"MULTIMODAL_LOG": "off", "MULTIMODAL_THREADS": "1"}) as made:
        yield made


@pytest.fixture
def client(service: LocalService) -> Iterator[Connection]:
    with service.client() as made:
        yield made


def _fits(status: int, body: dict[str, Any], fate: str) -> None:
    """An answer by the photo, or a refusal that says what came and what to do."""
    if fate == ANSWERED:
        assert status == 200, body
        return
    assert 400 <= status < 500, body
    assert body["code"].startswith("image_"), body
    assert "expected" in body["detail"] or ";" in body["detail"], body


@pytest.mark.parametrize("name", CORPUS)
def test_alone_in_a_form_and_in_json(client: Connection, name: str) -> None:
    data, fate = CORPUS[name]
    content, kind = encode_form({}, data)
    form = client.send("POST", "/classify", content, {"Content-Type": kind})
    _fits(form.status, form.body, fate)
    asked = json.dumps({"image_base64": base64.b64encode(data).decode()}).encode()
    _fits((told := client.send("POST", "/classify", asked, JSON)).status, told.body, fate)


@pytest.mark.parametrize("name", CORPUS)
def test_beside_a_title_the_title_answers(client: Connection, name: str) -> None:
    data, fate = CORPUS[name]
    reply = client.classify({"title": TITLE}, data)
    assert reply.status == 200, reply.body
    assert reply.body["modality"]["used"] == ("fused" if fate == ANSWERED else "text")
    assert bool([w for w in reply.body["warnings"] if "photo:" in w or "expected" in w]) == (fate == REFUSED)


def test_in_a_batch_each_spoils_its_own_place_alone(client: Connection) -> None:
    items = _items()
    reply = client.send("POST", "/classify/batch", json.dumps({"items": items}).encode(), JSON)
    assert reply.status == 200, reply.body
    _check_each(items, reply.body["answers"])


def test_in_a_stream_as_well(service: LocalService) -> None:
    items = _items()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
    lines = b"".join(json.dumps(item).encode() + b"\n" for item in items)
    connection.request("POST", "/classify/stream", lines, {"Content-Type": "application/x-ndjson"})
    answers = [json.loads(line) for line in connection.getresponse().read().splitlines()]
    connection.close()
    _check_each(items, answers)


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


def _items() -> list[dict[str, Any]]:
    """Each file by itself, and after it a product with nothing wrong."""
    items: list[dict[str, Any]] = []
    for name, (data, _) in CORPUS.items():
        items.append({"id": name, "image_base64": base64.b64encode(data).decode()})
        items.append({"id": f"after {name}", "title": TITLE})
    return items


def _check_each(items: list[dict[str, Any]], answers: list[dict[str, Any]]) -> None:
    assert [answer["id"] for answer in answers] == [item["id"] for item in items]
    for answer in answers:
        if answer["id"].startswith("after "):
            assert answer["status"] == 200, answer
            continue
        _fits(answer["status"], answer["error"] or {}, CORPUS[answer["id"]][1])


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_stays_bounded_and_the_service_answers_on() -> None:
    environment = {"MULTIMODAL_LOG": "off", "MULTIMODAL_THREADS": "1", "MULTIMODAL_CONCURRENCY": "2"}
    with local_service(str(BUNDLE), environment=environment) as service, service.client() as client:
        client.classify({"title": TITLE})
        before = _peak_mb(service.pid)

        def send(_: int) -> int:
            with service.client() as own:
                return len([own.classify({}, data) for data, _ in CORPUS.values()])

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(send, range(2))) == [len(CORPUS)] * 2
        assert _peak_mb(service.pid) < before + _MOST_MB
        usual = client.classify({"title": TITLE})
    assert usual.status == 200
    assert usual.body["category"]["path"][-1]["name"] == "Dresses"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_headers_without_end_are_not_kept(service: LocalService, client: Connection) -> None:
    before = _peak_mb(service.pid)
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as raw:
        raw.sendall(b"POST /classify HTTP/1.1\r\nHost: x\r\nX-Big: ")
        sent, refused = 0, False
        while sent < 50_000_000 and not refused:
            try:
                raw.sendall(b"a" * 100_000)
                sent += 100_000
            except OSError:
                refused = True
    assert refused, "50 MB of one header were taken"
    assert _peak_mb(service.pid) < before + 20
    assert client.classify({"title": TITLE}).status == 200

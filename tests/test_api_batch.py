"""POST /classify/batch and /classify/stream: as many answers as products, in order, each by itself."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api_support import FakePredictor, check_problem, in_base64, jpeg, running
from multimodal_api.app import create_app
from multimodal_api.items import PIECE
from multimodal_api.problems import ProblemError
from multimodal_api.settings import Settings
from multimodal_api.stream import read_lines

LINES = {"content-type": "application/x-ndjson"}
LEAVES = [("Shirts", "100"), ("Tops", "101"), ("Boots", "200"), ("Sandals", "201")]
BAD: list[tuple[Any, int, str]] = [
    ({"title": ""}, 422, "no_input"),
    ({"title": "x" * 1001}, 422, "title_too_long"),
    ({"title": 5}, 422, "invalid_field"),
    ({"titel": "Boots"}, 422, "unknown_field"),
    ({"title": "Boots", "top_k": 3}, 422, "unknown_field"),
    ({"image_base64": "%%%"}, 422, "invalid_base64"),
    ({"image_base64": in_base64(b"no photo")}, 422, "image_unreadable"),
    ({"image_base64": in_base64(b"x" * 40_001)}, 413, "image_too_large_bytes"),
    ("Boots", 422, "invalid_body"),
    (None, 422, "invalid_body"),
    ([], 422, "invalid_body"),
]


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def client(predictor: FakePredictor) -> TestClient:
    settings = Settings(max_photo=40_000, max_batch=60, concurrency=2)
    return TestClient(create_app(settings, predictors={"fake": predictor}))


def _mixed() -> tuple[list[Any], list[tuple[int, str]]]:
    """Good and bad products in turn, and what is to come of each: a status and a category or a code."""
    items: list[Any] = []
    wanted: list[tuple[int, str]] = []
    for number in range(45):
        if number % 4 == 3:
            item, status, code = BAD[number // 4 % len(BAD)]
            items.append({"id": number, **item} if isinstance(item, dict) else item)
            wanted.append((status, code))
        else:
            title, leaf = LEAVES[number % len(LEAVES)]
            items.append({"id": number, "title": f"{title} {number}"})
            wanted.append((200, leaf))
    return items, wanted


def _check(answers: list[dict[str, Any]], items: list[Any], wanted: list[tuple[int, str]]) -> None:
    assert [one["index"] for one in answers] == list(range(len(items)))
    for one, item, (status, what) in zip(answers, items, wanted, strict=True):
        assert one["status"] == status
        assert one["id"] == (item.get("id") if isinstance(item, dict) else None)
        if status == 200:
            assert one["error"] is None
            assert one["answer"]["category"]["id"] == what
        else:
            assert one["answer"] is None
            assert one["error"]["code"] == what
            assert one["error"]["detail"]
            assert one["error"]["status"] == status


def test_every_item_has_its_own_answer_or_error(client: TestClient, predictor: FakePredictor) -> None:
    items, wanted = _mixed()
    response = client.post("/classify/batch", json={"items": items, "top_k": 3})
    assert response.status_code == 200
    body = response.json()
    _check(body["answers"], items, wanted)
    assert body["failed"] == sum(status != 200 for status, _ in wanted)
    assert all(len(one["answer"]["suggestions"]) == 3 for one in body["answers"] if one["answer"])
    assert max(len(asked["products"]) for asked in predictor.asked) <= PIECE
    assert set(response.headers) >= {"x-request-id", "server-timing"}


def test_a_batch_answers_as_single_questions_do(client: TestClient) -> None:
    asked = {"title": "Women boots", "image_base64": in_base64(jpeg())}
    alone = client.post("/classify", json={**asked, "top_k": 4}).json()
    [item] = client.post("/classify/batch", json={"items": [asked], "top_k": 4}).json()["answers"]
    assert item == {"id": None, "index": 0, "status": 200, "answer": alone, "error": None}


@pytest.mark.parametrize(
    ("body", "status", "code", "mentions"),
    [
        ({}, 422, "invalid_field", ["items: got nothing", "1 to 60"]),
        ({"items": []}, 422, "invalid_field", ["items: got nothing"]),
        ({"items": {"title": "Boots"}}, 422, "invalid_field", ["items: got a JSON dict"]),
        ({"items": [{"title": "Boots"}] * 61}, 413, "too_many_items", ["got 61", "60 at most", "/classify/stream"]),
        ({"items": [{"title": "Boots"}], "topk": 2}, 422, "unknown_field", ["Known fields", "top_k", "items"]),
        ({"items": [{"title": "Boots"}], "accuracy": 0.97}, 422, "invalid_field", ["accuracy"]),
        ({"items": [{"title": "Boots"}], "model": "other"}, 404, "unknown_model", ["fake"]),
        ([], 422, "invalid_body", ["got a JSON list"]),
    ],
)
def test_a_batch_that_is_wrong_as_a_whole(
    client: TestClient, body: object, status: int, code: str, mentions: list[str]
) -> None:
    told = check_problem(client.post("/classify/batch", json=body), status, code)["detail"]
    for mention in mentions:
        assert mention.lower() in told.lower()


def test_a_batch_is_json_within_its_cap() -> None:
    with TestClient(create_app(Settings(max_batch_body=1000), predictors={"fake": FakePredictor()})) as client:
        sent = client.post("/classify/batch", data={"title": "Boots"})
        check_problem(sent, 415, "unsupported_media_type", "expected application/json")
        check_problem(client.post("/classify/batch", content=b"{", headers={"content-type": "application/json"}),
                      400, "malformed_json")  # fmt: skip
        large = {"items": [{"title": "x" * 1000}]}
        check_problem(client.post("/classify/batch", json=large), 413, "body_too_large", "MULTIMODAL_MAX_BATCH_BODY")
        assert client.post("/classify", json={"title": "x" * 900 + " boots"}).status_code == 200


def test_pieces_that_are_late_are_errors_of_their_items_alone() -> None:
    app = create_app(Settings(batch_deadline=0.5, concurrency=1), predictors={"fake": FakePredictor(delay=0.3)})
    items = [{"id": number, "title": "Boots"} for number in range(PIECE * 3)]
    with TestClient(app) as client:
        body = client.post("/classify/batch", json={"items": items}).json()
    statuses = [one["status"] for one in body["answers"]]
    assert [one["id"] for one in body["answers"]] == list(range(len(items)))
    assert statuses[:PIECE] == [200] * PIECE
    assert statuses[-PIECE:] == [503] * PIECE
    assert body["answers"][-1]["error"]["code"] == "deadline_exceeded"
    assert body["failed"] == statuses.count(503)


# --- lines


def test_lines_in_lines_out(client: TestClient) -> None:
    items, wanted = _mixed()
    text = "\n\n".join(json.dumps(item) for item in items)
    response = client.post("/classify/stream?top_k=1", content=text.encode(), headers=LINES)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/x-ndjson")
    answers = [json.loads(line) for line in response.text.splitlines()]
    _check(answers, items, wanted)
    assert all(len(one["answer"]["suggestions"]) == 1 for one in answers if one["answer"])


def test_a_line_that_is_not_json_costs_itself_alone(client: TestClient) -> None:
    lines = [b'{"title": "Boots"}', b"{", b"\xff\xfe", b'{"title": NaN}', b'{"title": "Tops"}']
    response = client.post("/classify/stream", content=b"\r\n".join(lines), headers=LINES)
    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [one["status"] for one in answers] == [200, 400, 400, 400, 200]
    assert [one["error"]["code"] for one in answers[1:4]] == ["malformed_json"] * 3
    assert [answers[i]["answer"]["category"]["id"] for i in (0, 4)] == ["200", "101"]


@pytest.mark.parametrize(
    ("query", "kind", "status", "code"),
    [
        ("top_k=0", LINES["content-type"], 422, "invalid_field"),
        ("topk=1", LINES["content-type"], 422, "unknown_field"),
        ("model=other", LINES["content-type"], 404, "unknown_model"),
        ("accuracy=2", LINES["content-type"], 422, "invalid_field"),
        ("", "application/json", 415, "unsupported_media_type"),
    ],
)
def test_a_stream_that_is_wrong_as_a_whole(client: TestClient, query: str, kind: str, status: int, code: str) -> None:
    response = client.post(f"/classify/stream?{query}", content=b'{"title": "Boots"}', headers={"content-type": kind})
    check_problem(response, status, code)


def test_an_option_of_a_stream_that_is_mistyped_is_told_with_the_nearest(client: TestClient) -> None:
    response = client.post("/classify/stream?topk=9", content=b'{"title": "Boots"}', headers=LINES)
    problem = check_problem(response, 422, "unknown_field", "Did you mean 'top_k'?")
    assert "Known fields: top_k, min_confidence" in problem["detail"]


def test_answers_come_while_lines_are_still_sent() -> None:
    """More than buffers on the way could hold, sent only as answers are read."""
    app = create_app(Settings(concurrency=2), predictors={"fake": FakePredictor()})
    seen = 0

    def lines() -> Iterator[bytes]:
        for number in range(PIECE * 40):
            yield json.dumps({"id": number, "title": "Boots " + "x" * 900}).encode() + b"\n"

    with (
        running(app) as address,
        httpx2.stream("POST", f"{address}/classify/stream", content=lines(), headers=LINES, timeout=60) as response,
    ):
        for line in response.iter_lines():
            assert json.loads(line)["id"] == seen
            seen += 1
    assert seen == PIECE * 40


def _split(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b""))), st.lists(st.integers(0, 999)))
def test_lines_do_not_depend_on_how_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    async def read(pieces: list[bytes]) -> list[bytes | None]:
        async def chunks() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        return [None if isinstance(one, ProblemError) else one async for one in read_lines(chunks(), 8)]

    body = b"\n".join(lines)
    whole = [None if len(line) > 8 else line.strip() for line in lines if len(line) > 8 or line.strip()]
    assert asyncio.run(read(_split(body, cuts))) == whole

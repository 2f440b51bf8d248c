"""Caps hold while the body is read, and the answer reaches a client that is still sending."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient

from api_support import FakePredictor, check_problem, in_base64, jpeg, running
from multimodal.bench.connection import encode_form
from multimodal_api.app import create_app
from multimodal_api.forms import FormReader
from multimodal_api.settings import Settings

SMALL = Settings(max_body=100_000, max_photo=40_000, max_field=20_000)
KIND = {"content-type": "application/json"}
PHOTO_HEAD = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p"\r\n\r\n'


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(SMALL, predictors={"fake": FakePredictor()}))


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with running(create_app(SMALL, predictors={"fake": FakePredictor()})) as url:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


def test_declared_length_over_the_cap(client: TestClient) -> None:
    response = client.post("/classify", content=b"x" * 100_001, headers=KIND)
    check_problem(response, 413, "body_too_large", "100001", "100000", "MULTIMODAL_MAX_BODY")


@pytest.mark.parametrize(
    ("kind", "head", "chunks", "code"),
    [
        ("application/json", b'{"title": "', 60, "body_too_large"),
        ("multipart/form-data; boundary=b", PHOTO_HEAD, 10, "image_too_large_bytes"),
    ],
)
def test_undeclared_length_over_a_cap(address: tuple[str, int], kind: str, head: bytes, chunks: int, code: str) -> None:
    body = iter([head, *[b"x" * 5_000] * chunks])
    url = f"http://{address[0]}:{address[1]}/classify"
    response = httpx2.post(url, content=body, headers={"content-type": kind})
    check_problem(response, 413, code)


def test_endless_body_is_answered_before_it_ends(address: tuple[str, int]) -> None:
    """Chunks without a length, more than the cap, and no last chunk: only a streamed count can answer."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(
            b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(11):
            connection.sendall(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        body = json.loads(response.read())
    assert (response.status, body["code"]) == (413, "body_too_large")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("size", [200_000, 20_000_000])
def test_client_that_sends_all_before_reading_gets_the_answer(address: tuple[str, int], size: int) -> None:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("POST", "/classify", body=b"x" * size, headers=KIND)
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["code"] == "body_too_large"
    connection.close()


def test_connection_lives_on_after_an_early_refusal(address: tuple[str, int]) -> None:
    """A wrong content type is refused with the body unread; the next request on the connection works."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("POST", "/classify", body=b"x" * 90_000, headers={"Content-Type": "text/plain"})
    response = connection.getresponse()
    assert response.status == 415
    response.read()
    before = connection.sock
    connection.request("POST", "/classify", body=b'{"title": "Tops"}', headers=KIND)
    response = connection.getresponse()
    assert response.status == 200
    response.read()
    assert connection.sock is before
    connection.close()


def test_photo_over_its_cap(client: TestClient) -> None:
    photo = jpeg() + b"\0" * 40_000
    check_problem(client.post("/classify", files={"image": photo}), 413, "image_too_large_bytes", "40000")
    response = client.post("/classify", json={"title": "Tops", "image_base64": in_base64(photo)})
    check_problem(response, 413, "image_too_large_bytes", "40000")


@pytest.mark.parametrize("size", [39_998, 39_999, 40_000])
def test_photo_at_its_cap(client: TestClient, size: int) -> None:
    photo = jpeg()
    photo += b"\0" * (size - len(photo))
    assert client.post("/classify", files={"image": photo}).status_code == 200
    assert client.post("/classify", json={"image_base64": in_base64(photo)}).status_code == 200
    over = photo + b"\0" * (40_001 - size)
    assert client.post("/classify", json={"image_base64": in_base64(over)}).status_code == 413


def test_text_field_over_its_cap_of_bytes(client: TestClient) -> None:
    response = client.post("/classify", files={"title": (None, "x" * 20_001)})
    check_problem(response, 413, "field_too_large", "title", "20000")


def test_default_caps_refuse_a_title_of_over_a_megabyte_as_a_problem() -> None:
    client = TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))
    check_problem(client.post("/classify", files={"title": (None, "x" * 1_100_000)}), 413, "field_too_large")
    check_problem(client.post("/classify", files={"title": (None, "x" * 900_000)}), 422, "title_too_long")
    assert client.post("/classify", json={"image_base64": in_base64(jpeg() + b"\0" * 9_900_000)}).status_code == 200


def test_too_many_fields(client: TestClient) -> None:
    response = client.post("/classify", files={f"f{i}": (None, "x") for i in range(70)})
    check_problem(response, 413, "too_many_fields", "64")


@pytest.mark.parametrize("step", [1, 7, 64, 5000])
def test_form_is_read_alike_however_it_is_cut(step: int) -> None:
    photo = jpeg(20) + b"\r\n--\r\r\n--b" * 20  # full of what looks like a boundary
    body, kind = encode_form({"description": "линия\r\nдругая"}, photo)

    async def chunks() -> AsyncIterator[bytes]:
        for i in range(0, len(body), step):
            yield body[i : i + step]

    reader = FormReader(kind, max_photo=len(photo), max_field=100)
    text, file = asyncio.run(reader.read(chunks()))
    assert (text.name, text.filename, text.data.decode()) == ("description", None, "линия\r\nдругая")
    assert (file.name, file.filename, bytes(file.data)) == ("image", "photo.jpg", photo)

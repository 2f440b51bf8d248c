"""Every error is a problem by RFC 9457, with its status, code and a sentence that helps."""

from __future__ import annotations

import io
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api_support import FakePredictor, check_problem, in_base64, jpeg
from multimodal.types import Product
from multimodal_api.app import create_app
from multimodal_api.settings import Settings

FORM = {"content-type": "multipart/form-data; boundary=b"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))


def part(name: str, value: bytes, extra: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"


def test_unknown_path_and_method(client: TestClient) -> None:
    check_problem(client.get("/nowhere"), 404, "not_found", "/nowhere", "/docs")
    check_problem(client.post("/classify/", json={}), 404, "not_found")
    response = client.get("/classify")
    check_problem(response, 405, "method_not_allowed", "GET")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_other_content_types(client: TestClient, kind: str) -> None:
    response = client.post("/classify", content=b"title=Tops", headers={"content-type": kind})
    check_problem(response, 415, "unsupported_media_type", "multipart/form-data", "application/json", repr(kind))


def test_compressed_body(client: TestClient) -> None:
    response = client.post("/classify", content=b"x", headers={**JSON, "content-encoding": "gzip"})
    check_problem(response, 415, "unsupported_content_encoding", "gzip")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"title": NaN}',
        b'{"min_confidence": Infinity}',
        b"[" * 100_000,
        b'{"title": "\\ud800"}',
    ],
)
def test_broken_json(client: TestClient, body: bytes) -> None:
    check_problem(client.post("/classify", content=body, headers=JSON), 400, "malformed_json", "not JSON")


@pytest.mark.parametrize("body", [b"[]", b'"Tops"', b"null", b"3"])
def test_json_that_is_no_object(client: TestClient, body: bytes) -> None:
    check_problem(client.post("/classify", content=body, headers=JSON), 422, "invalid_body", "expected an object")


@pytest.mark.parametrize(
    ("field", "value", "mention"),
    [
        ("title", 5, "valid string"),
        ("description", ["a"], "valid string"),
        ("image_base64", 1, "valid string"),
        ("characteristics", 3.5, "characteristics"),
        ("top_k", 0, "greater than or equal to 1"),
        ("top_k", 11, "less than or equal to 10"),
        ("top_k", "many", "got 'many'"),
        ("top_k", 2.5, "got 2.5"),
        ("min_confidence", 1.01, "less than or equal to 1"),
        ("min_confidence", -0.1, "greater than or equal to 0"),
        ("accuracy", 0.97, "expected one of 0.9, 0.95, 0.99"),
        ("accuracy", "high", "got 'high'"),
        ("accuracy", True, "accuracy"),
        ("decoding", "best", "argmax"),
        ("explain", "perhaps", "boolean"),
        ("model", 4, "valid string"),
    ],
)
def test_values_that_do_not_fit(client: TestClient, field: str, value: Any, mention: str) -> None:
    body = check_problem(client.post("/classify", json={"title": "Tops", field: value}), 422, "invalid_field", mention)
    assert [error["field"] for error in body["errors"]] == [field]


def test_a_promise_or_a_probability_not_both(client: TestClient) -> None:
    body = {"title": "Tops", "accuracy": 0.9, "min_confidence": 0.5}
    check_problem(client.post("/classify", json=body), 422, "invalid_field", "expected one")


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "x"])
def test_numbers_of_a_form_that_are_none(client: TestClient, value: str) -> None:
    files = {"title": (None, "Tops"), "min_confidence": (None, value)}
    check_problem(client.post("/classify", files=files), 422, "invalid_field", "min_confidence")


def test_json_number_too_large_for_a_float(client: TestClient) -> None:
    response = client.post("/classify", content=b'{"title": "Tops", "min_confidence": 1e999}', headers=JSON)
    check_problem(response, 422, "invalid_field", "min_confidence", "inf")


def test_wrong_field_name_is_named_with_the_nearest(client: TestClient) -> None:
    body = check_problem(
        client.post("/classify", json={"titel": "Tops"}), 422, "unknown_field", "'titel'", "Did you mean 'title'"
    )
    assert body["errors"][0]["field"] == "titel"
    check_problem(client.post("/classify", json={"image": "x"}), 422, "unknown_field", "'image_base64'")
    form = client.post("/classify", files={"picture": (None, "x"), "title": (None, "Tops")})
    check_problem(form, 422, "unknown_field", "'picture'", "image")


@pytest.mark.parametrize("fields", [{}, {"title": ""}, {"title": " \n", "description": None}, {"characteristics": {}}])
def test_nothing_in_json(client: TestClient, fields: dict[str, object]) -> None:
    response = client.post("/classify", json=fields)
    check_problem(response, 422, "no_input", "title", "description", "characteristics", "image_base64")


def test_nothing_in_a_form(client: TestClient) -> None:
    response = client.post("/classify", content=b"--b--\r\n", headers=FORM)
    check_problem(response, 422, "no_input", "title", "description", "characteristics", "image")
    check_problem(client.post("/classify", files={"top_k": (None, "3")}), 422, "no_input")


@pytest.mark.parametrize(
    ("body", "kind", "mention"),
    [
        (b"", "multipart/form-data; boundary=b", "closing boundary"),
        (part("title", b"Tops"), "multipart/form-data; boundary=b", "closing boundary"),
        (b"hello", "multipart/form-data; boundary=b", "boundary"),
        (part("title", b"Tops") + b"--b--", "multipart/form-data", "names no boundary"),
        (part("title", b"Tops") + b"--b--", f"multipart/form-data; boundary={'x' * 500}", "exceeds"),
        (b"--b\r\nX-Other: y\r\n\r\nTops\r\n--b--\r\n", "multipart/form-data; boundary=b", "no name"),
    ],
)
def test_broken_forms(client: TestClient, body: bytes, kind: str, mention: str) -> None:
    response = client.post("/classify", content=body, headers={"content-type": kind})
    check_problem(response, 400, "malformed_form", mention)


@pytest.mark.parametrize(
    ("parts", "code", "mention"),
    [
        ([part("title", b"Tops"), part("title", b"Boots")], "repeated_field", "title"),
        ([part("image", b"abc")], "invalid_field", "expected a file"),
        ([part("title", b"Tops", '; filename="t.txt"')], "invalid_field", "expected text"),
        ([part("title", b"\xc3\x28")], "invalid_field", "UTF-8"),
    ],
)
def test_form_fields_that_do_not_fit(client: TestClient, parts: list[bytes], code: str, mention: str) -> None:
    response = client.post("/classify", content=b"".join(parts) + b"--b--\r\n", headers=FORM)
    check_problem(response, 422, code, mention)


@pytest.mark.parametrize("text", ["not base64!", "abc", "Ж" * 8, "data:image/png;base64,%%%%", "data:,abc"])
def test_base64_that_is_none(client: TestClient, text: str) -> None:
    check_problem(client.post("/classify", json={"image_base64": text}), 422, "invalid_base64", "data: URL")


def test_unknown_model(client: TestClient) -> None:
    body = check_problem(client.post("/classify", json={"title": "a", "model": "fke"}), 404, "unknown_model", "'fake'")
    assert body["known_models"] == ["fake"]
    check_problem(client.get("/categories?model=x"), 404, "unknown_model")


def test_rows_the_predictor_refuses(client: TestClient) -> None:
    too_long = client.post("/classify", json={"title": "a" * 1001})
    assert check_problem(too_long, 422, "title_too_long", "1,001", "1,000")["stage"] == "text"
    check_problem(client.post("/classify", json={"description": "a" * 20_001}), 422, "description_too_long")
    check_problem(client.post("/classify", json={"title": "👗👗"}), 422, "nothing_usable")
    broken = client.post("/classify", files={"image": ("p.jpg", jpeg()[:100])})
    assert check_problem(broken, 422, broken.json()["code"], "p.jpg")["code"].startswith("image_")
    check_problem(client.post("/classify", files={"image": ("p.jpg", b"")}), 422, "image_empty")


def test_photo_of_too_many_pixels(client: TestClient) -> None:
    out = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(out, "PNG")
    response = client.post("/classify", json={"image_base64": in_base64(out.getvalue())})
    check_problem(response, 413, "image_too_many_pixels")


def test_unexpected_failure_tells_nothing_but_its_id(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakePredictor):
        def _one(self, row: int, product: Product, top_k: int) -> Any:
            raise RuntimeError("secret")

    client = TestClient(create_app(Settings(), predictors={"fake": Broken()}))
    response = client.post("/classify", json={"title": "a"}, headers={"X-Request-ID": "r-1"})
    body = check_problem(response, 500, "internal_error", "r-1")
    assert "secret" not in response.text
    assert body["request_id"] == "r-1"
    assert "server-timing" in response.headers
    assert "r-1" in caplog.text
    assert "secret" in caplog.text

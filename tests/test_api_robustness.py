"""Whatever is sent: never a 5xx, every error a problem, every 200 in the documented shape."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

import photos
from api_support import BUNDLE, FakePredictor, check_problem, in_base64
from multimodal.serving import Predictor
from multimodal.serving.core import STRANGER
from multimodal.text.fields import LONG_TEXT_CAP, TITLE_CAP
from multimodal.types import INPUTS
from multimodal_api.app import create_app
from multimodal_api.asked import ClassifyRequest
from multimodal_api.schemas import ClassifyResponse
from multimodal_api.settings import Settings

pytestmark = [
    pytest.mark.skipif(not (BUNDLE / "manifest.json").exists(), reason="artifacts/fashion is not in this checkout"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # Pillow warns of damaged metadata
]

JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=b"}
TITLE = "Women red floral dress"
DAMAGED = {"image_truncated", "image_unreadable"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """The service over the shipped bundle; what nobody foresaw comes as a 500, as from a real server."""
    app = create_app(Settings(), predictors={"fashion": Predictor(BUNDLE, threads=1)})
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def _checked(response: httpx2.Response) -> dict[str, Any]:
    """The body of any answer the API may give."""
    body: dict[str, Any] = response.json()
    assert response.status_code < 500, body
    if response.status_code != 200:
        return check_problem(response, response.status_code, body["code"])
    assert response.headers["content-type"] == "application/json"
    assert ClassifyResponse.model_validate(body, strict=True).model_dump() == body
    assert list(body) == list(ClassifyResponse.model_fields)
    for category in [body["category"], *body["suggestions"]]:
        assert category is None or category["path"][-1]["id"] == category["id"]
    chances = [suggestion["probability"] for suggestion in body["suggestions"]]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)
    assert set(body["modality"]["missing"]) <= set(INPUTS)
    assert (body["decision"] == "abstain") == (body["category"] is None)
    return body


def _send(client: TestClient, photo: bytes, title: str | None = None, name: str = "photo.jpg") -> httpx2.Response:
    files: dict[str, Any] = {"image": (name, photo)}
    if title is not None:
        files["title"] = (None, title)
    return client.post("/classify", files=files)


# --- photos


@pytest.mark.parametrize("mode", photos.MODES)
def test_photos_of_every_mode(client: TestClient, mode: str) -> None:
    answer = _checked(_send(client, photos.in_mode(mode)[0]))
    assert answer["modality"]["used"] == "image"
    assert set(answer["warnings"]) <= {STRANGER}  # these are no photos of products


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_answer_as_their_first_frame(client: TestClient, kind: str) -> None:
    assert _checked(_send(client, photos.animated(kind)))["modality"]["used"] == "image"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photos(client: TestClient, orientation: int) -> None:
    assert _checked(_send(client, photos.with_exif(orientation)))["modality"]["used"] == "image"


def test_the_content_decides_not_the_name(client: TestClient) -> None:
    data = photos.encoded(kind="PNG")
    named = [_checked(_send(client, data, name=name)) for name in ("a.png", "a.jpg", "a.txt", "a", "ф.gif", "../x")]
    assert all(answer == named[0] for answer in named)


BAD_PHOTOS = {
    "truncated": (photos.encoded(photos.noise())[:3000], 422, DAMAGED),
    "truncated png": (photos.encoded(photos.noise(), "PNG")[:3000], 422, DAMAGED),
    "empty": (b"", 422, {"image_empty"}),
    "text": (b"this is no photo", 422, {"image_unreadable"}),
    "html": (b"<!doctype html><title>404</title>", 422, {"image_unreadable"}),
    "zip": (b"PK\3\4" + b"\0" * 200, 422, {"image_unreadable"}),
    "no pixels": (photos.png_with_size(0, 9), 422, {"image_truncated"}),
    "huge": (photos.png_with_size(10_000, 6_000), 413, {"image_too_many_pixels"}),
    "a bomb": (photos.png_with_size(60_000, 60_000), 413, {"image_too_many_pixels"}),
    "over the bytes": (photos.encoded() + b"\0" * 10_000_000, 413, {"image_too_large_bytes"}),
}


@pytest.mark.parametrize("name", BAD_PHOTOS)
def test_bad_photo_alone_is_refused_and_beside_a_title_is_a_warning(client: TestClient, name: str) -> None:
    data, status, codes = BAD_PHOTOS[name]
    for response in (_send(client, data), client.post("/classify", json={"image_base64": in_base64(data)})):
        if name == "empty" and response.request.headers["content-type"] == "application/json":
            codes = {"no_input"}  # empty base64 is no photo at all
        body = _checked(response)
        assert (response.status_code, body["code"] in codes) == (status, True), body
    beside = _send(client, data, TITLE)
    if name == "over the bytes":  # the reading stops at the cap, before anything is known of the rest
        check_problem(beside, 413, "image_too_large_bytes")
    else:
        answer = _checked(beside)
        assert answer["modality"]["used"] == "text"
        assert "image" in answer["modality"]["missing"]
        assert any("photo" in warning for warning in answer["warnings"])


@settings(max_examples=60)
@given(
    data=st.binary(max_size=400),
    start=st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"RIFF"]),
)
def test_random_bytes_for_a_photo(client: TestClient, data: bytes, start: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert _checked(_send(client, start + data))["code"].startswith("image_")


@settings(max_examples=40)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]),
    where=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    cut=st.floats(0.2, 1),
)
def test_damaged_photos(client: TestClient, kind: str, where: list[tuple[float, int]], cut: float) -> None:
    data = bytearray(photos.encoded(photos.noise(24, 32), kind))
    for share, value in where:
        data[int(share * len(data))] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _checked(_send(client, bytes(data[: int(cut * len(data))])))


# --- text


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("x" * TITLE_CAP, None),
        ("x " * TITLE_CAP, "title_too_long"),
        ("👗" * (TITLE_CAP + 1), "title_too_long"),
        ("\x00\x01\x1b\x7f\u200b\u202e", "nothing_usable"),
        ("👗👠", "nothing_usable"),
        ("👗 red dress 👠", None),
        ("Платье dress 裙子 फ़्रॉक שמלה red", None),
        ("red\x00dr\u200bess\u202e", None),
        ("dress" + "\u0301" * 900, None),
        ("<script>alert('x')</script> dress", None),
        ("'; DROP TABLE products; -- dress", None),
        ("123 456,7", None),
    ],
)
def test_titles_of_every_kind(client: TestClient, title: str, code: str | None) -> None:
    for response in (
        client.post("/classify", json={"title": title}),
        client.post("/classify", files={"title": (None, title.encode())}),
    ):
        body = _checked(response)
        assert body.get("code") == code or (code is None and body.get("code") == "nothing_usable"), body
        if code is None and "dress" in title.split():
            assert body["modality"]["used"] == "text"
    if code == "nothing_usable":
        beside = _checked(_send(client, photos.encoded(), title))
        assert beside["modality"]["used"] == "image"
        assert any("title" in warning for warning in beside["warnings"])


@pytest.mark.parametrize("value", ["a" * LONG_TEXT_CAP, {"a": "a" * (LONG_TEXT_CAP - 3)}])
def test_characteristics_at_and_over_their_cap(client: TestClient, value: str | dict[str, str]) -> None:
    at = _checked(client.post("/classify", json={"title": TITLE, "characteristics": value}))
    assert "characteristics" not in at["modality"]["missing"]
    longer = value + "a" if isinstance(value, str) else {"a": value["a"] + "a"}
    over = client.post("/classify", json={"title": TITLE, "characteristics": longer})
    check_problem(over, 422, "characteristics_too_long", "20,001")


def test_description_over_its_cap_is_refused_though_nobody_reads_it(client: TestClient) -> None:
    over = client.post("/classify", json={"title": TITLE, "description": "a" * (LONG_TEXT_CAP + 1)})
    check_problem(over, 422, "description_too_long", "20,001")


@pytest.mark.parametrize("value", [1, True, 1.5, [], {}, ["a"], 10**4000, -(2**70)])
@pytest.mark.parametrize("field", ["title", "description", "image_base64", "model"])
def test_text_fields_take_text_alone(client: TestClient, field: str, value: object) -> None:
    body = check_problem(client.post("/classify", json={"title": TITLE, field: value}), 422, "invalid_field", field)
    assert [error["field"] for error in body["errors"]] == [field]


@pytest.mark.parametrize(
    "value", [None, {}, {"a": None}, {"": ""}, [], [["a", None]], "", " / ", {"a": {}}, {"a": [[]]}]
)
def test_empty_characteristics_are_absent(client: TestClient, value: object) -> None:
    answer = _checked(client.post("/classify", json={"title": TITLE, "characteristics": value}))
    assert "characteristics" in answer["modality"]["missing"]


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000])
def test_endless_numbers_are_no_json(client: TestClient, number: str) -> None:
    body = f'{{"characteristics": {{"year": {number}}}}}'.encode()
    check_problem(client.post("/classify", content=body, headers=JSON), 400, "malformed_json")


def test_several_faults_are_all_told(client: TestClient) -> None:
    body = check_problem(client.post("/classify", json={"titel": 1, "top_k": 99, "explain": []}), 422, "unknown_field")
    assert {error["field"] for error in body["errors"]} == {"titel", "top_k", "explain"}


# --- anything at all

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from([*ClassifyRequest.model_fields, "tittle"])


@settings(max_examples=100)
@given(body=VALUES | st.dictionaries(FIELDS, VALUES, max_size=4))
def test_any_json(client: TestClient, body: object) -> None:
    _checked(client.post("/classify", content=json.dumps(body).encode(), headers=JSON))


@settings(max_examples=60)
@given(
    title=st.none() | st.text(max_size=60),
    characteristics=st.text(max_size=60) | st.dictionaries(st.text(max_size=10), VALUES, max_size=4),
    top_k=st.none() | st.integers(1, 10),
    min_confidence=st.none() | st.floats(0, 1),
)
def test_any_text(client: TestClient, **fields: object) -> None:
    """Fields of the right type: an answer, or the reason why there is none."""
    body = _checked(client.post("/classify", content=json.dumps(fields).encode(), headers=JSON))
    assert body.get("code", "nothing_usable") in {
        "nothing_usable", "no_input", "characteristics_too_deep", "malformed_json",
    }  # fmt: skip
    if "code" not in body and fields["top_k"] is not None:
        assert len(body["suggestions"]) == fields["top_k"]


@settings(max_examples=60)
@given(body=st.binary(max_size=200), kind=st.sampled_from([JSON, FORM]))
def test_any_body(client: TestClient, body: bytes, kind: dict[str, str]) -> None:
    assert _checked(client.post("/classify", content=body, headers=kind))["status"] in {400, 422}


NAMES = st.sampled_from(["title", "image", "description", "characteristics", "top_k", "explain", "model", "other"])
DISPOSITIONS = st.builds(
    lambda name, rest: f'form-data; name="{name}"{rest}'.encode(),
    NAMES,
    st.sampled_from(["", '; filename="a.jpg"', '; filename=""', "; filename*=utf-8''%E2", '; name="title"', ";="]),
) | st.binary(max_size=30).filter(lambda raw: not set(raw) & set(b"\r\n"))


@settings(max_examples=100)
@given(
    parts=st.lists(st.tuples(DISPOSITIONS, st.binary(max_size=60) | st.text(max_size=20).map(str.encode)), max_size=4),
    end=st.sampled_from([b"--b--\r\n", b"--b--", b"--b\r\n", b""]),
)
def test_any_form(client: TestClient, parts: list[tuple[bytes, bytes]], end: bytes) -> None:
    body = b"".join(b"--b\r\nContent-Disposition: " + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts)
    _checked(client.post("/classify", content=body + end, headers=FORM))


@settings(max_examples=60)
@given(kind=st.binary(max_size=60), rest=st.sampled_from([b"", b"multipart/form-data; ", b"application/json; "]))
def test_any_content_type(client: TestClient, kind: bytes, rest: bytes) -> None:
    header = bytes(byte for byte in rest + kind if byte not in b"\r\n\0")
    response = client.post("/classify", content=b'{"title": "dress"}', headers=[(b"content-type", header)])
    assert _checked(response).get("status", 200) in {200, 400, 415}


@settings(max_examples=40)
@given(
    method=st.sampled_from(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]),
    path=st.text(max_size=20),
    query=st.text(max_size=20),
)
def test_any_path(client: TestClient, method: str, path: str, query: str) -> None:
    response = client.request(method, f"/x{quote(path, errors='replace')}?model={quote(query, errors='replace')}")
    assert response.status_code in {404, 405}
    assert response.headers["content-type"] == "application/problem+json"


def test_same_question_twice_gets_the_same_answer(client: TestClient) -> None:
    """Ids are no part of a question: duplicates are answered alike."""
    answers = [_checked(_send(client, photos.encoded(), TITLE)) for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("asked", "code", "mention"),
    [
        ({"characteristics": {"colour": ["a value of ten"] * 200_000}}, "characteristics_too_long", "at most 20,000"),
        ({"characteristics": [["a", "b"]] * 500_000}, "invalid_field", "got 500,000 entries, expected at most 20,000"),
        ({"characteristics": [1] * 500_000}, "invalid_field", "entries, expected at most"),
        ({"characteristics": [["a", "b"], 7]}, "invalid_field", "entry 1 does not fit, expected [name, value]"),
        ({"characteristics": 7}, "invalid_field", "expected text, an object, or a list, got 7"),
        ({f"k{i}": 1 for i in range(200_000)}, "unknown_field", "And 199,980 more."),
        ({"title": 10**4000}, "invalid_field", "title"),
        ({"title": ["a" * 100] * 50_000}, "invalid_field", "title"),
    ],
    ids=["one name", "pairs", "numbers", "one entry", "a number", "unknown", "long number", "list"],
)
def test_large_nonsense_is_answered_in_few_words(
    client: TestClient, asked: dict[str, object], code: str, mention: str
) -> None:
    """Each took minutes or gigabytes once: errors by the million, or texts built up piece by piece."""
    answer = client.post("/classify", json=asked)
    check_problem(answer, 422, code, mention)
    assert len(answer.content) < 10_000


def test_characteristics_may_be_objects_with_more_than_a_name_and_a_value(client: TestClient) -> None:
    told = [{"name": "baseColour", "value": "Blue", "id": 7}, ["season", "Summer"]]
    plain = {"baseColour": "Blue", "season": "Summer"}
    first, second = (
        _checked(client.post("/classify", json={"title": TITLE, "characteristics": one})) for one in (told, plain)
    )
    assert first["suggestions"] == second["suggestions"]


def test_feedback_is_short(tmp_path: Path) -> None:
    settings = Settings(database=f"sqlite:///{tmp_path}/kept.db")
    with TestClient(create_app(settings, predictors={"fake": FakePredictor()})) as client:
        said = {"request_id": "a", "category_id": "200", **{f"k{i}": 1 for i in range(50_000)}}
        check_problem(client.post("/feedback", json=said), 413, "body_too_large", "256000")

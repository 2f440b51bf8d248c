"""POST /classify: answers, both content types, options, concurrency."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api_support import FakePredictor, check_problem, in_base64, jpeg, running
from multimodal.types import Prediction, Product, RowError
from multimodal_api.app import create_app
from multimodal_api.pulse import Pulse
from multimodal_api.settings import Settings


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def client(predictor: FakePredictor) -> TestClient:
    return TestClient(create_app(Settings(concurrency=2), predictors={"fake": predictor}))


def test_answer_has_the_documented_shape(client: TestClient) -> None:
    answer = client.post("/classify", data={"title": "Blue Shirts"}, files={"image": jpeg()}).json()
    assert list(answer) == [
        "model",
        "decision",
        "category",
        "suggestions",
        "candidates",
        "modality",
        "tags",
        "attributes",
        "needs_review",
        "conflict",
        "warnings",
        "explanation",
        "heat_map",
    ]
    assert answer["model"]["name"] == "fake"
    assert answer["model"]["version"] == "7"
    assert len(answer["model"]["tree_version"]) == 12
    assert answer["category"]["id"] == "100"
    assert [step["name"] for step in answer["category"]["path"]] == ["Apparel", "Topwear", "Shirts"]
    assert answer["category"]["is_leaf"] is True
    assert answer["candidates"] == {"coverage": 0.95, "category_ids": ["100", "101"]}
    assert answer["modality"] == {"used": "fused", "missing": ["description", "characteristics"]}
    assert answer["tags"] == [{"name": "floral", "probability": 0.81, "present": True}]
    assert answer["attributes"] == [{"name": "colour", "value": "navy", "probability": 0.74}]
    assert answer["conflict"]["text"]["id"] == "1"


def test_what_is_not_there_is_null_or_empty(client: TestClient) -> None:
    answer = client.post("/classify", json={"title": "Boots"}).json()
    assert answer["candidates"] is None
    assert answer["conflict"] is None
    assert answer["tags"] == answer["attributes"] == answer["warnings"] == []


@pytest.mark.parametrize(
    ("fields", "photo"),
    [
        ({}, jpeg(20)),
        ({}, jpeg(240)),
        ({"title": "Летние Tops 👗", "description": "a\nb", "top_k": "3"}, None),
        ({"title": "Летние Tops 👗", "characteristics": "Colour: red"}, jpeg(20)),
    ],
)
def test_form_and_json_give_the_same_answer(
    client: TestClient, predictor: FakePredictor, fields: dict[str, str], photo: bytes | None
) -> None:
    files = [(name, (None, value)) for name, value in fields.items()]
    form = client.post("/classify", files=files if photo is None else [*files, ("image", ("p.jpg", photo))])
    encoded = {} if photo is None else {"image_base64": in_base64(photo)}
    as_json = client.post("/classify", json={**fields, **encoded})
    assert form.status_code == as_json.status_code == 200
    assert form.json() == as_json.json()
    by_form, by_json = (asked["products"][0] for asked in predictor.asked)
    assert (by_form.title, by_form.description) == (by_json.title, by_json.description)
    assert (by_form.image and by_form.image.data) == (by_json.image and by_json.image.data) == photo


@pytest.mark.parametrize("prefix", ["data:image/jpeg;base64,", "data:image/jpeg;charset=x;BASE64,", ""])
def test_photo_in_base64_with_line_breaks_or_as_data_url(client: TestClient, prefix: str) -> None:
    text = in_base64(jpeg(20))
    broken = prefix + "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    answer = client.post("/classify", json={"image_base64": broken}).json()
    assert answer["category"]["name"] == "Boots"
    assert answer["modality"]["used"] == "image"


def test_options_reach_the_predictor(client: TestClient, predictor: FakePredictor) -> None:
    client.post("/classify", json={"title": "Tops"})
    client.post(
        "/classify",
        files={
            k: (None, v)
            for k, v in {
                "title": "Tops",
                "top_k": "4",
                "min_confidence": "0.7",
                "decoding": "expected_distance",
                "explain": "true",
                "model": "fake",
            }.items()
        },
    )
    client.post("/classify", files={k: (None, v) for k, v in {"title": "Tops", "top_k": "", "explain": ""}.items()})
    client.post("/classify", json={"title": "Tops", "accuracy": 0.99})
    plain = {"top_k": 2, "min_confidence": None, "accuracy": None, "decoding": "argmax", "explain": False}
    all_set = {"top_k": 4, "min_confidence": 0.7, "decoding": "expected_distance", "explain": True}
    options = [{k: v for k, v in asked.items() if k != "products"} for asked in predictor.asked]
    assert options == [plain, plain | all_set, plain, plain | {"accuracy": 0.99}]


@pytest.mark.parametrize(
    "value", ["Colour: red | blue / Fit: slim", {"Colour": ["red", "blue"], "Year": 2012}, [["Colour", "red"]]]
)
def test_characteristics_in_json(client: TestClient, predictor: FakePredictor, value: object) -> None:
    response = client.post("/classify", json={"characteristics": value})
    assert response.status_code == 200
    assert "characteristics" not in response.json()["modality"]["missing"]
    assert len(predictor.asked[0]["products"][0].characteristics) == len(value)  # type: ignore[arg-type]


def test_unreadable_photo_beside_a_title_is_a_warning(client: TestClient) -> None:
    answer = client.post("/classify", data={"title": "Tops"}, files={"image": ("p.jpg", b"no photo")}).json()
    assert answer["modality"]["used"] == "text"
    assert "image" in answer["modality"]["missing"]
    assert "p.jpg" in answer["warnings"][0]


def test_file_input_left_empty_by_a_browser_counts_as_absent(client: TestClient) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename=""\r\n\r\n\r\n'
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nTops\r\n--b--\r\n'
    )
    kind = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/classify", content=body, headers=kind).json()
    assert answer["modality"]["used"] == "text"
    assert answer["warnings"] == []


def test_named_model_answers() -> None:
    predictors = {"one": FakePredictor("one"), "two": FakePredictor("two")}
    client = TestClient(create_app(Settings(), predictors=predictors))
    assert client.post("/classify", json={"title": "Tops"}).json()["model"]["name"] == "one"
    assert client.post("/classify", json={"title": "Tops", "model": "two"}).json()["model"]["name"] == "two"


def test_headers_tell_times_and_request_id(client: TestClient) -> None:
    response = client.post("/classify", json={"title": "Tops"}, headers={"X-Request-ID": "seller-17"})
    assert response.headers["x-request-id"] == "seller-17"
    stages = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert list(stages) == ["read", "parse", "queue", "predict", "encode", "reply", "total"]
    parts = [float(ms) for name, ms in stages.items() if name != "total"]
    assert sum(parts) == pytest.approx(float(stages["total"]), abs=0.01)
    unfit = client.get("/live", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"]
    assert len(unfit) == 32


def test_concurrent_requests_keep_their_own_answers_and_the_limit_of_threads() -> None:
    predictor = FakePredictor(delay=0.05)
    titles = [("Shirts", "100"), ("Tops", "101"), ("Boots", "200"), ("Sandals", "201")] * 2
    with running(create_app(Settings(concurrency=3), predictors={"fake": predictor})) as address:

        def ask(pair: tuple[int, tuple[str, str]]) -> tuple[str, str]:
            number, (title, _) = pair
            given = {"title": f"{title} {number}"}
            with httpx2.Client() as client:
                sent = (
                    client.post(f"{address}/classify", json=given)
                    if number % 2
                    else client.post(f"{address}/classify", data=given, files={"image": jpeg()})
                )
                live = client.get(f"{address}/live")
            assert live.status_code == 200
            return title, sent.json()["category"]["id"]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, enumerate(titles)))
    assert answers == titles
    assert predictor.most_at_once == 3


def test_live_answers_while_a_classification_runs() -> None:
    go_on = threading.Event()

    class Held(FakePredictor):
        def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
            assert go_on.wait(30)
            return super()._one(row, product, top_k)

    slow = Held()
    app = create_app(Settings(concurrency=1), predictors={"fake": slow})
    with running(app) as address, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx2.post, f"{address}/classify", json={"title": "Tops"}, timeout=60)
        while not slow.running:
            assert not asked.done()
        assert httpx2.get(f"{address}/live").status_code == 200
        assert slow.running == 1
        go_on.set()
        assert asked.result().status_code == 200


def test_curl_style_upload_through_a_real_server(tmp_path: Path) -> None:
    photo = tmp_path / "shirt.jpg"
    photo.write_bytes(jpeg())
    with running(create_app(Settings(), predictors={"fake": FakePredictor()})) as address, photo.open("rb") as file:
        response = httpx2.post(f"{address}/classify", files={"image": file}, data={"title": "Sandals"})
    assert response.status_code == 200
    assert response.json()["category"]["id"] == "201"


# --- where a question is answered


class Quick(FakePredictor):
    """Says of each question whether a worker thread answered it."""

    quick = True

    def __init__(self) -> None:
        super().__init__()
        self.by_worker: list[bool] = []

    def classify(self, products: Any, **options: Any) -> Any:
        self.by_worker.append(threading.current_thread().name.startswith("classify"))
        return super().classify(products, **options)


@pytest.mark.parametrize(
    ("body", "by_worker"),
    [
        ({"title": "boots"}, False),
        ({"title": "boots", "characteristics": {"colour": "red"}, "top_k": 3}, False),
        ({"title": "boots", "explain": True}, True),
        ({"title": "boots", "description": "x" * 600}, True),
        ({"title": "boots", "image_base64": in_base64(jpeg())}, True),
    ],
)
def test_a_few_words_are_answered_without_a_thread(body: dict[str, Any], by_worker: bool) -> None:
    predictor = Quick()
    with TestClient(create_app(Settings(log="off"), predictors={"fake": predictor})) as client:
        response = client.post("/classify", json=body)
        assert response.status_code == 200, response.text
        stages = response.headers["server-timing"]
    assert predictor.by_worker == [by_worker]
    assert "predict;dur=" in stages
    assert ("queue;dur=" in stages) == by_worker


def test_that_is_switched_off_by_a_setting() -> None:
    predictor = Quick()
    with TestClient(create_app(Settings(log="off", quick_bytes=0), predictors={"fake": predictor})) as client:
        assert client.post("/classify", json={"title": "boots"}).status_code == 200
    assert predictor.by_worker == [True]


def test_a_form_of_words_alone_is_quick_too_and_its_faults_are_told() -> None:
    predictor = Quick()
    with TestClient(create_app(Settings(log="off"), predictors={"fake": predictor})) as client:
        assert client.post("/classify", files={"title": (None, "boots")}).status_code == 200
        check_problem(client.post("/classify", json={"title": "boots", "top_k": 99}), 422, "invalid_field")
        check_problem(client.post("/classify", json={"title": "boots", "model": "other"}), 404, "unknown_model")
        check_problem(client.post("/classify", content=b"{", headers={"content-type": "application/json"}), 400,
                      "malformed_json")  # fmt: skip
    assert predictor.by_worker == [False]


def test_a_service_that_is_far_behind_refuses_what_it_would_answer_itself() -> None:
    predictor = Quick()
    app = create_app(Settings(log="off"), predictors={"fake": predictor})
    with TestClient(app) as client:
        pulse = app.state.service.pulse
        pulse.stop()
        pulse.late = 0.5  # as it is where the event loop has more to do than it can
        refused = client.post("/classify", json={"title": "boots"})
        check_problem(refused, 503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert client.post("/classify", files={"image": jpeg()}).status_code == 200, "threads have a queue of their own"
        pulse.late = 0.05
        assert client.post("/classify", json={"title": "boots"}).status_code == 200
    assert predictor.by_worker == [True, False]


@pytest.mark.parametrize(("times", "least", "most"), [(1, 0.0, 0.1), (4, 0.15, 1.0)])
def test_the_pulse_tells_a_backlog_from_one_long_piece_of_work(times: int, least: float, most: float) -> None:
    async def late_after() -> float:
        pulse = Pulse()
        pulse.start()
        await asyncio.sleep(0.05)
        for _ in range(times):
            time.sleep(0.2)  # what it is there to notice
            await asyncio.sleep(0.001)
        pulse.stop()
        return pulse.late

    assert least <= asyncio.run(late_after()) <= most

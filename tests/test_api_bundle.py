"""The API over the shipped bundle."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from api_support import BUNDLE, check_problem, in_base64, running
from multimodal.data.sample import draw_products
from multimodal.types import Product
from multimodal_api.app import create_app
from multimodal_api.settings import Settings

needs_bundle = pytest.mark.skipif(
    not (BUNDLE / "manifest.json").exists(), reason="artifacts/fashion is not in this checkout"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(create_app(Settings(bundle=str(BUNDLE), threads=1))) as url:
        until = time.monotonic() + 30
        while httpx2.get(f"{url}/ready").status_code != 200:
            assert time.monotonic() < until, httpx2.get(f"{url}/ready").text
            time.sleep(0.02)
        yield url


@pytest.fixture(scope="module")
def drawn() -> list[Product]:
    return list(draw_products(60, 20_240))


def photo_of(products: list[Product]) -> bytes:
    return next(p.image.data for p in products if p.image is not None and p.image.data)


@needs_bundle
def test_title_photo_and_both(address: str, drawn: list[Product]) -> None:
    photo = photo_of(drawn)
    title = {"title": "Nike Men White Running Sports Shoes"}
    answers = [
        httpx2.post(f"{address}/classify", json=title).json(),
        httpx2.post(f"{address}/classify", files={"image": photo}).json(),
        httpx2.post(f"{address}/classify", data=title, files={"image": photo}).json(),
    ]
    assert [a["modality"]["used"] for a in answers] == ["text", "image", "fused"]
    assert answers[0]["category"]["path"][0]["name"] == "Footwear"
    for answer in answers:
        assert len(answer["suggestions"]) == 2
        probabilities = [step["probability"] for step in answer["suggestions"][0]["path"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 <= probabilities[-1] <= probabilities[0] <= 1 + 1e-6


@needs_bundle
def test_both_content_types_give_the_same_answer(address: str, drawn: list[Product]) -> None:
    photo = photo_of(drawn)
    form = httpx2.post(f"{address}/classify", data={"title": "Red Kurta", "top_k": "5"}, files={"image": photo})
    sent = {"title": "Red Kurta", "top_k": 5, "image_base64": in_base64(photo)}
    as_json = httpx2.post(f"{address}/classify", json=sent)
    assert form.status_code == 200
    assert form.json() == as_json.json()
    assert len(form.json()["suggestions"]) == 5


@needs_bundle
def test_min_confidence_walks_up(address: str) -> None:
    sure = httpx2.post(f"{address}/classify", json={"title": "Blue Thing", "min_confidence": 1.0}).json()
    assert sure["decision"] in {"ancestor", "abstain"}
    assert sure["needs_review"] is True


@needs_bundle
def test_bad_photos(address: str) -> None:
    broken = {"image": ("p.jpg", b"no photo at all")}
    check_problem(httpx2.post(f"{address}/classify", files=broken), 422, "image_unreadable", "p.jpg")
    answer = httpx2.post(f"{address}/classify", files=broken, data={"title": "Blue Jeans"}).json()
    assert answer["modality"]["used"] == "text"
    assert answer["warnings"]


@needs_bundle
def test_tree_and_manifest(address: str) -> None:
    nodes = httpx2.get(f"{address}/categories").json()["categories"]
    model = httpx2.get(f"{address}/model").json()
    assert sum(n["is_leaf"] for n in nodes) == model["manifest"]["leaves"]
    assert model["model"]["name"] == "fashion"

"""The API over the shipped bundle, and the demo end to end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from api_support import BUNDLE, check_problem, in_base64, running
from multimodal.data.sample import draw_products
from multimodal.types import Product
from multimodal_api import demo
from multimodal_api.app import create_app
from multimodal_api.client import Reply
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
    return list(draw_products(60, demo.SEED))


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


@needs_bundle
@pytest.mark.parametrize("bundle", [str(BUNDLE)])
def test_demo_passes(bundle: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--bundle", bundle]) == 0
    out = capsys.readouterr().out
    assert "expected branch" in out
    assert "multimodal serve" in out
    assert "broken photo" in out


def test_demo_without_a_bundle(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--bundle", f"{tmp_path}/absent"]) == 2
    assert "absent" in capsys.readouterr().err


def test_demo_asks_every_kind_about_several_branches(drawn: list[Product]) -> None:
    roots = {p.category_id: f"root of {p.category_id}"[:-1] for p in drawn if p.category_id}
    items = list(demo.pick(drawn, roots))
    assert 8 <= len(items) <= 12
    assert {item.kind for item in items} == {"photo + title", "photo only", "title only", "broken photo + title"}
    assert len({item.root for item in items}) >= 3
    assert all((item.photo is None) == (item.kind == "title only") for item in items)
    with pytest.raises(demo.DemoError, match="0 of 60"):
        list(demo.pick(drawn, {"nothing": "nothing"}))


def test_hits_count_only_answers_under_the_expected_root() -> None:
    item = demo.Item("title only", "x", None, "1")
    category = {"path": [{"id": "1"}, {"id": "12"}]}
    other = {"path": [{"id": "2"}]}

    def reply(status: int, category: object, suggestions: list[object]) -> Reply:
        return Reply(status, {"category": category, "suggestions": suggestions}, 1.0, {})

    assert demo.is_hit(item, reply(200, category, [other]))
    assert demo.is_hit(item, reply(200, None, [category]))
    assert not demo.is_hit(item, reply(200, other, [category]))
    assert not demo.is_hit(item, reply(422, category, []))

"""The benchmark of the service under load: its peer answers as the bundle does, and its figures add up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from api_support import BUNDLE, FakePredictor, running
from multimodal import load
from multimodal.bench.asks import Ask, asks_of, request
from multimodal.bench.local import LocalService, local_service
from multimodal.data.sample import draw_products
from multimodal.types import Prediction, Product
from multimodal_api.app import create_app
from multimodal_api.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import serving

needs_bundle = pytest.mark.skipif(not (BUNDLE / "manifest.json").exists(), reason=f"no bundle in {BUNDLE}")
TITLES = Ask("title", tuple(request(title) for title in ("boots", "sandals")))


@needs_bundle
def test_the_peer_is_the_same_model() -> None:
    from plain_service import PlainModel

    plain, ours = PlainModel(BUNDLE), load(BUNDLE, threads=1)
    drawn = [p for p in draw_products(40, seed=4) if p.title and p.image is not None and p.image.data]
    assert len(drawn) > 10
    same = 0
    for product in drawn:
        assert product.image is not None
        for title, photo in ((product.title, product.image.data), (None, product.image.data), (product.title, None)):
            [answer] = ours.classify([Product(title=title, image=product.image if photo else None)])
            assert isinstance(answer, Prediction)
            found = plain.classify(title, photo)
            [best, _] = found["suggestions"]
            assert [tag["name"] for tag in found["tags"]] == [tag.name for tag in answer.tags]
            for theirs, tag in zip(found["tags"], answer.tags, strict=True):
                assert theirs["probability"] == pytest.approx(tag.probability, abs=0.02)
            same += best["id"] == answer.suggestions[0].id
            assert best["path"] == [step.name for step in ours.tree.path(best["id"])]
    assert same >= 0.97 * 3 * len(drawn), "the two services are not of one model"


@needs_bundle
def test_the_peer_answers_over_http_in_several_processes() -> None:
    ask = asks_of(["title", "image"], forms=True)[0]
    with serving.plain(str(BUNDLE)) as service, service.client() as client:
        reply = client.send("POST", "/classify", ask.requests[0].content, ask.requests[0].headers)
    assert reply.status == 200
    assert len(reply.body["suggestions"]) == 2
    assert reply.stages["total"] > 0


def test_figures_of_overload_add_up() -> None:
    app = create_app(Settings(log="off", concurrency=1, queue=2), predictors={"fake": FakePredictor(delay=0.02)})
    with running(app) as address:
        service = LocalService(int(address.rpartition(":")[2]), 0, 0.0)
        found = serving.overload(service, TITLES, {"services": {serving.OURS: {"rates": [60.0]}}}, seconds=1.0)
    assert found["per_second"] == 120
    told = found["answered"] + found["refused"] + found["without_answer"] + found["other"]
    assert told == found["requests"] == 120
    assert found["refused"] > 20
    assert (found["without_answer"], found["other"], found["refusals_without_retry_after"]) == (0, 0, 0)
    assert found["afterwards_failed"] == 0
    assert "120 requests" in serving.overload_line(found)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_is_told_from_the_first_tenth_on(tiny_bundle: Path) -> None:
    with local_service(str(tiny_bundle), environment={"MULTIMODAL_LOG": "off"}) as service:
        found = serving.memory(service, TITLES, 200)
    assert found["failed"] == 0
    assert [sent for sent, _ in found["resident_mb"]] == list(range(10, 201, 10))
    by_sent = dict(found["resident_mb"])
    assert found["settled_mb"] == by_sent[20]
    assert found["growth"] == pytest.approx(by_sent[200] / by_sent[20] - 1)

"""The clients against a real server: the same answers as the predictor's, retries, and errors that help."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api_support import ROOT, FakePredictor, jpeg, running
from multimodal.client import AsyncClient, Client, Retries, ServiceError
from multimodal.client.exchange import BATCH, pieces
from multimodal.errors import InputError
from multimodal.types import Answer, ImageRef, Prediction, Product, RowError
from multimodal_api.app import create_app
from multimodal_api.settings import Settings

PRODUCTS = [
    Product(id="a", title="Boots", characteristics={"colour": ["red", "blue"]}),
    Product(id=2, title="x" * 1001),
    Product(title="Tops", image=ImageRef(data=jpeg())),
    Product(id="d"),
    Product(id="e", image=ImageRef(path=str(ROOT / "docs" / "dress.jpg"))),
    Product(id="f", image=ImageRef(path="no/such/photo.jpg")),
]
Ask = Callable[..., list[Answer]]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(create_app(Settings(), predictors={"fake": FakePredictor(), "other": FakePredictor("other")})) as url:
        yield url


@pytest.fixture(params=["blocking", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks a service through either client."""

    def blocking(url: str, products: list[Product], *, client: dict[str, Any] | None = None, **more: Any) -> Any:
        with Client(url, **(client or {})) as opened:
            return opened.classify(products, **more)

    def concurrent(url: str, products: list[Product], *, client: dict[str, Any] | None = None, **more: Any) -> Any:
        async def run() -> list[Answer]:
            async with AsyncClient(url, **(client or {})) as opened:
                return await opened.classify(products, **more)

        return asyncio.run(run())

    return blocking if request.param == "blocking" else concurrent


def test_the_answers_are_those_of_the_predictor(ask: Ask, address: str) -> None:
    found = ask(address, PRODUCTS, top_k=3)
    wanted = FakePredictor().classify([*PRODUCTS[:3], PRODUCTS[4]], top_k=3)
    answered = [found[0], found[2], found[4]]
    for answer, same in zip(answered, [wanted[0], wanted[2], wanted[3]], strict=True):
        assert isinstance(answer, Prediction)
        assert isinstance(same, Prediction)
        bare: dict[str, Any] = {"row": 0, "suggestions": (), "category": None, "conflict": None}
        assert replace(answer, **bare) == replace(same, **bare)
        assert (answer.conflict is None) == (same.conflict is None)
        assert [one.id for one in answer.suggestions] == [one.id for one in same.suggestions]
        assert answer.suggestions[0].probability == pytest.approx(same.suggestions[0].probability, abs=1e-6)
    errors = [(one.id, one.row, one.code) for one in found if isinstance(one, RowError)]
    assert errors == [(2, 1, "title_too_long"), ("d", 3, "no_input"), ("f", 5, "image_not_found")]
    assert [one.row for one in found] == list(range(6))


def test_many_products_keep_their_order(ask: Ask, address: str) -> None:
    names = [("Boots", "200"), ("Tops", "101"), ("Shirts", "100")]
    count = BATCH * 3 + 7
    found = ask(address, [Product(id=i, title=names[i % 3][0]) for i in range(count)])
    assert [(one.id, one.suggestions[0].id) for one in found if isinstance(one, Prediction)] == [
        (i, names[i % 3][1]) for i in range(count)
    ]
    assert ask(address, []) == []


def test_large_photos_make_smaller_batches() -> None:
    photo = ImageRef(data=b"x" * 9_000_000)
    products = [Product(title="a"), *[Product(image=photo)] * 5, *[Product(title="b")] * 70]
    found = list(pieces(products))
    assert [(first, len(some)) for first, some in found] == [(0, 3), (3, 2), (5, 64), (69, 7)]
    assert [product for _, some in found for product in some] == products


def test_options_and_models_are_asked_for(ask: Ask, address: str) -> None:
    [answer] = ask(address, [Product(title="Boots")], top_k=1, model="other", accuracy=0.9)
    assert isinstance(answer, Prediction)
    assert len(answer.suggestions) == 1
    with pytest.raises(InputError):
        ask(address, [Product(title="Boots")], accuracy=0.97)
    with pytest.raises(ServiceError) as told:
        ask(address, [Product(title="Boots")], model="none")
    assert (told.value.status, told.value.code) == (404, "unknown_model")
    assert "expected one of fake, other" in told.value.message
    assert told.value.request_id


def _flaky(failing: int, status: int = 503, retry_after: str | None = None) -> tuple[Any, list[str]]:
    """A service that refuses so many requests before it answers, and the paths it was asked."""
    app, asked = create_app(Settings(), predictors={"fake": FakePredictor()}), []

    async def flaky(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
            if len(asked) <= failing:
                headers = {} if retry_after is None else {"Retry-After": retry_after}
                await PlainTextResponse("busy", status, headers)(scope, receive, send)
                return
        await app(scope, receive, send)

    return flaky, asked


FAST = {"retries": Retries(times=3, first=0.001, longest=0.01)}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_service_is_asked_again(ask: Ask, status: int) -> None:
    app, asked = _flaky(3, status, retry_after="1")
    with running(app) as url:
        [answer] = ask(url, [Product(title="Boots")], client=FAST)
    assert isinstance(answer, Prediction)
    assert len(asked) == 4


@pytest.mark.parametrize(("failing", "status", "tries"), [(9, 503, 4), (9, 500, 1), (9, 400, 1)])
def test_what_will_not_change_is_not_asked_again(ask: Ask, failing: int, status: int, tries: int) -> None:
    app, asked = _flaky(failing, status)
    with running(app) as url, pytest.raises(ServiceError, match="without a problem document") as told:
        ask(url, [Product(title="Boots")], client=FAST)
    assert told.value.status == status
    assert len(asked) == tries


def test_nobody_there(ask: Ask) -> None:
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1: no answer after 4 tries") as told:
        ask("http://127.0.0.1:1", [Product(title="Boots")], client=FAST)
    assert told.value.status is None


def test_a_service_that_takes_too_long(ask: Ask) -> None:
    app = create_app(Settings(), predictors={"fake": FakePredictor(delay=2)})
    impatient = {"timeout": 0.05, "retries": Retries(times=1, first=0.001)}
    with running(app) as url, pytest.raises(ServiceError, match="no answer after 1 try "):
        ask(url, [Product(title="Boots")], client=impatient)


def test_waits_grow_and_mind_what_the_service_asks_for() -> None:
    retries = Retries(times=5, first=0.2, longest=10)
    for tried in range(1, 5):
        assert 0.5 * 0.2 * 2 ** (tried - 1) <= retries.wait(tried) <= 1.5 * 0.2 * 2 ** (tried - 1)
    assert retries.wait(1, "3") == 3
    assert retries.wait(1, "300") == 10
    assert retries.wait(1, "Wed, 21 Oct 2026 07:28:00 GMT") <= 0.3


def test_keys_feedback_trees_and_readiness(tmp_path: Any) -> None:
    key = "shop-0123456789abcdef"
    settings = Settings(api_keys=f"shop={key}", database=f"sqlite:///{tmp_path}/kept.db")
    with running(create_app(settings, predictors={"fake": FakePredictor()})) as url:
        with Client(url) as client, pytest.raises(ServiceError) as told:
            client.classify([Product(title="Boots")])
        assert told.value.code == "unknown_key"
        with Client(url, api_key=key) as client:
            assert client.ready()
            assert client.model()["model"]["name"] == "fake"
            assert {node["id"] for node in client.categories("fake")} >= {"1", "100", "201"}
            assert isinstance(client.classify([Product(title="Boots")])[0], Prediction)
            request = client._http.post("/classify", json={"title": "Boots"}).headers["x-request-id"]
            assert client.feedback(request, "200") == "accepted"
            assert client.feedback(request, "201", {"floral": True}) == "corrected"

        async def later() -> str:
            async with AsyncClient(url, api_key=key) as client:
                return await client.feedback(request, "200")

        assert asyncio.run(later()) == "accepted"
    with Client(url) as client:
        assert not client.ready()

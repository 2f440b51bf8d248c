"""Who may work, who may wait, and who is told to come again."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from starlette.requests import ClientDisconnect

from api_support import FakePredictor, check_problem, running
from multimodal.types import Prediction, Product, RowError
from multimodal_api.admission import Admission
from multimodal_api.app import create_app
from multimodal_api.problems import ProblemError
from multimodal_api.settings import Settings


class Held(FakePredictor):
    """Answers once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
        assert self.go_on.wait(30)
        return super()._one(row, product, top_k)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def test_a_full_queue_refuses_at_once_and_loses_nobody_who_was_admitted() -> None:
    held = Held()
    app = create_app(Settings(concurrency=1, queue=2), predictors={"fake": held})
    admission = app.state.service.admission
    with running(app) as address, ThreadPoolExecutor(3) as pool:
        asked = []
        for title, there in (("Tops", (1, 0)), ("Boots", (1, 1)), ("Shirts", (1, 2))):
            asked.append(pool.submit(httpx2.post, f"{address}/classify", json={"title": title}, timeout=60))
            _until(lambda there=there: (admission.running, admission.waiting) == there)
        refused = httpx2.post(f"{address}/classify", json={"title": "Sandals"}, timeout=60)
        check_problem(refused, 503, "overloaded", "Ask again")
        assert int(refused.headers["retry-after"]) >= 1
        assert httpx2.get(f"{address}/live").status_code == 200
        held.go_on.set()
        assert [a.result().json()["category"]["id"] for a in asked] == ["101", "200", "100"]
        assert httpx2.post(f"{address}/classify", json={"title": "Sandals"}, timeout=60).status_code == 200
    assert len(held.asked) == 4, "the refused one was worked on"


def test_a_deadline_answers_who_waits_and_who_is_worked_on() -> None:
    held = Held()
    app = create_app(Settings(concurrency=1, queue=5, deadline=0.2), predictors={"fake": held})
    admission = app.state.service.admission
    with running(app) as address, ThreadPoolExecutor(2) as pool:
        first = pool.submit(httpx2.post, f"{address}/classify", json={"title": "Tops"}, timeout=60)
        _until(lambda: admission.running == 1)
        second = pool.submit(httpx2.post, f"{address}/classify", json={"title": "Boots"}, timeout=60)
        check_problem(first.result(), 503, "deadline_exceeded", "was not answered", "MULTIMODAL_DEADLINE")
        check_problem(second.result(), 503, "deadline_exceeded", "waited for its turn")
        assert admission.running == 1, "its thread is still at it"
        held.go_on.set()
        _until(lambda: (admission.running, admission.waiting) == (0, 0))
        assert httpx2.post(f"{address}/classify", json={"title": "Boots"}, timeout=60).status_code == 200
    assert [one["products"][0].title for one in held.asked] == ["Tops", "Boots"], "late work was begun"


def test_nobody_works_for_a_client_that_went_away() -> None:
    held = Held()
    app = create_app(Settings(concurrency=1), predictors={"fake": held})
    admission = app.state.service.admission
    with running(app) as address, ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx2.post, f"{address}/classify", json={"title": "Tops"}, timeout=60)
        _until(lambda: admission.running == 1)
        leaving = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
        leaving.request("POST", "/classify", json.dumps({"title": "Boots"}), {"content-type": "application/json"})
        _until(lambda: admission.waiting == 1)
        leaving.close()
        _until(lambda: admission.waiting == 0)
        held.go_on.set()
        assert first.result().status_code == 200
    assert [one["products"][0].title for one in held.asked] == ["Tops"]


def test_errors_of_the_work_come_through_and_its_place_is_free_again() -> None:
    async def ask() -> None:
        admission = Admission(slots=1, queue=0)
        for error in (ValueError("no"), TimeoutError("its own")):

            def fail(error: Exception = error) -> None:
                raise error

            with pytest.raises(type(error), match=str(error)):
                await admission.run(fail, time.monotonic() + 5)
        assert await admission.run(lambda: 7, time.monotonic() + 5) == 7
        assert (admission.running, admission.waiting) == (0, 0)
        admission.close()

    asyncio.run(ask())


def test_a_place_given_up_in_the_moment_it_came_is_not_lost() -> None:
    async def ask() -> None:
        admission = Admission(slots=1, queue=100)
        go_on, until = threading.Event(), time.monotonic() + 20
        first = asyncio.create_task(admission.run(go_on.wait, until))
        await asyncio.sleep(0)
        leave = asyncio.Event()
        others = [asyncio.create_task(admission.run(lambda: None, until, gone=leave.wait)) for _ in range(20)]
        while admission.waiting < 20:
            await asyncio.sleep(0.001)
        leave.set()
        go_on.set()
        assert await first
        ended = await asyncio.gather(*others, return_exceptions=True)
        assert all(one is None or isinstance(one, ClientDisconnect) for one in ended)
        assert await admission.run(lambda: 7, until) == 7
        assert (admission.running, admission.waiting) == (0, 0)
        admission.close()

    asyncio.run(ask())


def test_the_time_to_come_again_grows_with_those_before() -> None:
    async def ask() -> None:
        admission = Admission(slots=1, queue=0)
        go_on, until = threading.Event(), time.monotonic() + 20
        running = asyncio.create_task(admission.run(go_on.wait, until))
        await asyncio.sleep(0)
        admission._usual = 4.2
        with pytest.raises(ProblemError) as refused:
            admission.check()
        assert refused.value.headers["Retry-After"] == "5"
        go_on.set()
        await running
        admission.close()

    asyncio.run(ask())

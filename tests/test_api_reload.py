"""Bundles that change under a running service, and a shadow that answers beside it."""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import multimodal
from api_support import FakePredictor, renamed, running
from multimodal.artifact import LAYOUT
from multimodal.options import AnswerOptions
from multimodal.types import Prediction, Product, RowError
from multimodal_api.app import create_app
from multimodal_api.reload import Reloader, signature_of
from multimodal_api.service import Service
from multimodal_api.settings import Settings
from multimodal_api.shadow import Shadow

ASK = {"title": "Blue shirt"}


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def _ready(address: str) -> bool:
    return httpx2.get(f"{address}/ready").status_code == 200


def _copy(bundle: Path, over: Path, version: str, spare: Path) -> None:
    """Puts a bundle of another version in the place of one, file by file, the manifest last."""
    fresh = renamed(bundle, spare, version=version)
    for file in sorted(fresh.iterdir(), key=lambda f: f.name == LAYOUT.manifest):
        file.replace(over / file.name)


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    return renamed(tiny_bundle, tmp_path / "live", version="1")


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[FastAPI, str]]:
    app = create_app(Settings(bundle=str(folder), threads=1, reload_seconds=0.05, concurrency=2))
    with running(app) as address:
        _until(lambda: _ready(address))
        yield app, address


def _version(address: str) -> str:
    answer = httpx2.post(f"{address}/classify", json=ASK, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model"]["version"])


def _reloads(address: str) -> dict[str, float]:
    lines = httpx2.get(f"{address}/metrics").text.splitlines()
    found = [line for line in lines if line.startswith("multimodal_reloads_total{")]
    return {line.split('result="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in found}


def test_a_new_bundle_takes_over_without_a_lost_request(
    served: tuple[FastAPI, str], folder: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    _, address = served
    seen: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append(_version(address))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        _until(lambda: len(seen) > 4)
        _copy(tiny_bundle, folder, "2", tmp_path / "spare")
        _until(lambda: seen[-1] == "2")
    finally:
        stop.set()
        for thread in asking:
            thread.join()
    assert set(seen) == {"1", "2"}
    assert _reloads(address) == {"ok": 1}


def test_a_broken_bundle_changes_nothing_until_it_is_mended(
    served: tuple[FastAPI, str], folder: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    _, address = served
    whole = (folder / LAYOUT.text).read_bytes()
    (folder / LAYOUT.text).write_bytes(whole[:-1] + b"x")
    _until(lambda: _reloads(address).get("failed", 0) >= 1)
    time.sleep(0.3)
    assert _reloads(address) == {"failed": 1}, "it is tried again though nothing changed"
    assert _version(address) == "1"
    assert _ready(address)
    _copy(tiny_bundle, folder, "3", tmp_path / "spare")
    _until(lambda: _version(address) == "3")
    assert _reloads(address) == {"failed": 1, "ok": 1}


def test_a_bundle_of_another_name_is_not_taken(
    served: tuple[FastAPI, str], folder: Path, tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app, address = served
    other = renamed(tiny_bundle, tmp_path / "other", name="other")
    (other / LAYOUT.manifest).replace(folder / LAYOUT.manifest)
    _until(lambda: _reloads(address).get("failed", 0) >= 1)
    assert _version(address) == "1"
    assert app.state.service.known == ["tiny"]


def test_what_is_still_copied_to_is_let_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def load(path: str, **_: object) -> FakePredictor:
        opened.append(path)
        return FakePredictor("tiny")

    monkeypatch.setattr(multimodal, "load", load)

    async def looks() -> None:
        service = Service(Settings(bundle=str(folder)))
        reloader = Reloader(service)
        await service.load()
        opened.clear()
        await reloader.look()
        for size in range(3):
            (folder / LAYOUT.card).write_text("x" * (size + 5000), encoding="utf-8")
            await reloader.look()
        assert opened == []
        await reloader.look()
        assert opened == [str(folder)]
        await reloader.look()
        assert opened == [str(folder)]
        shutil.rmtree(folder)
        assert signature_of(str(folder)) == ()
        for _ in range(3):
            await reloader.look()
        assert opened == [str(folder)]
        service.close()

    asyncio.run(looks())


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_memory_stays_flat_over_a_hundred_reloads(folder: Path) -> None:
    async def reload() -> list[int]:
        service = Service(Settings(bundle=str(folder), threads=1))
        reloader = Reloader(service)
        await service.load()
        sizes = []
        for _ in range(3):
            for _ in range(50):
                await reloader.reload([str(folder)])
            gc.collect()
            sizes.append(_resident())
        service.close()
        return sizes

    first, *_, last = asyncio.run(reload())
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert last - first < 10 * size, f"{(last - first) / 1e6:.1f} MB more after 100 reloads of {size / 1e6:.1f} MB"


# --- the shadow


class Other(FakePredictor):
    """Says "Tops" of everything, or fails."""

    def __init__(self, failing: bool = False) -> None:
        super().__init__("other")
        self.failing = failing

    def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
        if self.failing:
            raise RuntimeError("out of order")
        return super()._one(row, replace(product, title="Tops"), top_k)


def _shadowed(shadow: FakePredictor, titles: list[str]) -> dict[tuple[str, str], float]:
    app = create_app(Settings(), predictors={"fake": FakePredictor()})
    service = app.state.service
    service.shadow = Shadow(shadow, service.metrics.compared)
    with TestClient(app) as client:
        for title in titles:
            answer = client.post("/classify", json={"title": title}).json()
            assert answer["model"]["name"] == "fake"
    found = {}
    for line in service.metrics.text({}).decode().splitlines():
        if line.startswith("multimodal_shadow_total{"):
            labels = dict(part.split("=") for part in line[line.index("{") + 1 : line.index("}")].split(","))
            found[labels["branch"].strip('"'), labels["result"].strip('"')] = float(line.rsplit(" ", 1)[1])
    return found


def test_a_shadow_is_compared_by_branch_and_never_sent() -> None:
    titles = ["Tops", "Shirts", "Boots", "Boots"]
    assert _shadowed(Other(), titles) == {("1", "same"): 1, ("1", "category"): 1, ("2", "branch"): 2}


def test_a_shadow_that_fails_harms_nobody() -> None:
    assert _shadowed(Other(failing=True), ["Tops", "Boots"]) == {("1", "failed"): 1, ("2", "failed"): 1}


def test_a_slow_shadow_is_not_waited_for() -> None:
    held = threading.Event()

    class Held(Other):
        def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
            assert held.wait(30)
            return super()._one(row, product, top_k)

    seen: list[str] = []
    shadow = Shadow(Held(), lambda model, branch, result: seen.append(result))
    [live] = FakePredictor().classify([Product(title="Boots")])
    assert isinstance(live, Prediction)
    for _ in range(60):
        shadow.follow("fake", Product(title="Boots"), AnswerOptions(), live)
    assert seen == ["skipped"] * 28, "32 may wait"
    held.set()
    _until(lambda: len(seen) == 60)
    shadow.close()
    assert seen[28:] == ["branch"] * 32


def test_a_shadow_from_the_settings(tiny_bundle: Path, tmp_path: Path) -> None:
    other = renamed(tiny_bundle, tmp_path / "other", version="2")
    with TestClient(create_app(Settings(bundle=str(tiny_bundle), shadow=str(other), threads=1))) as client:
        _until(lambda: client.get("/ready").status_code == 200)
        for _ in range(3):
            client.post("/classify", json=ASK)
        _until(lambda: "multimodal_shadow_total" in client.get("/metrics").text)
        text = client.get("/metrics").text
    assert 'result="same"' in text


def test_what_stays_is_frozen_and_an_earlier_bundle_is_freed_all_the_same(folder: Path) -> None:
    app = create_app(Settings(bundle=str(folder), log="off", load_first=True, reload_seconds=0))
    with TestClient(app) as client:
        assert client.get("/ready").status_code == 200
        assert gc.get_freeze_count() > 10_000
        service = app.state.service
        before = weakref.ref(service.predictor())
        assert client.portal is not None
        client.portal.call(Reloader(service).reload, [str(folder)])
        assert before() is None, "the bundle before is still there: frozen in a cycle, it would never be freed"
        assert client.post("/classify", json=ASK).status_code == 200

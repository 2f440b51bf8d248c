"""Several bundles side by side: which one answers, and what keeps the service from becoming ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

import multimodal
from api_support import FakePredictor, check_problem, jpeg, renamed, running
from multimodal.artifact import LAYOUT
from multimodal.errors import ConfigError
from multimodal.types import Prediction, Product, RowError
from multimodal_api.app import create_app
from multimodal_api.settings import Settings


@pytest.fixture(scope="module")
def second(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return renamed(tiny_bundle, tmp_path_factory.mktemp("second") / "bundle", name="second", version="2b")


@contextmanager
def serving(*folders: Path, default: str | None = None) -> Iterator[TestClient]:
    """The service over these folders, once it has loaded or failed."""
    bundle = ",".join(map(str, folders))
    with TestClient(create_app(Settings(bundle=bundle, default_model=default, threads=1))) as client:
        until = time.monotonic() + 60
        while client.get("/ready").json().get("code") == "not_ready":
            assert time.monotonic() < until
            time.sleep(0.01)
        yield client


def refused(client: TestClient, *mentions: str) -> str:
    """Asserts that nothing is served, for a reason that mentions these; returns it."""
    for path in ("/ready", "/live", "/model", "/categories"):
        check_problem(client.get(path), 503, "load_failed", *mentions)
    check_problem(client.post("/classify", json={"title": "shirt"}), 503, "load_failed", *mentions)
    told: str = client.get("/ready").json()["detail"]
    return told


# --- which one answers -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(tiny_bundle: Path, second: Path) -> Iterator[TestClient]:
    with serving(tiny_bundle, second) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "answers"),
    [({}, "tiny"), ({"model": ""}, "tiny"), ({"model": "tiny"}, "tiny"), ({"model": "second"}, "second")],
)
def test_a_request_chooses_by_name(client: TestClient, asked: dict[str, str], answers: str) -> None:
    title = {"title": "Blue cotton shirt", **asked}
    replies = [
        client.post("/classify", json=title),
        client.post("/classify", data=title, files={"image": jpeg()}),
        client.get("/categories", params=asked),
        client.get("/model", params=asked),
    ]
    assert [r.status_code for r in replies] == [200] * 4
    versions = {"tiny": client.get("/model").json()["manifest"]["version"], "second": "2b"}
    for reply in replies:
        model = reply.json()["model"]
        assert (model["name"], model["version"]) == (answers, versions[answers])
    assert replies[3].json()["manifest"]["name"] == answers


def test_model_lists_all_and_the_default(client: TestClient) -> None:
    for asked in ("", "?model=second"):
        told = client.get(f"/model{asked}").json()
        assert (told["known_models"], told["default_model"]) == (["tiny", "second"], "tiny")


def test_an_unknown_model_is_told_with_the_nearest(client: TestClient) -> None:
    replies = [
        client.post("/classify", json={"title": "shirt", "model": "secnd"}),
        client.post("/classify", files={"title": (None, "shirt"), "model": (None, "secnd")}),
        client.get("/categories?model=secnd"),
        client.get("/model?model=secnd"),
    ]
    for reply in replies:
        body = check_problem(reply, 404, "unknown_model", "'secnd'", "tiny, second", "Did you mean 'second'?")
        assert body["known_models"] == ["tiny", "second"]


def test_the_default_may_be_another_than_the_first(tiny_bundle: Path, second: Path) -> None:
    with serving(tiny_bundle, second, default="second") as client:
        assert client.post("/classify", json={"title": "shirt"}).json()["model"]["name"] == "second"
        assert client.get("/categories").json()["model"]["name"] == "second"
        told = client.get("/model").json()
        assert (told["known_models"], told["default_model"]) == (["tiny", "second"], "second")
        assert client.post("/classify", json={"title": "shirt", "model": "tiny"}).json()["model"]["name"] == "tiny"


def test_given_predictors_have_a_default_too() -> None:
    given = {"a": FakePredictor("a"), "b": FakePredictor("b")}
    client = TestClient(create_app(Settings(default_model="b"), predictors=given))
    assert client.post("/classify", json={"title": "Tops"}).json()["model"]["name"] == "b"
    with pytest.raises(ConfigError, match=r"MULTIMODAL_DEFAULT_MODEL='c': expected one of a, b\..*unset it"):
        create_app(Settings(default_model="c"), predictors=given)


def test_models_share_the_threads() -> None:
    pairs = threading.Barrier(2)

    class Paired(FakePredictor):
        def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
            pairs.wait(30)  # breaks, and the answer is a 500, where no second one ever runs beside it
            return super()._one(row, product, top_k)

    both = Paired()
    app = create_app(Settings(concurrency=2), predictors={"one": both, "two": both})
    with running(app) as address, ThreadPoolExecutor(8) as pool:

        def ask(number: int) -> int:
            sent = {"title": "Tops", "model": ("one", "two")[number % 2]}
            return httpx2.post(f"{address}/classify", json=sent, timeout=60).status_code

        assert set(pool.map(ask, range(8))) == {200}
    assert both.most_at_once == 2


# --- what keeps it from becoming ready -------------------------------------------------------------------------------


def test_one_bundle_that_fails_keeps_all_from_being_served(tiny_bundle: Path, second: Path, tmp_path: Path) -> None:
    damaged = renamed(second, tmp_path / "damaged")
    (damaged / LAYOUT.text).write_bytes(b"x")
    with serving(tiny_bundle, damaged) as client:
        told = refused(client, "1 of 2 bundles", f"{damaged}: the bundle is not what was exported", LAYOUT.text)
    assert str(tiny_bundle) not in told
    assert told.count(str(damaged)) == 1
    assert "leave it out of MULTIMODAL_BUNDLE" in told


def test_all_that_fail_are_told(tmp_path: Path, second: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = [tmp_path / "gone", tmp_path / "lost"]
    with serving(gone[0], second, gone[1]) as client:
        refused(client, "2 of 3 bundles", *map(str, gone))
    assert all(str(folder) in caplog.text for folder in gone)


def test_two_bundles_of_one_name(tiny_bundle: Path, tmp_path: Path) -> None:
    twin = renamed(tiny_bundle, tmp_path / "twin")
    with serving(tiny_bundle, twin) as client:
        refused(client, "the name 'tiny' twice", str(tiny_bundle), str(twin), "Leave one of them out")


def test_an_unknown_default(tiny_bundle: Path, second: Path) -> None:
    with serving(tiny_bundle, second, default="secnd") as client:
        refused(client, "MULTIMODAL_DEFAULT_MODEL='secnd'", "one of tiny, second", "Did you mean 'second'?", "unset it")


def test_what_nobody_foresaw_is_in_the_log_alone(
    second: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: str, **_: object) -> FakePredictor:
        raise RuntimeError("secret")

    monkeypatch.setattr(multimodal, "load", fail)
    with serving(second) as client:
        assert "secret" not in refused(client, f"{second}: RuntimeError while loading")
    assert "secret" in caplog.text


def test_ready_only_once_the_last_is_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    warming, go_on = threading.Event(), threading.Event()

    class Slow(FakePredictor):
        def warm_up(self) -> None:
            if self.name == "last":
                warming.set()
                assert go_on.wait(10)

    monkeypatch.setattr(multimodal, "load", lambda path, **_: Slow(path))
    with TestClient(create_app(Settings(bundle="first, last", concurrency=2))) as client:
        assert warming.wait(10)
        check_problem(client.get("/ready"), 503, "not_ready")
        check_problem(client.post("/classify", json={"title": "Tops", "model": "first"}), 503, "not_ready")
        assert client.get("/live").status_code == 200
        go_on.set()
        until = time.monotonic() + 10
        while client.get("/ready").status_code != 200:
            assert time.monotonic() < until
        assert client.get("/model").json()["known_models"] == ["first", "last"]


# --- settings --------------------------------------------------------------------------------------------------------


def test_folders_are_separated_by_commas() -> None:
    settings = Settings.from_environment({"MULTIMODAL_BUNDLE": "a/b, c d ,e", "MULTIMODAL_DEFAULT_MODEL": "x"})
    assert (settings.bundles, settings.default_model) == (("a/b", "c d", "e"), "x")
    assert Settings(bundle="one").bundles == ("one",)
    assert Settings.from_environment({"MULTIMODAL_DEFAULT_MODEL": ""}).default_model is None


@pytest.mark.parametrize("value", ["a,,b", ",a", "a, ", " "])
def test_an_empty_folder_among_them_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f"MULTIMODAL_BUNDLE='{value}'.*separated by commas; one of them is empty"):
        Settings.from_environment({"MULTIMODAL_BUNDLE": value})


def test_connections_may_wait_until_it_can_answer(tiny_bundle: Path) -> None:
    settings = Settings(bundle=str(tiny_bundle), log="off", load_first=True)
    with TestClient(create_app(settings)) as client:
        assert client.get("/ready").status_code == 200, "ready as soon as it takes a connection"


def test_waiting_ends_where_nothing_can_be_loaded(tmp_path: Path) -> None:
    settings = Settings(bundle=str(tmp_path / "gone"), log="off", load_first=True)
    with TestClient(create_app(settings)) as client:
        check_problem(client.get("/ready"), 503, "load_failed")

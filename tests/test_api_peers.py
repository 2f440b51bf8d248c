"""Workers of one service that know of each other: requests handed over, and connections shared out."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_support import FakePredictor, check_problem, jpeg, running
from multimodal.types import Prediction, Product, RowError
from multimodal_api import app as app_module
from multimodal_api import even_loop
from multimodal_api.app import create_app
from multimodal_api.board import Board
from multimodal_api.forms import Part
from multimodal_api.frames import Answered, Handed, answer, question, read_answer, read_question
from multimodal_api.problems import ProblemError
from multimodal_api.settings import Settings

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
PHOTO = {"image": ("photo.jpg", jpeg(), "image/jpeg")}
T = TypeVar("T")
_JSON = st.dictionaries(st.text(), st.text() | st.integers() | st.none())
_PARTS = st.lists(st.builds(Part, st.text(), st.none() | st.text(), st.binary().map(bytearray)))


class Held(FakePredictor):
    """Answers once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
        assert self.go_on.wait(30)
        return super()._one(row, product, top_k)


@pytest.fixture(autouse=True)
def boards(monkeypatch: pytest.MonkeyPatch) -> list[Board]:
    """Each app, and each event loop, is a worker of its own, named by the letters in turn."""
    made: list[Board] = []
    names = itertools.count()

    def board_in(folder: str) -> Board:
        made.append(Board(Path(folder), f"w{next(names)}"))
        return made[-1]

    monkeypatch.setattr(app_module, "board_in", board_in)
    monkeypatch.setattr(even_loop, "board_in", board_in)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(concurrency=1, peers=str(tmp_path / "w"))


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def ask(address: str, title: str) -> httpx2.Response:
    return httpx2.post(f"{address}/classify", data={"title": title}, files=PHOTO, timeout=60)


def known(board: Board, others: int) -> None:
    """Waits until a worker has seen the others."""
    until(lambda: len(board.others) == others)


def test_who_is_busy_hands_over_and_the_answer_is_the_same(settings: Settings, boards: list[Board]) -> None:
    held, free = Held(), FakePredictor()
    busy = create_app(settings, predictors={"fake": held})
    with (
        running(busy) as address,
        running(create_app(settings, predictors={"fake": free})) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        known(boards[0], 1)
        first = pool.submit(ask, address, "Tops")
        until(lambda: busy.state.service.admission.running == 1)
        assert boards[0].own.work == 1
        assert boards[1].others["w0"].work == 1
        for _ in range(3):
            handed, straight = ask(address, "Boots"), ask(other, "Boots")
            assert handed.json() == straight.json()
            assert "hand;dur=" in handed.headers["server-timing"]
            assert "hand;dur=" not in straight.headers["server-timing"]
            for stage in ("read", "queue", "parse", "predict", "encode", "reply"):
                assert f"{stage};dur=" in handed.headers["server-timing"]
        assert len(free.asked) == 6
        product = free.asked[0]["products"][0]
        assert (product.title, product.image.data, product.image.name) == ("Boots", jpeg(), "photo.jpg")
        broken = httpx2.post(f"{address}/classify", data={"titel": "Boots"}, files=PHOTO, timeout=60)
        alike = httpx2.post(f"{other}/classify", data={"titel": "Boots"}, files=PHOTO, timeout=60)
        told = check_problem(broken, 422, "unknown_field", "titel")
        assert {**told, "request_id": ""} == {**alike.json(), "request_id": ""}
        held.go_on.set()
        assert first.result().json()["category"]["id"] == "101"
    assert len(held.asked) == 1
    assert not list(Path(settings.peers or "").iterdir()), "who has left is not counted on"


def test_nobody_hands_over_to_who_has_as_much_to_do(settings: Settings, boards: list[Board]) -> None:
    held = [Held(), Held()]
    apps = [create_app(settings, predictors={"fake": one}) for one in held]
    with running(apps[0]) as address, running(apps[1]) as other, ThreadPoolExecutor(3) as pool:
        known(boards[0], 1)
        both = [pool.submit(ask, one, "Tops") for one in (address, other)]
        until(lambda: all(board.own.work == 1 for board in boards))
        third = pool.submit(ask, address, "Boots")
        until(lambda: apps[0].state.service.admission.waiting == 1)
        for one in held:
            one.go_on.set()
        assert [a.result().json()["category"]["id"] for a in (*both, third)] == ["101", "101", "200"]
    assert [len(one.asked) for one in held] == [2, 1]


def test_who_asked_a_worker_that_is_no_more_answers_itself(settings: Settings, boards: list[Board]) -> None:
    held = Held()
    app = create_app(settings, predictors={"fake": held})
    with running(app) as address, ThreadPoolExecutor(2) as pool:
        Board(Path(settings.peers or ""), "dead")  # it ended without leaving
        known(boards[0], 1)
        asked = [pool.submit(ask, address, "Tops")]
        until(lambda: app.state.service.admission.running == 1)
        asked.append(pool.submit(ask, address, "Boots"))
        until(lambda: app.state.service.admission.waiting == 1)
        held.go_on.set()
        assert [a.result().json()["category"]["id"] for a in asked] == ["101", "200"]


def test_a_worker_that_ends_meanwhile_loses_no_request(settings: Settings, boards: list[Board]) -> None:
    held, ending = Held(), Held()
    app = create_app(settings, predictors={"fake": held})
    end = create_app(settings, predictors={"fake": ending})
    with running(app) as address, ThreadPoolExecutor(2) as pool:
        with running(end):
            known(boards[0], 1)
            first = pool.submit(ask, address, "Tops")
            until(lambda: app.state.service.admission.running == 1)
            second = pool.submit(ask, address, "Boots")
            until(lambda: end.state.service.admission.running == 1)
            ending.go_on.set()
        assert second.result().json()["category"]["id"] == "200"
        held.go_on.set()
        assert first.result().status_code == 200
    assert (len(held.asked), len(ending.asked)) == (1, 1)


def test_nobody_works_for_a_client_that_left_after_its_request_was_handed_over(
    settings: Settings, boards: list[Board]
) -> None:
    held = [Held(), Held()]
    apps = [create_app(settings, predictors={"fake": one}) for one in held]
    admissions = [app.state.service.admission for app in apps]
    with running(apps[0]) as address, running(apps[1]) as other, ThreadPoolExecutor(3) as pool:
        known(boards[0], 1)
        there = [pool.submit(ask, other, "Tops")]
        until(lambda: boards[1].own.work == 1)
        there += [pool.submit(ask, address, "Tops")]
        until(lambda: admissions[0].running == 1)
        there += [pool.submit(ask, address, "Boots")]
        until(lambda: admissions[0].waiting == 1)
        with pytest.raises(httpx2.TimeoutException):  # one waits here, none there: it is handed over, and waits there
            httpx2.post(f"{address}/classify", data={"title": "Shirts"}, files=PHOTO, timeout=0.5)
        until(lambda: admissions[1].waiting == 0)
        for one in held:
            one.go_on.set()
        assert [a.result().status_code for a in there] == [200, 200, 200]
    assert [p.title for one in held for a in one.asked for p in a["products"]] == ["Tops", "Boots", "Tops"]


def test_what_an_ended_process_told_is_forgotten(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from multimodal_api.board import Board; Board(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    board = Board(tmp_path, str(os.getpid()))
    assert len(board.others) == 1
    board.forget_ended()
    assert board.others == {}
    assert [file.stem for file in tmp_path.iterdir()] == [str(os.getpid())]
    (tmp_path / "half.load").write_bytes(b"\x00")
    Board(tmp_path, "whole").own.work = 7
    until(lambda: "whole" in board.others)
    assert {name: load.work for name, load in board.others.items()} == {"whole": 7}


@given(body=st.binary() | _PARTS, id=st.text(), draft=st.booleans(), left=st.floats(0, 100))
def test_a_question_arrives_as_it_was_sent(body: bytes | list[Part], id: str, draft: bool, left: float) -> None:
    asked = Handed(body, id, draft, left)
    assert asyncio.run(_read(read_question, question(asked))) == asked


@given(
    st.binary() | st.builds(ProblemError, st.integers(400, 599), st.text(), st.text(), headers=_JSON, extra=_JSON),
    st.dictionaries(st.text(), st.floats(0, 1e6)),
    _JSON,
)
def test_an_answer_arrives_as_it_was_sent(
    content: bytes | ProblemError, stages: dict[str, float], notes: dict[str, object]
) -> None:
    given = asyncio.run(_read(read_answer, answer(Answered(content, stages, notes))))
    assert (given.stages, given.notes) == (stages, notes)
    if isinstance(content, bytes):
        assert given.content == content
    else:
        assert vars(given.content) == vars(content)


async def _read(read: Callable[[asyncio.StreamReader], Awaitable[T]], frame: bytes) -> T:
    reader = asyncio.StreamReader()
    reader.feed_data(frame)
    reader.feed_eof()
    return await read(reader)


class _Quiet(asyncio.Protocol):
    """Says nothing."""


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Two event loops behind one listening socket; its port."""
    monkeypatch.setenv(even_loop.VARIABLE, str(tmp_path / "doors"))
    loops, threads = [], []
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        for _ in range(2):
            loop = even_loop.EvenLoop()
            server = loop.run_until_complete(loop.create_server(_Quiet, sock=listening.dup(), backlog=50))
            thread = threading.Thread(target=loop.run_forever)
            thread.start()
            loops.append((loop, server))
            threads.append(thread)
        yield listening.getsockname()[1]
        for (loop, server), thread in zip(loops, threads, strict=True):
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.call_later, 0.05, loop.stop)
            thread.join(10)
            loop.close()


@pytest.mark.parametrize("at_once", [False, True])
def test_workers_share_out_the_connections(doors: int, boards: list[Board], at_once: bool) -> None:
    for board in boards:
        known(board, 1)

    def connect(_: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", doors), timeout=10)

    for _ in range(2):
        with ThreadPoolExecutor(20 if at_once else 1) as pool:
            opened = list(pool.map(connect, range(20)))
        until(lambda: sum(board.own.connections for board in boards) == 20)
        shares = [board.own.connections for board in boards]
        assert min(shares) >= (8 if at_once else 9), shares
        for one in opened:
            one.close()
        until(lambda: all(board.own.connections == 0 for board in boards))


class _Full(socket.socket):
    """A listening socket of a process that may open no more files."""

    tried = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.tried += 1
        raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("connections", [0, 2])
def test_a_worker_without_files_to_open_rests(
    tmp_path: Path, boards: list[Board], monkeypatch: pytest.MonkeyPatch, connections: int
) -> None:
    """However its connections compare with the other worker's: one try a rest, one line in the log."""
    monkeypatch.setenv(even_loop.VARIABLE, str(tmp_path / "doors"))
    other = Board(tmp_path / "doors", "another")
    other.own.connections = 1
    loop = even_loop.EvenLoop()
    told: list[str] = []
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    with closing(_Full()) as listening:
        listening.bind(("127.0.0.1", 0))
        server = loop.run_until_complete(loop.create_server(_Quiet, sock=listening, backlog=5))
        boards[-1].own.connections = connections
        with socket.create_connection(listening.getsockname(), timeout=10):
            loop.call_later(0.3, loop.stop)
            loop.run_forever()
        server.close()
    loop.close()
    assert (listening.tried, told) == (1, ["a connection cannot be taken"])

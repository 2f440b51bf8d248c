"""Measuring a service: what is asked, what counts as waiting, and the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from PIL import Image

from api_support import ROOT, FakePredictor, running
from multimodal.bench.asks import Ask, asks_of, request
from multimodal.bench.connection import Connection
from multimodal.bench.load import NO_ANSWER, Outcome, as_they_come, back_to_back, one_by_one, percentile
from multimodal.bench.local import free_port
from multimodal.bench.measure import Effort, measure_service
from multimodal.bench.processes import children, resident_mb
from multimodal.cli.bench import bench
from multimodal_api.app import create_app
from multimodal_api.settings import Settings

TITLES = Ask("title", tuple(request(title) for title in ("leather boots", "white sandals")))


@contextmanager
def service(predictor: FakePredictor | None = None, **settings: int) -> Iterator[int]:
    app = create_app(Settings(log="off", **settings), predictors={"fake": predictor or FakePredictor()})
    with running(app) as address:
        yield int(address.rpartition(":")[2])


@pytest.mark.parametrize(
    ("inputs", "sent"),
    [
        (("title", "image"), ["800×600 JPEG + title", "title", "800×600 JPEG"]),
        (("title", "characteristics"), ["title"]),
        (("image",), ["800×600 JPEG"]),
    ],
)
def test_a_bundle_is_asked_what_it_takes(inputs: tuple[str, ...], sent: list[str]) -> None:
    asks = asks_of(inputs)
    assert [ask.sent for ask in asks] == sent
    for ask in asks:
        assert len({one.content for one in ask.requests}) > 1, "one request over and over would be answered from caches"
        for one in ask.requests:
            assert (b"filename=" in one.content) == ("JPEG" in ask.sent)
            assert (b"title" in one.content) == ("title" in ask.sent)


def test_photos_are_sent_as_large_as_said() -> None:
    [ask] = asks_of(["image"])
    content = ask.requests[0].content
    photo = content[content.index(b"\xff\xd8") :]
    assert Image.open(BytesIO(photo)).size == (800, 600)


def test_titles_of_ones_own() -> None:
    [ask] = asks_of(["title"], ["Молоко 950мл"])
    assert [json.loads(one.content) for one in ask.requests] == [{"title": "Молоко 950мл"}]


def test_one_by_one_asks_as_often_as_said_and_in_turn() -> None:
    predictor = FakePredictor()
    with service(predictor) as port:
        outcome, replies = one_by_one(lambda: Connection("127.0.0.1", port), TITLES, 6, warm_up=2)
    assert outcome.statuses == {200: 6}
    assert len(replies) == len(outcome.waited) == len(outcome.inside) == 6
    asked = [options["products"][0].title for options in predictor.asked]
    assert asked == ["leather boots", "white sandals"] * 4
    assert all(inside <= waited for inside, waited in zip(outcome.inside, outcome.waited, strict=True))


def test_back_to_back_stops_at_the_number_and_counts_each() -> None:
    seen: list[int] = []
    with service() as port:
        connect = partial(Connection, "127.0.0.1", port)
        outcome = back_to_back(connect, TITLES, connections=3, requests=20, each=seen.append)
    assert seen == list(range(1, 21))
    assert outcome.statuses == {200: 20}
    assert outcome.rate == pytest.approx(20 / outcome.seconds)


def test_refusals_are_told_from_answers() -> None:
    with service(FakePredictor(delay=0.05), concurrency=1, queue=1) as port:
        connect = partial(Connection, "127.0.0.1", port)
        outcome = back_to_back(connect, TITLES, connections=6, requests=30)
    assert outcome.requests == 30
    assert outcome.statuses[503] > 0
    assert outcome.statuses[200] == len(outcome.waited) > 0
    assert outcome.statuses[NO_ANSWER] == 0
    assert outcome.bare_refusals == 0, "each says when to ask again"


def test_without_a_service_no_request_is_answered() -> None:
    port = free_port()
    outcome = back_to_back(lambda: Connection("127.0.0.1", port, timeout=1), TITLES, connections=2, requests=4)
    assert outcome.statuses == {NO_ANSWER: 4}
    assert outcome.rate == 0


class _Stalls(BaseHTTPRequestHandler):
    """Answers at once, but for one second after its first request."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    stalled = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with _Stalls.lock:
            if not _Stalls.stalled:
                _Stalls.stalled = True
                time.sleep(1)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_those_who_came_while_it_stalled_waited_too() -> None:
    _Stalls.stalled = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stalls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        connect = partial(Connection, "127.0.0.1", server.server_address[1])
        # One connection: 60 requests due within a second or so can only be sent after the stall.
        outcome = as_they_come(connect, TITLES, rate=60, seconds=1, connections=1)
    finally:
        server.shutdown()
        server.server_close()
    assert outcome.statuses == {200: 60}
    assert outcome.seconds >= 1
    assert sum(ms > 100 for ms in outcome.waited) > 30, "those due during the stall waited, though sent quickly"


def test_percentiles_by_hand() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0, 5.0], 50) == 3.0
    assert percentile([0.0, 10.0], 99) == pytest.approx(9.9)
    assert percentile([], 50) != percentile([], 50), "of nothing: not a number"
    assert Outcome().rate == 0


def test_figures_of_each_kind() -> None:
    told: list[str] = []
    with service() as port:
        connect = partial(Connection, "127.0.0.1", port)
        [row] = measure_service(connect, [TITLES], Effort(requests=10, seconds=0.3, connections=2), told.append)
    assert row["sent"] == "title"
    assert row["failed"] == 0
    assert row["answers_per_second"] > 0
    assert 0 < row["server_p50_ms"] <= row["client_p50_ms"]
    assert {"read", "predict", "encode"} <= row["stages_p50_ms"].keys()
    assert row["coming"]["per_second"] == pytest.approx(0.6 * row["answers_per_second"])
    assert len(told) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_counts_the_processes_of_a_process() -> None:
    alone = resident_mb(os.getpid())
    assert alone > 20
    command = [sys.executable, "-c", "x = bytearray(80_000_000); print(1, flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        assert child.pid in children(os.getpid())
        assert resident_mb(os.getpid()) > alone + 60
        child.stdin.close()


def test_the_command_measures_a_shipped_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = ROOT / "artifacts" / "grocery-ru"
    bench(bundle, requests=20, seconds=1.0, connections=2, workers=1, title=["Молоко 950мл"], as_json=True)
    figures = json.loads(capsys.readouterr().out)
    assert figures["bundle"] == "grocery-ru"
    assert [row["sent"] for row in figures["asked"]] == ["title"]
    assert figures["asked"][0]["failed"] == 0
    assert figures["resident_mb"] > 50


def test_the_command_shows_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    bench(ROOT / "artifacts" / "fashion", requests=20, seconds=1.0, connections=2, workers=1)
    told = capsys.readouterr().out
    assert "800×600" in told
    assert "0 requests failed" in told

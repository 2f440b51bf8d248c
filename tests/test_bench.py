"""Measuring a service: what is asked, what counts as waiting, and the command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from api_support import ROOT, FakePredictor, running
from multimodal.bench.asks import Ask, asks_of, request
from multimodal.bench.connection import Connection, Reply
from multimodal.bench.load import NO_ANSWER, Outcome, as_they_come, back_to_back, one_by_one, percentile
from multimodal.bench.local import LocalService, free_port
from multimodal.bench.measure import Effort, failures, measure_service, stage_times
from multimodal.bench.processes import children, resident_mb
from multimodal.bench.sweep import Setting, setting_name, settings_of, sweep
from multimodal.cli.bench import _first_reply, bench
from multimodal.errors import InputError
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


class _Behind(_Stalls):
    """Refuses its first two questions."""

    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        _Behind.asked += 1
        self.send_response(503 if _Behind.asked < 3 else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.mark.parametrize(("tries", "status"), [(5, 200), (2, 503)])
def test_a_service_that_is_behind_is_asked_again(tries: int, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multimodal.cli.bench._PAUSE", 0.0)
    monkeypatch.setattr("multimodal.cli.bench._TRIES", tries)
    _Behind.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Behind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        reply = _first_reply(LocalService(server.server_address[1], 0, 0.0), TITLES.requests[0])
    finally:
        server.shutdown()
        server.server_close()
    assert (reply.status, _Behind.asked) == (status, min(tries, 3))


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
    assert (row["failed"], row["failures"]) == (0, {})
    assert row["answers_per_second"] > 0
    assert 0 < row["server_p50_ms"] <= row["client_p50_ms"]
    assert {"read", "predict", "encode"} <= row["stages_p50_ms"].keys() == row["stages_p99_ms"].keys()
    assert all(row["stages_p50_ms"][name] <= p99 for name, p99 in row["stages_p99_ms"].items())
    assert row["coming"]["per_second"] == pytest.approx(0.6 * row["answers_per_second"])
    assert len(told) == 3


def test_stages_by_hand() -> None:
    """A stage that an answer went without took no time of it; what was refused is not counted."""
    told = [{"read": 1.0, "total": 1.0}, {"read": 2.0, "queue": 5.0, "total": 7.0}, {"read": 3.0, "total": 3.0}]
    replies = [Reply(200, {}, 9.0, stages) for stages in told]
    replies.append(Reply(503, {}, 9.0, {"read": 99.0, "total": 99.0}))
    assert stage_times(replies, 50) == {"read": 2.0, "queue": 0.0}
    assert stage_times(replies, 100) == {"read": 3.0, "queue": 5.0}
    assert stage_times([], 50) == {}


def test_the_stages_of_an_answer_add_up_to_its_total() -> None:
    with service() as port:
        _, replies = one_by_one(lambda: Connection("127.0.0.1", port), TITLES, 5)
    assert len(replies) == 5
    for reply in replies:
        parts = [ms for name, ms in reply.stages.items() if name != "total"]
        assert len(parts) > 3
        assert sum(parts) == pytest.approx(reply.stages["total"], abs=0.001 * len(parts)), "but for rounding"


def test_settings_are_each_with_each() -> None:
    assert settings_of([None], [None]) == [Setting()]
    assert settings_of([1, 2], [None]) == [Setting(1), Setting(2)]
    assert len(settings_of([1, 2], [1, 2, 4])) == 6
    assert Setting().environment() == {}
    assert Setting(2, 1).environment() == {"MULTIMODAL_CONCURRENCY": "2", "MULTIMODAL_THREADS": "1"}
    assert setting_name({"concurrency": None, "threads": None}) == "default"
    assert setting_name({"concurrency": 2, "threads": None}) == "concurrency 2"


def test_a_sweep_starts_the_service_anew_and_finds_where_it_answers_more() -> None:
    begun: list[Setting] = []

    @contextmanager
    def start(setting: Setting) -> Iterator[LocalService]:
        begun.append(setting)
        slow = FakePredictor(delay=0.05)
        assert setting.concurrency is not None
        # By threads always: a small body answered where it is read knows no concurrency.
        with service(slow, concurrency=setting.concurrency, quick_bytes=0) as port:
            yield LocalService(port, os.getpid(), 0.0)

    done: list[int] = []
    settings = settings_of([1, 4], [None])
    rows = sweep(start, [TITLES], settings, connections=[1, 4], seconds=0.6, on_progress=done.append)
    assert begun == settings
    assert done == [1, 2, 3, 4]
    assert [(row["concurrency"], load["connections"]) for row in rows for load in row["loads"]] == [
        (1, 1), (1, 4), (4, 1), (4, 4),
    ]  # fmt: skip
    loads = [load for row in rows for load in row["loads"]]
    assert all(load["failed"] == 0 and 50 <= load["client_p50_ms"] <= load["client_p99_ms"] for load in loads)
    one, four = rows[0]["loads"][1], rows[1]["loads"][1]
    assert one["answers_per_second"] <= 20, "one at a time, each 50 ms"
    assert four["answers_per_second"] > 1.3 * one["answers_per_second"]


def test_a_load_without_an_answer_has_no_times() -> None:
    @contextmanager
    def start(_: Setting) -> Iterator[LocalService]:
        yield LocalService(free_port(), os.getpid(), 0.0)

    [row] = sweep(start, [TITLES], [Setting()], connections=[1], seconds=0.05, on_progress=lambda _: None)
    [load] = row["loads"]
    assert (load["client_p50_ms"], load["client_p99_ms"], load["answers_per_second"]) == (None, None, 0)
    assert load["failed"] > 0
    assert load["failures"] == {"no answer": load["failed"]}


def test_failures_are_told_by_what_became_of_them() -> None:
    some = [Outcome(statuses=Counter({200: 5, 503: 2})), Outcome(statuses=Counter({0: 1, 503: 3, 500: 1}))]
    assert failures(*some) == {"503": 5, "no answer": 1, "500": 1}


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
    own = {"sweep_connections": "1,2", "sweep_concurrency": "1", "sweep_threads": "1,2"}
    bench(bundle, requests=20, seconds=1.0, connections=2, workers=1, title=["Молоко 950мл"], as_json=True, **own)
    figures = json.loads(capsys.readouterr().out)
    assert figures["bundle"] == "grocery-ru"
    assert [row["sent"] for row in figures["asked"]] == ["title"]
    [asked] = figures["asked"]
    assert asked["failed"] == 0
    # Medians of 20 need not add up; the stages of one answer do, see above.
    assert sum(asked["stages_p50_ms"].values()) == pytest.approx(asked["server_p50_ms"], rel=0.5)
    assert figures["resident_mb"] > 50
    assert figures["settings"]["sweep_connections"] == [1, 2]
    assert [(row["concurrency"], row["threads"]) for row in figures["sweep"]] == [(1, 1), (1, 2)]
    for row in figures["sweep"]:
        assert row["resident_mb"] > 50
        assert [(load["sent"], load["connections"]) for load in row["loads"]] == [("title", 1), ("title", 2)]
        assert all(load["answers_per_second"] > 0 for load in row["loads"])


def test_the_command_shows_tables_and_draws_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "new" / "speed.png"
    bundle = ROOT / "artifacts" / "fashion"
    bench(bundle, requests=20, seconds=1.0, connections=2, workers=1, sweep_connections="1,2", plot=picture)
    told = capsys.readouterr().out
    assert "800×600" in told
    assert "0 requests failed" in told
    assert "predict" in told
    assert "connections" in told
    assert "Wrote" in told
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > 600
        assert len(drawn.convert("RGB").getcolors(1 << 20) or []) > 10


def test_a_line_for_each_setting_and_a_bar_for_each_kind(tmp_path: Path) -> None:
    """Also where a load had no answer, and of kinds with stages of their own."""
    from multimodal.report.speed import plot_speed

    asked = [
        {"sent": "a $photo$", "server_p50_ms": 8.0, "server_p99_ms": 9.0, "stages_p50_ms": {"read": 3.0, "queue": 5.0}},
        {"sent": "title", "server_p50_ms": 1.0, "server_p99_ms": 2.0, "stages_p50_ms": {"read": 1.0}},
    ]
    loads = [{"sent": row["sent"], "connections": n, "answers_per_second": 0.0} for row in asked for n in (4, 1)]
    once = [{"concurrency": 1, "threads": None, "loads": loads}]
    file = plot_speed({"asked": asked, "sweep": once}, tmp_path / "once.png")
    twice = plot_speed({"asked": asked, "sweep": once * 2}, tmp_path / "twice.png")
    with Image.open(file) as one, Image.open(twice) as two:
        assert two.width > one.width, "the legend stands beside"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sweep_connections": "1,x"}, "--sweep-connections '1,x': expected whole numbers from 1"),
        ({"sweep_threads": "0"}, "--sweep-threads '0': expected whole numbers from 1"),
        ({"sweep_concurrency": "2,,1"}, "--sweep-concurrency '2,,1': expected whole numbers from 1"),
        ({"plot": Path("speed.jpg")}, "--plot speed.jpg: expected a file for the picture whose name ends in .png"),
        ({"plot": Path(__file__) / "speed.png"}, "is a file, expected a folder"),
    ],
)
def test_what_cannot_be_measured_or_drawn_is_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        bench(Path("nowhere"), **options)


def test_a_plot_without_matplotlib_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from multimodal.cli.main import main\n"
        "sys.argv = ['multimodal', 'bench', 'nowhere', '--plot', 'speed.png']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "bench --plot" in done.stderr
    assert "pip install 'multimodal[report]'" in done.stderr
    assert "Traceback" not in done.stderr

"""``multimodal serve`` with one bundle and with several: its arguments, and the service it starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from api_support import renamed
from multimodal.bench.connection import Connection
from multimodal.bench.local import HOST, LocalService, free_port, local_service
from multimodal.bench.processes import children
from multimodal.cli.main import main
from multimodal_api.settings import Settings

Refused = Callable[..., str]
RELOADS = 'multimodal_reloads_total{model="tiny",result="ok"}'


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs ``multimodal serve``, which must end with exit code 2; returns what it says."""

    def run(*arguments: object, **environment: str) -> str:
        for name in ("BUNDLE", "DEFAULT_MODEL"):
            monkeypatch.delenv(f"MULTIMODAL_{name}", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(f"MULTIMODAL_{name}", value)
        monkeypatch.setattr(sys, "argv", ["multimodal", "serve", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        return " ".join(capsys.readouterr().err.split())

    return run


@pytest.fixture
def second(tiny_bundle: Path, tmp_path: Path) -> Path:
    return renamed(tiny_bundle, tmp_path / "second", name="second")


def test_two_bundles_of_one_name(refused: Refused, tiny_bundle: Path, tmp_path: Path) -> None:
    twin = renamed(tiny_bundle, tmp_path / "twin")
    told = refused(tiny_bundle, twin)
    assert f"the name 'tiny' twice, from {tiny_bundle} and from {twin}" in told
    assert "Leave one of them out" in told


@pytest.mark.parametrize("by_environment", [False, True])
def test_an_unknown_default(refused: Refused, tiny_bundle: Path, second: Path, by_environment: bool) -> None:
    told = (
        refused(BUNDLE=f"{tiny_bundle},{second}", DEFAULT_MODEL="secnd")
        if by_environment
        else refused(tiny_bundle, second, "--default", "secnd")
    )
    assert "--default: got 'secnd', expected one of tiny, second. Did you mean 'second'?" in told
    assert "Give one of them, or leave it out" in told


def test_a_bundle_that_is_not_there_is_named(refused: Refused, tiny_bundle: Path, tmp_path: Path) -> None:
    for told in (
        refused(tiny_bundle, tmp_path / "gone"),
        refused(BUNDLE=f"{tiny_bundle}, {tmp_path}/gone"),
        refused(f"{tiny_bundle},{tmp_path}/gone", BUNDLE=str(tiny_bundle)),
    ):
        assert f"{tmp_path}/gone: got no manifest.json, expected a bundle's folder" in told
    assert "one of the folders is empty" in refused(BUNDLE=f"{tiny_bundle},")


def test_the_service_runs_what_the_options_say(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Settings] = []
    for name in ("BUNDLE", "DATABASE", "RUNTIME", "THREADS"):  # written by the command: to be as before afterwards
        monkeypatch.setenv(f"MULTIMODAL_{name}", "")
        monkeypatch.delenv(f"MULTIMODAL_{name}")
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: made.append(Settings.from_environment()))
    monkeypatch.setattr(sys, "argv", ["multimodal", "serve", str(tiny_bundle), "--port", "0", "--runtime", "openvino"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert (made[0].runtime, made[0].threads) == ("openvino", None)


def test_it_serves_all_that_are_given(tiny_bundle: Path, second: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "multimodal.cli.main", "serve", str(tiny_bundle), str(second)]
    command += ["--default", "second", "--threads", "1", "--port", str(port), "--database", "none"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(process, port)
        with Connection(HOST, port) as client:
            told = client.get("/model").body
            answers = [client.classify({"title": "Blue shirt", **asked}).body for asked in ({}, {"model": "tiny"})]
    finally:
        process.terminate()
        process.wait(20)
    assert (told["known_models"], told["default_model"]) == (["tiny", "second"], "second")
    assert [answer["model"]["name"] for answer in answers] == ["second", "tiny"]


def test_workers_answer_without_waiting_for_acknowledgements(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uvicorn.supervisors import Multiprocess

    found: list[int] = []

    shares: list[tuple[int, int, bool]] = []

    def run(supervisor: Multiprocess) -> None:
        settings = Settings.from_environment()
        shares.append((settings.at_once, settings.graph_threads, settings.waits))
        found.extend(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for s in supervisor.sockets)

    monkeypatch.setattr(Multiprocess, "run", run)
    monkeypatch.setattr("uvicorn.Config.configure_logging", lambda _: None)  # the log of this process is pytest's
    monkeypatch.setattr(
        sys, "argv", ["multimodal", "serve", str(tiny_bundle), "--workers", "2", "--port", "0", "--database", "none"]
    )
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr("multimodal_api.settings.usable_cores", lambda: 8)
    for name in ("BUNDLE", "DATABASE", "WORKERS"):
        monkeypatch.setenv(f"MULTIMODAL_{name}", "")
    with pytest.raises(SystemExit):
        main()
    assert found == [1], "with Nagle's algorithm an answer takes 40 ms more"
    assert shares == [(4, 1, True)], "two workers share eight cores, and none answers before it has loaded"


def test_several_workers_answer(tiny_bundle: Path) -> None:
    with local_service(str(tiny_bundle), workers=2) as service:
        assert len(children(service.pid)) >= 2
        for _ in range(10):  # each on a connection of its own, which either worker may take
            with service.client() as other:
                assert other.classify({"title": "Blue shirt"}).status == 200, "a worker answered before it had loaded"


def test_a_hangup_has_every_worker_read_its_bundles_again(tiny_bundle: Path) -> None:
    with local_service(str(tiny_bundle), workers=2) as service, service.client() as client:
        before = set(children(service.pid))
        until, reloaded = time.monotonic() + 60, 0.0
        os.kill(service.pid, signal.SIGHUP)
        while reloaded < 2 and time.monotonic() < until:
            assert client.classify({"title": "Blue shirt"}).status == 200
            time.sleep(0.05)
            reloaded = counted(service, RELOADS)
        assert reloaded == 2
        assert set(children(service.pid)) == before, "they were started anew"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hangup_while_it_starts_does_not_end_it(tiny_bundle: Path, workers: int) -> None:
    port = free_port()
    command = [sys.executable, "-m", "multimodal.cli.main", "serve", str(tiny_bundle), "--port", str(port)]
    process = subprocess.Popen([*command, "--workers", str(workers), "--database", "none"], stderr=subprocess.DEVNULL)
    service = LocalService(port, process.pid, time.perf_counter())
    try:
        until = time.monotonic() + 60
        while not (len(children(process.pid)) >= workers if workers > 1 else minds_hangups(process.pid)):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.002)
        before = set(children(process.pid))
        os.kill(process.pid, signal.SIGHUP)
        wait_ready(process, port)
        while workers > 1 and counted(service, RELOADS) < workers:  # one process has read it after the signal anyway
            assert time.monotonic() < until
            time.sleep(0.05)
        assert set(children(process.pid)) >= before, "one was ended by the signal"
        with service.client() as client:
            assert client.classify({"title": "Blue shirt"}).status == 200
    finally:
        process.terminate()
        process.wait(20)


def minds_hangups(pid: int) -> bool:
    """Whether SIGHUP would not end that process now, as /proc says."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    ignored, caught = (int(line.split()[1], 16) for line in lines if line.startswith(("SigIgn", "SigCgt")))
    return bool((ignored | caught) >> (signal.SIGHUP - 1) & 1)


def counted(service: LocalService, name: str) -> float:
    """What ``/metrics`` says of one counter; 0 while it has counted nothing."""
    with urlopen(f"http://{HOST}:{service.port}/metrics", timeout=30) as answer:
        found = [line for line in answer.read().decode().splitlines() if line.startswith(name)]
    return float(found[0].split()[-1]) if found else 0.0


def wait_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, f"the service ended with code {process.returncode}"
        with suppress(OSError), Connection(HOST, port, timeout=5) as client:
            if client.get("/ready").status == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the service was not ready in time")


def test_a_settings_file_is_not_overruled_by_defaults(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import uvicorn

    file = tmp_path / "service.yaml"
    file.write_text(f"bundle: {tiny_bundle}\ndatabase: sqlite:///{tmp_path}/kept.db\n", encoding="utf-8")
    found: list[Settings] = []
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: found.append(Settings.from_environment()))
    for words, environment in (([], True), (["--database", "none"], True), ([str(tiny_bundle)], False)):
        for name in ("BUNDLE", "DATABASE", "SETTINGS", "THREADS", "DEFAULT_MODEL"):
            monkeypatch.setenv(f"MULTIMODAL_{name}", "")  # first, so that it is put back as it was
            monkeypatch.delenv(f"MULTIMODAL_{name}")
        if environment:
            monkeypatch.setenv("MULTIMODAL_SETTINGS", str(file))
        monkeypatch.setattr(sys, "argv", ["multimodal", "serve", *words, "--port", "0"])
        with pytest.raises(SystemExit):
            main()
    told = [(one.bundle, one.database) for one in found]
    kept = f"sqlite:///{tmp_path}/kept.db"
    assert told == [(str(tiny_bundle), kept), (str(tiny_bundle), None), (str(tiny_bundle), "sqlite:///multimodal.db")]

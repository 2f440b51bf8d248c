"""What the service and its server write, by real processes: one form, from the first line to the last."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from multimodal.bench.connection import Connection
from multimodal.bench.local import HOST, free_port
from multimodal_api.logs import JsonFormatter
from multimodal_api.server_log import formatter
from test_api_serve import wait_ready

PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) \S")
Written = Callable[..., list[str]]


@pytest.fixture
def written(tiny_bundle: Path, tmp_path: Path) -> Written:
    """Starts the service, asks it once well and once badly, stops it; the lines of its standard error."""

    def run(*options: str, **environment: str) -> list[str]:
        port, file = free_port(), tmp_path / "stderr"
        command = [sys.executable, "-m", "multimodal.cli.main", "serve", str(tiny_bundle), "--port", str(port)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MULTIMODAL_")}
        told = {f"MULTIMODAL_{name}": value for name, value in environment.items()}
        with file.open("wb") as stderr:
            process = subprocess.Popen(
                [*command, "--database", "none", *options], env={**kept, **told}, stdout=subprocess.PIPE, stderr=stderr
            )
            try:
                wait_ready(process, port)
                with Connection(HOST, port) as client:
                    assert client.classify({"title": "Blue shirt"}).status == 200
                with socket.create_connection((HOST, port)) as broken:
                    broken.sendall(b"no HTTP at all\r\n\r\n")
                    assert b"400" in broken.recv(1000)
            finally:
                process.send_signal(signal.SIGTERM)
                out, _ = process.communicate(timeout=30)
        assert out == b""
        return file.read_text(encoding="utf-8").splitlines()

    return run


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_line_is_json(written: Written, workers: str) -> None:
    lines = [json.loads(line) for line in written("--workers", workers)]
    assert all({"time", "level", "message"} <= set(line) for line in lines)
    said = "\n".join(line["message"] for line in lines)
    for told in ("Uvicorn running on", "Application startup complete.", "Invalid HTTP request", "POST /classify 200"):
        assert told in said
    assert len([line for line in lines if line.get("path") == "/classify"]) == 1
    [invalid] = [line for line in lines if "Invalid HTTP request" in line["message"]]
    assert invalid["level"] == "warning"
    assert said.count("Started server process") == int(workers)


@pytest.mark.parametrize("form", ["text", "off"])
def test_other_forms_are_for_people(written: Written, form: str, tmp_path: Path) -> None:
    settings = tmp_path / "service.yaml"
    settings.write_text(f"log: {form}\n", encoding="utf-8")
    lines = written(SETTINGS=str(settings))
    assert all(PLAIN.match(line) for line in lines), lines
    assert any("INFO Uvicorn running on" in line for line in lines)
    assert any("POST /classify 200" in line for line in lines) == (form == "text")


@contextmanager
def warnings_as_before() -> Iterator[None]:
    with warnings.catch_warnings():
        try:
            yield
        finally:
            logging.captureWarnings(False)


def test_settings_that_do_not_fit_are_left_to_the_service_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_LOG", "jsn")
    with warnings_as_before():
        assert isinstance(formatter(), JsonFormatter)
    monkeypatch.setenv("MULTIMODAL_LOG", "text")
    with warnings_as_before():
        assert not isinstance(formatter(), JsonFormatter)

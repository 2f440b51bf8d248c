"""The service as a process of its own: what goes wrong is said."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from api_support import FakePredictor, jpeg, running
from multimodal.bench.connection import Connection
from multimodal.bench.local import LocalServiceError, free_port, local_service
from multimodal_api.app import create_app
from multimodal_api.settings import Settings


def test_missing_bundle_is_said_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    with (
        pytest.raises(LocalServiceError, match="absent"),
        local_service(str(tmp_path / "absent"), ready_within=30),
    ):
        pass
    assert time.monotonic() - started < 15


def test_settings_that_do_not_fit_are_said(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalServiceError, match=r"ended with code 1(.|\n)*MULTIMODAL_THREADS='x'"),
        local_service(str(tmp_path), environment={"MULTIMODAL_THREADS": "x"}),
    ):
        pass


def test_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalServiceError, match=f"Port {port} .*another"), local_service("b", port=port):
            pass
    assert free_port(port) == port


def test_time_limit_is_kept(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalServiceError, match="not ready in time"),
        local_service(str(tmp_path), ready_within=0.01),
    ):
        pass


def test_client_without_a_server() -> None:
    with Connection("127.0.0.1", free_port(), timeout=1) as client, pytest.raises(OSError, match="refused"):
        client.get("/live")


def test_client_asks_again_where_the_server_closed_an_idle_connection() -> None:
    app = create_app(Settings(), predictors={"fake": FakePredictor()})
    with running(app, timeout_keep_alive=0) as at, Connection("127.0.0.1", int(at.rpartition(":")[2])) as client:
        assert client.get("/live").status == 200
        connection = client._connection.sock
        assert connection.recv(1) == b""  # waits until the server has closed it
        assert client.classify({"title": "Tops"}, jpeg(size=(600, 800))).status == 200

"""API keys and their limits, other origins, settings from a file, and what is told of them at the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_support import FakePredictor, check_problem, logged
from multimodal.errors import ConfigError
from multimodal_api.access import Key, read_keys
from multimodal_api.app import create_app
from multimodal_api.settings import Settings

SHOP, LAB = "shop-0123456789abcdef", "lab-0123456789abcdef"
ASK = {"title": "Boots"}


def _client(**settings: Any) -> TestClient:
    return TestClient(create_app(Settings(**settings), predictors={"fake": FakePredictor()}))


def test_only_keys_that_are_known_may_ask() -> None:
    client = _client(api_keys=f"shop={SHOP}, lab={LAB}")
    assert client.post("/classify", json=ASK, headers={"Authorization": f"Bearer {SHOP}"}).status_code == 200
    assert client.post("/classify", json=ASK, headers={"X-API-Key": LAB}).status_code == 200
    wrong: list[dict[str, str]] = [{}, {"X-API-Key": "x"}, {"Authorization": f"Basic {SHOP}"}, {"X-API-Key": SHOP[:-1]}]
    for headers in wrong:
        for path in ("/classify", "/classify/batch", "/feedback"):
            refused = client.post(path, json=ASK, headers=headers)
            check_problem(refused, 401, "unknown_key", "Authorization: Bearer KEY")
        assert client.get("/metrics", headers=headers).status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    for path in ("/live", "/ready", "/", "/page/main.js", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200
    found = client.get("/metrics", headers={"X-API-Key": LAB}).text
    assert 'multimodal_problems_total{code="unknown_key",path="/classify"} 4.0' in found


def test_a_key_over_its_limit_is_told_when_to_come_again() -> None:
    client = _client(api_keys=f"shop={SHOP}@2,lab={LAB}")
    answers = [client.post("/classify", json=ASK, headers={"X-API-Key": SHOP}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    check_problem(answers[2], 429, "too_many_requests", "'shop' may ask 2 times a minute")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert client.post("/classify", json=ASK, headers={"X-API-Key": LAB}).status_code == 200


def test_the_bucket_fills_with_time() -> None:
    """60 a minute: one a second, and no more than 60 saved up."""
    key = Key("k", b"", 60)
    now = key._at
    assert [key.wait(now) for _ in range(60)] == [0] * 60
    assert key.wait(now) == pytest.approx(1.0)
    assert key.wait(now + 0.25) == pytest.approx(0.75)
    assert key.wait(now + 1.0) == 0
    later = now + 1000
    assert [key.wait(later) for _ in range(61)] == [*[0] * 60, pytest.approx(1.0)]
    free = Key("k", b"")
    assert [free.wait(now) for _ in range(5)] == [0] * 5


@pytest.mark.parametrize(
    "told", ["shop", SHOP, f"={SHOP}", "shop=short", f"a={SHOP},a={LAB}", f"a={SHOP}@0", f"a={SHOP}@x"]
)
def test_keys_that_do_not_fit(told: str) -> None:
    with pytest.raises(ConfigError, match=r"MULTIMODAL_API_KEYS: entry \d: expected name=key") as error:
        read_keys(told)
    assert SHOP not in error.value.message


def test_other_origins_may_not_ask_unless_named() -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in _client().options("/classify", headers=asked).headers
    client = _client(cors="https://shop.example, https://lab.example", api_keys=f"shop={SHOP}")
    told = client.options("/classify", headers=asked).headers
    assert told["access-control-allow-origin"] == "https://shop.example"
    other = client.options("/classify", headers={**asked, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    answer = client.post("/classify", json=ASK, headers={"Origin": "https://shop.example", "X-API-Key": SHOP})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_settings_from_a_file_below_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text("threads: 2\nqueue: 7\nlog: text\n", encoding="utf-8")
    settings = Settings.from_environment({"MULTIMODAL_SETTINGS": str(file), "MULTIMODAL_QUEUE": "9"})
    assert (settings.threads, settings.queue, settings.log) == (2, 9, "text")
    for text, told in (
        ("queu: 7", "queu: no such setting. Did you mean 'queue'"),
        (f"api_keys: shop={SHOP}", "secrets come from the environment alone"),
        ("- 1", "expected a mapping"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=told):
            Settings.from_environment({"MULTIMODAL_SETTINGS": str(file)})
    with pytest.raises(ConfigError, match="no such file"):
        Settings.from_environment({"MULTIMODAL_SETTINGS": str(tmp_path / "none.yaml")})


def test_secrets_are_masked_where_settings_are_told() -> None:
    told = Settings.from_environment(
        {"MULTIMODAL_API_KEYS": f"shop={SHOP}", "MULTIMODAL_DATABASE": "postgresql://me:hidden@host/db",
         "MULTIMODAL_QUEUE": "5"}
    ).shown()  # fmt: skip
    text = json.dumps(told)
    assert SHOP not in text
    assert "hidden" not in text
    assert told["queue"] == 5
    assert told["database"] == "postgresql:***"
    assert Settings(database="none").database is None
    assert "deadline" not in told


def test_settings_are_told_at_the_start() -> None:
    with logged("multimodal_api") as records, _client(queue=5, api_keys=f"shop={SHOP}"):
        pass
    told = [record.__dict__["told"]["settings"] for record in records if record.getMessage() == "settings"]
    assert told == [{"queue": 5, "api_keys": "**********"}]

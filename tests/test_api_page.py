"""The page as it is served: its files, its rules, and that it asks for nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from api_support import FakePredictor, check_problem
from multimodal_api.app import create_app
from multimodal_api.pages import FOLDER
from multimodal_api.settings import Settings

FILES = sorted(file.name for file in FOLDER.iterdir())


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in FILES)])
def test_every_file_is_served_under_strict_rules(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    rules = dict(rule.split(" ", 1) for rule in response.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_asked_from_elsewhere(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]+\.", text)
    assert not re.search(r"\son[a-z]+=|javascript:|innerHTML|eval\(|style=", text), "what the rules would block"
    if name.endswith((".js", ".html")):
        for wanted in re.findall(r"(?:from \"\./|/page/)([\w.]+)", text):
            assert wanted in FILES


@pytest.mark.parametrize("name", ["none.js", "..%2fapp.py", "%2e%2e/app.py", "index.html%00"])
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    check_problem(client.get(f"/page/{name}"), 404, "not_found")


def test_both_languages_say_the_same_things() -> None:
    text = (FOLDER / "words.js").read_text(encoding="utf-8")
    english, russian = text.split("  ru: {")
    names = [re.findall(r"(?:^|[{,]\s)\s*(\w+):", part, re.MULTILINE) for part in (english, russian.split("\n};")[0])]
    assert set(names[0]) - {"en"} == set(names[1])
    used = "".join((FOLDER / name).read_text(encoding="utf-8") for name in FILES if name != "words.js")
    for wanted in re.findall(r"say\(\"(\w+)\"|data-(?:say|hint)=\"(\w+)\"", used):
        assert "".join(wanted) in names[0]

"""The page at ``/docs``: what it tells, that it asks for nothing from elsewhere, and that everything is escaped."""

from __future__ import annotations

import json
import shlex
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_support import FakePredictor
from multimodal_api.app import create_app
from multimodal_api.docs_page import docs_page
from multimodal_api.markup import prose, tag
from multimodal_api.settings import Settings
from multimodal_api.shapes import Shapes

VOID = {"meta", "link"}
HOSTILE = "<i x='&quot;\">"


class Read(HTMLParser):
    """The elements of a page, which must be closed in the order they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.opened == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.opened.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.opened.pop() == name

    def handle_data(self, text: str) -> None:
        if self.opened and text.strip():
            self.said.append((self.opened[-1], text))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for one, attributes in self.elements if one == name]

    def text(self) -> str:
        return "".join(text for _, text in self.said)


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(Settings(), predictors={"fake": FakePredictor()}))


@pytest.fixture(scope="module")
def page(client: TestClient) -> Read:
    return Read(client.get("/docs").text)


def test_it_has_the_rules_of_the_other_page(client: TestClient) -> None:
    told, home = client.get("/docs"), client.get("/")
    assert told.headers["content-type"] == "text/html; charset=utf-8"
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"):
        assert told.headers[name] == home.headers[name]


def test_it_asks_for_nothing_from_elsewhere(client: TestClient, page: Read) -> None:
    wanted = [str(one["href"]) for one in page.named("link")]
    assert len(wanted) == 3
    for path in [*wanted, *(str(one["href"]) for one in page.named("a") if not str(one["href"]).startswith("#"))]:
        assert path.startswith("/")
        assert client.get(path).status_code == 200
    assert not {"script", "style", "img", "iframe", "form"} & {name for name, _ in page.elements}
    attributes = {name for _, told in page.elements for name in told}
    assert not [name for name in attributes if name in ("style", "src") or name.startswith("on")]


def test_every_operation_is_told(client: TestClient, page: Read) -> None:
    text, anchors = page.text(), {one["id"] for one in page.named("section")}
    assert anchors == {str(one["href"])[1:] for one in page.named("a") if str(one["href"]).startswith("#")}
    for path, item in client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            assert f"{method.upper()} {path}" in text
            assert operation["summary"] in text
            assert f"{method}-{path[1:].replace('/', '-')}" in anchors
            assert set(operation["responses"]) <= {said for name, said in page.said if name == "b"}
    for told in ("integer, 1 to 10, or null", "string, 1 to 160 characters", "How many suggestions; 2 unless asked.",
                 "application/x-ndjson", "The body is broken", "tree_version", "integer, 1 to 200; 20 unless given",
                 "Null unless `explain` is asked for.".replace("`", ""), "Its place among the items, from 0.",
                 'multimodal_requests_total{path="/classify",status="200"} 17.0', "A category with its path",
                 "object of booleans, at most 50 names, names of 1 to 80 characters"):  # fmt: skip
        assert told in text


def test_its_headings_leave_no_level_out(page: Read) -> None:
    levels = [int(name[1]) for name, _ in page.elements if name in ("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    names = {one["id"] for one in page.named("h2")}
    assert {one["aria-labelledby"] for one in page.named("section")} == names


def test_its_curl_lines_ask_where_it_was_asked(client: TestClient) -> None:
    app = client.app
    lines = [
        said for name, said in Read(TestClient(app, base_url="https://shop.example:8443").get("/docs").text).said
        if name == "code" and said.startswith("curl ")
    ]  # fmt: skip
    assert len(lines) == 11
    for line in lines:
        words = shlex.split(line)
        assert [word for word in words if word.startswith("https://shop.example:8443/")]
        for body in (words[i + 1] for i, word in enumerate(words) if word == "-d"):
            assert isinstance(json.loads(body), dict)
    assert "-F image=@photo.jpg -F 'title=Men Navy Polo Tshirt' -F top_k=3" in lines[0]
    for host in ("x;$(id)<b>", "[::1]:8000"):
        odd = client.get("/docs", headers={"Host": host}).text
        assert host not in odd
        assert "/classify -F image=@photo.jpg" in odd


@pytest.mark.parametrize("keys", [None, "shop=shop-0123456789abcdef"])
def test_keys_are_told_of(keys: str | None) -> None:
    found = Read(TestClient(create_app(Settings(api_keys=keys))).get("/docs").text)
    told = [said for name, said in found.said if name == "p" and said.startswith("Wants an API key")]
    assert len(told) == 8
    assert all("Authorization: Bearer KEY or X-API-Key: KEY" in said for said in told)
    assert all(("which this one has not" in said) == (keys is None) for said in told)
    lines = [said for name, said in found.said if name == "code" and said.startswith("curl ")]
    assert sum("-H 'Authorization: Bearer KEY'" in line for line in lines) == (0 if keys is None else 9)


def test_its_curl_lines_are_answered(client: TestClient, page: Read) -> None:
    for line in (said for name, said in page.said if name == "code" and said.startswith("curl ")):
        _, _, url, *words = shlex.split(line)
        told = dict(zip(words[::2], words[1::2], strict=True))
        if "-F" in told or "/feedback" in url or "/review" in url:
            continue  # a photo of the reader's own, and what needs a database
        kind = dict([told["-H"].split(": ")]) if "-H" in told else {}
        method = "POST" if "-d" in told else "GET"
        answer = client.request(method, url, content=told.get("-d"), headers=kind)
        assert answer.status_code == 200, f"{line}: {answer.text}"


def test_everything_is_escaped(client: TestClient) -> None:
    document = hostile(client.get("/openapi.json").json())
    found = Read(docs_page(document))
    assert found.named("i") == []
    assert found.text().count(HOSTILE) > 500
    assert {name for name, _ in found.elements} <= {
        "html", "head", "meta", "link", "title", "body", "header", "main", "nav", "section", "footer", "details",
        "summary", "h1", "h2", "h3", "h4", "p", "a", "ul", "li", "dl", "dt", "dd", "pre", "code", "b", "span",
    }  # fmt: skip


def hostile(part: Any, free: bool = False) -> Any:
    """A document with markup in all its texts, and in all the names that are free to choose."""
    if isinstance(part, list):
        return [hostile(one) for one in part]
    if isinstance(part, str):
        return part + HOSTILE
    if not isinstance(part, dict):
        return part
    chosen = ("paths", "properties", "content", "responses", "examples")
    return {
        (name + HOSTILE if free else name): value
        if name in ("$ref", "type", "in", "required")
        else hostile(value, free=not free and name in chosen)
        for name, value in part.items()
    }


def test_what_is_no_markup_is_escaped() -> None:
    assert tag("p", "a < b", tag("b", "&"), class_='"') == '<p class="&quot;">a &lt; b<b>&amp;</b></p>'
    assert prose("`a<b`, ``c``\n\n`") == "<p><code>a&lt;b</code>, <code>c</code></p><p>`</p>"
    assert prose("") == ""


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        ({"type": "string", "format": "binary"}, "file"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"const": 7}, "7"),
        ({"type": "string", "pattern": "^a+$", "minLength": 1}, "string, at least 1 character, matching ^a+$"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "list of lists of numbers"),
        ({"type": "array", "items": {}, "minItems": 1}, "list of anything, at least 1 item"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "object of booleans"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"$ref": "#/components/schemas/Node"}, "object"),
        ({"type": "boolean", "default": False}, "boolean; false unless given"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert SHAPES.words(schema) == words


NODE = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}
SHAPES = Shapes({"components": {"schemas": {"Node": NODE}}})


def test_a_schema_that_holds_itself_ends() -> None:
    [below] = SHAPES.fields({"$ref": "#/components/schemas/Node"})
    assert (below.name, below.kind, below.fields) == ("below", "list of objects", ())

"""The page at ``/docs``: the OpenAPI document as HTML that needs no script and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multimodal_api.bodies import FORM
from multimodal_api.curl import curl_lines
from multimodal_api.document import headers_of, wants_key
from multimodal_api.markup import Markup, inline, joined, prose, tag
from multimodal_api.shapes import Field, Shapes

ADDRESS = "http://localhost:8000"
_METHODS = ("get", "put", "post", "delete", "patch")
_HEAD = Markup(
    '<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n'
    '<link rel="icon" href="/page/icon.svg" type="image/svg+xml">\n'
    '<link rel="stylesheet" href="/page/style.css">\n'
    '<link rel="stylesheet" href="/page/docs.css">\n'
)


def docs_page(document: Mapping[str, Any]) -> str:
    """The page of one OpenAPI document; its curl lines ask the service at ``ADDRESS``."""
    info = document["info"]
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    ]
    title = f"{info['title']} {info['version']}"
    header = tag("header", tag("h1", title), tag("p", inline(info.get("summary", ""))))
    contents = (_content(path, method, one["summary"]) for path, method, one in operations)
    sections = (_operation(path, method, one, document) for path, method, one in operations)
    links = tag("a", "The page", href="/"), tag("a", "This as OpenAPI", href="/openapi.json")
    body = tag(
        "body",
        header,
        tag("main", tag("nav", tag("ul", *contents), aria_label="Operations"), *sections, class_="docs"),
        tag("footer", links[0], " · ", links[1]),
    )
    return "<!doctype html>\n" + tag("html", tag("head", _HEAD, tag("title", f"{title}: HTTP API")), body, lang="en")


def _content(path: str, method: str, summary: str) -> Markup:
    link = tag("a", f"{method.upper()} {path}", href=f"#{_anchor(method, path)}")
    return tag("li", link, " ", inline(summary))


def _operation(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Markup:
    anchor, shapes, keys = _anchor(method, path), Shapes(document), headers_of(document, operation)
    sent = keys[:1] if wants_key(operation) else []
    return tag(
        "section",
        tag("h2", tag("span", method.upper(), class_="method"), " ", tag("code", path), id=f"{anchor}-name"),
        tag("p", inline(operation["summary"])),
        tag(
            "details",
            tag("summary", "Fields, answers and examples"),
            prose(operation.get("description", "")),
            *_keys(keys, bool(sent)),
            *_parameters(operation, shapes),
            *_body(operation, shapes),
            *_answers(operation, shapes),
            tag("h3", "With curl"),
            *(_code(line) for line in curl_lines(ADDRESS + path, method, operation, shapes, sent)),
        ),
        id=anchor,
        aria_labelledby=f"{anchor}-name",
    )


def _keys(keys: Sequence[str], wanted: bool) -> Iterator[Markup]:
    if keys:
        told = (
            "Wants an API key: " if wanted else "Wants an API key where the service has some, which this one has not: "
        )
        yield tag("p", told, " or ".join(keys), ".")


def _parameters(operation: Mapping[str, Any], shapes: Shapes) -> Iterator[Markup]:
    told: dict[str, list[Field]] = {}
    for one in operation.get("parameters", ()):
        field = shapes.field(
            one["name"], one["schema"], required=one.get("required", False), about=one.get("description", "")
        )
        told.setdefault(one["in"], []).append(field)
    for place, fields in told.items():
        yield tag("h3", f"Parameters in the {place}")
        yield _fields(fields, asked=True)


def _body(operation: Mapping[str, Any], shapes: Shapes) -> Iterator[Markup]:
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        yield tag("h3", "Body")
    for kind, media in content.items():
        yield tag("h4", kind)
        yield from _media(media, shapes, asked=True, shown=kind != FORM)


def _answers(operation: Mapping[str, Any], shapes: Shapes) -> Iterator[Markup]:
    """Statuses whose answers look alike stand together."""
    yield tag("h3", "Answers")
    alike: list[tuple[Any, list[Markup]]] = []
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if not alike or alike[-1][0] != content:
            alike.append((content, []))
        alike[-1][1].append(tag("li", tag("b", status), " ", inline(answer["description"])))
    for content, statuses in alike:
        yield tag("ul", *statuses, class_="statuses")
        for kind, media in content.items():
            yield tag("h4", kind)
            yield from _media(media, shapes)


def _media(media: Mapping[str, Any], shapes: Shapes, *, asked: bool = False, shown: bool = True) -> Iterator[Markup]:
    """Fields and, where it is to be shown, an example of what is asked or answered."""
    schema = media.get("schema", {})
    yield prose(shapes.about(schema))
    if fields := shapes.fields(schema):
        yield _fields(fields, asked=asked)
    else:
        yield tag("p", shapes.words(schema))
    if shown and (example := shapes.example(media)) is not None:
        told = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)
        yield tag("details", tag("summary", "Example"), _code(told))


def _fields(fields: Sequence[Field], *, asked: bool) -> Markup:
    return tag("dl", *(joined(*_field(field, asked)) for field in fields))


def _field(field: Field, asked: bool) -> Iterator[Markup]:
    """Whether it is required is told where it is asked; in an answer it stands anyway."""
    required = tag("b", "required", class_="required") if asked and field.required else Markup()
    yield tag("dt", tag("code", field.name), " ", tag("span", field.kind, class_="kind"), " ", required)
    below = Markup()
    if field.fields:
        summary = tag("summary", "Fields of ", tag("code", field.name))
        below = tag("details", summary, _fields(field.fields, asked=asked))
    yield tag("dd", prose(field.about), below)


def _code(text: str) -> Markup:
    return tag("pre", tag("code", text))


def _anchor(method: str, path: str) -> str:
    return re.sub(r"\W+", "-", method + path).strip("-")

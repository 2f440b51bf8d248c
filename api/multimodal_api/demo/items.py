"""A question of the demo, and whether an answer to it is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multimodal.bench.connection import Connection, Reply

BOTH, PHOTO, TITLE, BROKEN = "photo + title", "photo only", "title only", "broken photo + title"


class DemoError(RuntimeError):
    """The demo cannot be held with this bundle."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question, the model it goes to, and the top-level category its answer belongs under."""

    kind: str
    title: str
    photo: bytes | None
    root: str
    model: str

    @property
    def fields(self) -> dict[str, str]:
        """What is sent beside the photo."""
        said = {} if self.kind == PHOTO else {"title": self.title}
        return {**said, "model": self.model}


def is_hit(item: Item, reply: Reply) -> bool:
    """Whether the model asked answered, and its best category is under the expected root."""
    answer = best_category(reply)
    if answer is None or reply.body["model"]["name"] != item.model:
        return False
    root: str = answer["path"][0]["id"]
    return root == item.root


def best_category(reply: Reply) -> dict[str, Any] | None:
    """The answer's category, or the best suggestion where it abstains; None for an error."""
    if reply.status != 200:
        return None
    best: dict[str, Any] | None = reply.body["category"] or next(iter(reply.body["suggestions"]), None)
    return best


def roots(client: Connection, model: str) -> dict[str, str]:
    """Category id -> id of the top of its path, for every category of a model."""
    tree = client.get("/categories", {"model": model}).body["categories"]
    nodes = {n["id"]: n["parent_id"] for n in tree}

    def root(node: str) -> str:
        while (above := nodes[node]) is not None:
            node = above
        return node

    return {node: root(node) for node in nodes}

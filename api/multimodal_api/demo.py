"""``python -m multimodal_api.demo``: starts the service, asks it about a handful of products, stops it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from multimodal.data.sample import FASHION_IDS, draw_products
from multimodal.types import Product
from multimodal_api.client import Client, Reply
from multimodal_api.local import LocalServiceError, local_service

SEED = 20_240
"""Far from the seeds of any training data, so that no drawing of the demo was ever trained on."""
DRAWN = 60
ENOUGH = 0.8
_BOTH, _PHOTO, _TITLE, _BROKEN = "photo + title", "photo only", "title only", "broken photo + title"
# the order turns, so that each kind meets several branches of the tree
_KINDS = (_BOTH, _PHOTO, _TITLE, _PHOTO, _TITLE, _BOTH, _TITLE, _BOTH, _PHOTO, _BROKEN)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")


@dataclass(frozen=True, slots=True)
class Item:
    """One question of the demo and the top-level category its answer belongs under."""

    kind: str
    title: str
    photo: bytes | None
    root: str

    @property
    def fields(self) -> dict[str, str]:
        return {} if self.kind == _PHOTO else {"title": self.title}


class DemoError(RuntimeError):
    """The demo cannot be held with this bundle."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; 0 when enough answers land in the expected branch, 1 when not, 2 when it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m multimodal_api.demo", description=__doc__)
    parser.add_argument("--bundle", default="artifacts/fashion", help="folder of the bundle to serve")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        with local_service(options.bundle, port=options.port) as service, service.client() as client:
            console.print(f"The service runs on http://127.0.0.1:{service.port}, asking it …")
            share = _ask(client, console)
    except (LocalServiceError, DemoError, OSError, HTTPException) as error:
        Console(stderr=True).print(f"The demo cannot run: {error or type(error).__name__}", style="red", markup=False)
        return 2
    console.print("The service is stopped. To leave it running: ", end="")
    console.print(f"multimodal serve {options.bundle}", style="bold", markup=False)
    return 0 if share >= ENOUGH else 1


def _ask(client: Client, console: Console) -> float:
    items = list(pick(list(draw_products(DRAWN, SEED)), _roots(client)))
    replies = [client.classify(item.fields, item.photo) for item in items]
    hits = [is_hit(item, reply) for item, reply in zip(items, replies, strict=True)]
    console.print(_table(items, replies, hits))
    _print_timings(console, replies)
    share = sum(hits) / len(hits)
    console.print(f"{sum(hits)} of {len(hits)} answers are in the expected branch (at least {ENOUGH:.0%} asked).")
    return share


def _roots(client: Client) -> dict[str, str]:
    """Category id -> id of the top of its path, for every category served."""
    nodes = {n["id"]: n["parent_id"] for n in client.get("/categories").body["categories"]}

    def root(node: str) -> str:
        while (above := nodes[node]) is not None:
            node = above
        return node

    return {node: root(node) for node in nodes}


def pick(products: Sequence[Product], roots: Mapping[str, str]) -> Iterator[Item]:
    """One product for each kind of question, in turn over the branches so that none dominates.

    Raises:
        DemoError: too few drawn products have a photo, an English title and a category of the tree.
    """
    usable = [(p, r) for p in products if _asks_in_english(p) and (r := _root_of(p, roots)) is not None]
    if len(usable) < len(_KINDS):
        raise DemoError(
            f"{len(usable)} of {len(products)} drawn products fit the bundle's tree, expected {len(_KINDS)}; "
            "serve artifacts/fashion, or a bundle trained on the sample catalog"
        )
    for kind, (product, root) in zip(_KINDS, _spread(usable), strict=False):
        assert product.image is not None
        assert product.title is not None
        photo = None if kind == _TITLE else product.image.data
        if kind == _BROKEN and photo is not None:
            photo = photo[: len(photo) // 3]
        yield Item(kind, product.title, photo, root)


def _spread(usable: Sequence[tuple[Product, str]]) -> Iterator[tuple[Product, str]]:
    queues: dict[str, list[tuple[Product, str]]] = {}
    for pair in usable:
        queues.setdefault(pair[1], []).append(pair)
    while queues:
        for root in list(queues):
            yield queues[root].pop(0)
            if not queues[root]:
                del queues[root]


def _asks_in_english(product: Product) -> bool:
    has_photo = product.image is not None and product.image.data is not None
    return has_photo and bool(product.title) and not _CYRILLIC.search(product.title or "")


def _root_of(product: Product, roots: Mapping[str, str]) -> str | None:
    drawn = product.category_id or ""
    return roots.get(drawn) or roots.get(FASHION_IDS.get(drawn, ""))


def is_hit(item: Item, reply: Reply) -> bool:
    """Whether the answer, or the best suggestion where it abstains, is under the expected root."""
    answer = _answer(reply)
    return answer is not None and answer["path"][0]["id"] == item.root


def _answer(reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    best: dict[str, Any] | None = reply.body["category"] or next(iter(reply.body["suggestions"]), None)
    return best


def _table(items: Sequence[Item], replies: Sequence[Reply], hits: Sequence[bool]) -> Table:
    table = Table(title="What was asked, and what came back")
    for name in ("sent", "answer", "p", "by", "ms", ""):
        table.add_column(name, justify="right" if name in {"p", "ms"} else "left")
    for item, reply, hit in zip(items, replies, hits, strict=True):
        sent = "\n".join((f"[bold]{item.kind}[/bold]", *map(escape, item.fields.values())))
        table.add_row(sent, *_cells(reply), "✓" if hit else "✗")
    return table


def _cells(reply: Reply) -> tuple[str, str, str, str]:
    answer = _answer(reply)
    if answer is None:
        return escape(f"{reply.status} {reply.body.get('detail', '')}"), "–", "–", f"{reply.ms:.1f}"
    path = " › ".join(step["name"] for step in answer["path"])
    note = "".join(f"\n({warning})" for warning in reply.body["warnings"])
    return escape(path + note), f"{answer['probability']:.2f}", reply.body["modality"]["used"], f"{reply.ms:.1f}"


def _print_timings(console: Console, replies: Sequence[Reply]) -> None:
    names = list(dict.fromkeys(stage for reply in replies for stage in reply.stages))
    parts = (f"{n} {median(r.stages[n] for r in replies if n in r.stages):.2f}" for n in names)
    console.print(f"Median ms on the server by stage: {', '.join(parts)}")


if __name__ == "__main__":
    sys.exit(main())

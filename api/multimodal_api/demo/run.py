"""Runs the demo from start to end."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from rich.console import Console

from multimodal.artifact import LAYOUT, open_bundle
from multimodal.bench.connection import Connection
from multimodal.bench.local import LocalServiceError, local_service
from multimodal.errors import BundleError, MissingExtraError
from multimodal_api import demo
from multimodal_api.demo.fashion import fashion_items
from multimodal_api.demo.groceries import grocery_items
from multimodal_api.demo.items import DemoError, Item, is_hit, roots
from multimodal_api.demo.show import answer_table, print_timings

ENOUGH = 0.8
GROCERY = "artifacts/grocery-ru"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; 0 when enough answers land in the expected branch, 1 when not, 2 when it cannot run."""
    options = _options(arguments)
    console = Console()
    try:
        bundles = [options.bundle, *beside(options.grocery, console)]
        with local_service(*bundles, port=options.port) as service, service.client() as client:
            console.print(f"The service runs on http://127.0.0.1:{service.port}, asking it …")
            share = _ask(client, console)
    except (LocalServiceError, BundleError, DemoError, OSError, HTTPException) as error:
        Console(stderr=True).print(f"The demo cannot run: {error or type(error).__name__}", style="red", markup=False)
        return 2
    console.print("The service is stopped. To leave it running: ", end="")
    console.print(f"multimodal serve {' '.join(bundles)}", style="bold", markup=False, soft_wrap=True)
    console.print("Then open http://127.0.0.1:8000/ in a browser: a page to drop a photo on and type a title.")
    return 0 if share >= ENOUGH else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m multimodal_api.demo", description=demo.__doc__)
    parser.add_argument("--bundle", default="artifacts/fashion", help="folder of the bundle to ask about fashion")
    parser.add_argument("--grocery", help=f"folder of the bundle to ask about groceries; {GROCERY} where it is there")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    return parser.parse_args(arguments)


def beside(asked: str | None, console: Console) -> list[str]:
    """The grocery bundle, where there is one that can be opened here; else says what is missing."""
    if asked is not None:
        return [asked]
    if not Path(GROCERY, LAYOUT.manifest).is_file():
        console.print(f"There is no bundle in {GROCERY}: asking about fashion alone.")
        return []
    try:
        open_bundle(GROCERY, verify=False)  # the service verifies it
    except MissingExtraError as error:
        console.print(f"{error} Until then: asking about fashion alone.", markup=False)
        return []
    return [GROCERY]


def _ask(client: Connection, console: Console) -> float:
    """Asks every model served and shows its answers; returns the share of hits among all."""
    fashion, *grocery = client.get("/model").body["known_models"]
    hits = _ask_one(client, console, fashion_items(fashion, roots(client, fashion)))
    for model in grocery:
        hits += _ask_one(client, console, grocery_items(model, roots(client, model)))
    console.print(f"{sum(hits)} of {len(hits)} answers are in the expected branch (at least {ENOUGH:.0%} asked).")
    return sum(hits) / len(hits)


def _ask_one(client: Connection, console: Console, items: Sequence[Item]) -> list[bool]:
    replies = [client.classify(item.fields, item.photo) for item in items]
    hits = [is_hit(item, reply) for item, reply in zip(items, replies, strict=True)]
    console.print(answer_table(items, replies, hits))
    print_timings(console, replies)
    return hits

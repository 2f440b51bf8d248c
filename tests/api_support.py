"""A small predictor for tests of the API, and a real server around an app."""

from __future__ import annotations

import base64
import io
import json
import logging
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import uvicorn
from fastapi import FastAPI
from PIL import Image
from pydantic import BaseModel

from multimodal.artifact import LAYOUT, Profile
from multimodal.artifact.manifest import own_sha256
from multimodal.errors import InputError
from multimodal.image import decode_image
from multimodal.options import AnswerOptions, Decoding
from multimodal.taxonomy import Node, Tree
from multimodal.text import TextKitchen
from multimodal.types import (
    INPUTS,
    AttributeScore,
    CandidateSet,
    CategoryScore,
    Conflict,
    InputName,
    PathStep,
    Prediction,
    Product,
    RowError,
    TagScore,
)

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "artifacts" / "fashion"

TREE = Tree(
    [
        Node("1", "Apparel", None),
        Node("10", "Topwear", "1"),
        Node("100", "Shirts", "10"),
        Node("101", "Tops", "10"),
        Node("2", "Footwear", None),
        Node("20", "Shoes", "2"),
        Node("200", "Boots", "20"),
        Node("201", "Sandals", "20"),
    ]
)


class FakeManifest(BaseModel):
    """What /model shows."""

    capabilities: dict[str, bool] = {"tags": True}
    metrics: dict[str, float] = {"top1": 0.5}
    provenance: dict[str, str] = {"data": "none"}


class FakePredictor:
    """Answers with the leaf whose name stands in the title, else by the photo's mean brightness.

    Text and photo go through the real kitchens, so bad ones fail with the real codes.
    """

    version = "7"
    tree = TREE
    inputs: tuple[InputName, ...] = INPUTS
    manifest = FakeManifest()
    profile: Profile | None = None
    quick = False

    def __init__(self, name: str = "fake", delay: float = 0.0) -> None:
        self.name = name
        self.delay = delay
        self.asked: list[dict[str, Any]] = []
        self.running = self.most_at_once = 0
        self._lock = threading.Lock()
        self._kitchen = TextKitchen()

    def warm_up(self) -> None:
        """Nothing to warm."""

    def classify(
        self,
        products: Sequence[Product],
        *,
        top_k: int = 2,
        min_confidence: float | None = None,
        accuracy: float | None = None,
        decoding: Decoding = "argmax",
        explain: bool = False,
    ) -> list[Prediction | RowError]:
        asked = asdict(AnswerOptions(top_k, min_confidence, accuracy, decoding))
        options = {**asked, "explain": explain}
        with self._lock:
            self.asked.append({**options, "products": list(products)})
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        time.sleep(self.delay)
        try:
            return [self._one(row, product, top_k) for row, product in enumerate(products)]
        finally:
            with self._lock:
                self.running -= 1

    def _one(self, row: int, product: Product, top_k: int) -> Prediction | RowError:
        warnings: list[str] = []
        try:
            present = set(self._kitchen.fields(product).present)
        except InputError as error:
            return RowError(product.id, row, "text", error.code, error.message)
        brightness = None
        if product.image is not None:
            try:
                brightness = float(np.asarray(decode_image(product.image)).mean())
                present.add("image")
            except InputError as error:
                if not present:
                    return RowError(product.id, row, "image", error.code, error.message)
                warnings.append(error.message)
        if not present:
            return RowError(product.id, row, "read", "nothing_usable", "nothing in it can be used")
        return _prediction(product, row, _leaf(product, brightness), present, top_k, warnings)


def _leaf(product: Product, brightness: float | None) -> str:
    title = (product.title or "").lower()
    named = [leaf for leaf in TREE.leaves if TREE.node(leaf).name.lower() in title]
    if named:
        return named[0]
    return "201" if brightness is not None and brightness > 128 else "200"


def _prediction(
    product: Product, row: int, leaf: str, present: set[InputName], top_k: int, warnings: list[str]
) -> Prediction:
    order = [leaf, *(other for other in TREE.leaves if other != leaf)]
    best = [_score(node, 0.93 / (1 + i * 20)) for i, node in enumerate(order)]
    has_text, has_image = bool(present - {"image"}), "image" in present
    return Prediction(
        id=product.id,
        row=row,
        decision="leaf",
        category=best[0],
        suggestions=tuple(best[:top_k]),
        used="fused" if has_text and has_image else "image" if has_image else "text",
        missing=tuple(name for name in INPUTS if name not in present),
        needs_review=False,
        candidates=CandidateSet(0.95, tuple(order[:2])) if has_image else None,
        tags=(TagScore("floral", 0.81, True),) if has_image else (),
        attributes=(AttributeScore("colour", "navy", 0.74),) if has_image else (),
        conflict=Conflict(best[0].path[0], best[1].path[0]) if has_image and has_text else None,
        warnings=tuple(warnings),
    )


def _score(leaf: str, probability: float) -> CategoryScore:
    node = TREE.node(leaf)
    path = tuple(PathStep(n.id, n.name, probability) for n in TREE.path(leaf))
    return CategoryScore(leaf, node.name, True, probability, path)


def renamed(bundle: Path, folder: Path, **changes: object) -> Path:
    """A copy of a bundle whose manifest says other things of itself, signed again."""
    shutil.copytree(bundle, folder)
    file = folder / LAYOUT.manifest
    raw = {**json.loads(file.read_text(encoding="utf-8")), **changes}
    raw["manifest_sha256"] = own_sha256(raw)
    file.write_text(json.dumps(raw), encoding="utf-8")
    return folder


def jpeg(brightness: int = 200, size: tuple[int, int] = (60, 80)) -> bytes:
    """A photo of one grey."""
    out = io.BytesIO()
    Image.new("RGB", size, (brightness,) * 3).save(out, "JPEG")
    return out.getvalue()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def check_problem(response: httpx2.Response, status: int, code: str, *mentions: str) -> dict[str, Any]:
    """Asserts that a response is a complete problem of that kind; returns its body."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["type"].endswith(code)
    assert body["title"]
    assert body["instance"] == response.request.url.path
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    for mention in mentions:
        assert mention in body["detail"]
    return body


@contextmanager
def running(app: FastAPI, **options: Any) -> Iterator[str]:
    """The app behind a real server on a free loopback port; yields its address. Options are uvicorn's."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the server ended"
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def logged(name: str) -> Iterator[list[logging.LogRecord]]:
    """What a log is told meanwhile, wherever else it goes."""
    log, kept = logging.getLogger(name), _Kept()
    level = log.level
    log.addHandler(kept)
    log.setLevel(logging.INFO)
    try:
        yield kept.records
    finally:
        log.removeHandler(kept)
        log.setLevel(level)

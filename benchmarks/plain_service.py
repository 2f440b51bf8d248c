"""The peer of ``serving.py``: the same model behind a plain FastAPI service on eager torch, as tutorials build one.

    PLAIN_BUNDLE=artifacts/fashion python benchmarks/plain_service.py --port 8001 --workers 2

The weights are the bundle's, read back into torch; text goes through the bundle's kitchen, so that both answer
alike. Photos are decoded whole, as Pillow does unasked. Each process answers one request at a time, by one torch
thread. Several processes are started as ours are, or uvicorn would add 40 ms to each answer.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
import torch
import uvicorn
from fastapi import FastAPI, Form, UploadFile
from PIL import Image
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from torch import Tensor

from multimodal.artifact import open_bundle
from multimodal.cli.workers import run_workers
from multimodal.config.models import FusionConfig, ImageConfig
from multimodal.image import letterbox, second_look
from multimodal.models.bag import Bag
from multimodal.models.from_bundle import load_tower, read_state
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.text import TextTower
from multimodal.models.text_from_bundle import load_text
from multimodal.serving.samples import Kitchens
from multimodal.types import Product

_TOP = 2


class PlainModel:
    """A bundle of n-grams and a photo tower as torch modules."""

    def __init__(self, folder: Path) -> None:
        bundle = open_bundle(folder)
        self.tree, self.vocabularies = bundle.tree, bundle.vocabularies()
        kitchen = Kitchens(bundle).text
        assert kitchen is not None
        self.kitchen = kitchen
        config, leaves = bundle.manifest.provenance["config"], bundle.manifest.leaves
        labels = len(bundle.manifest.tags) + sum(len(a.values) for a in bundle.manifest.attributes)
        image = ImageConfig.model_validate(config["image"])
        assert bundle.manifest.image is not None
        self.size, self.doubt = image.size, bundle.manifest.image.second_look
        self.image = ImageTower(image, leaves, labels=labels)
        load_tower(self.image, folder, "image")
        self.text = _text_tower(folder, len(self.vocabularies["ngrams"]), leaves)
        load_text(self.text, self.vocabularies, folder)
        fusion = FusionConfig.model_validate(config["fusion"])
        self.fusion = FusionMLP(self.text.dim, self.image.dim, fusion.hidden, leaves, 0.0)
        load_tower(self.fusion, folder, "fusion")
        for tower in (self.image, self.text, self.fusion):
            tower.eval()
        self.mixes, self.tags = bundle.manifest.calibration.mixes, bundle.manifest.tags

    @torch.inference_mode()
    def classify(self, title: str | None, photo: bytes | None) -> dict[str, Any]:
        """The likeliest leaves with their paths, of a title, a photo, or both; and the tags that a photo shows."""
        logits: dict[str, Tensor] = {}
        text = None if title is None else self.text(self._ids(title))
        image, tags = (None, []) if photo is None else self._seen(photo, alone=title is None)
        if text is not None:
            logits["text"] = text[1]
        if image is not None:
            logits["image"] = image[1]
        if text is not None and image is not None:
            yes = torch.ones(1, dtype=torch.bool)
            logits["fused"] = self.fusion(text[0], image[0], text[1], image[1], yes, yes)
        mix = self.mixes["+".join(n for n, there in (("title", title), ("image", photo)) if there is not None)]
        scores = sum(w * torch.log_softmax(logits[head][0], dim=0) for head, w in mix.weights.items() if w)
        probabilities = torch.softmax(torch.as_tensor(scores) / mix.temperature, dim=0)
        best = probabilities.topk(_TOP)
        suggestions = [
            {
                "path": [step.name for step in self.tree.path(self.tree.leaves[place])],
                "id": self.tree.leaves[place],
                "probability": float(value),
            }
            for value, place in zip(best.values, best.indices.tolist(), strict=True)
        ]
        return {"suggestions": suggestions, "tags": tags}

    def _ids(self, title: str) -> dict[Any, tuple[Tensor, ...]]:
        [fields] = self.kitchen.fields_of([Product(title=title)])
        encoded = self.kitchen.encode([fields])["ngrams"]
        ids = torch.from_numpy(self.vocabularies["ngrams"].ids(encoded)).long()
        return {"ngrams": (ids, torch.zeros(1, dtype=torch.int64))}

    def _seen(self, photo: bytes, *, alone: bool) -> tuple[tuple[Tensor, Tensor], list[dict[str, Any]]]:
        image = Image.open(io.BytesIO(photo)).convert("RGB")
        pixels = torch.from_numpy(letterbox(image, *self.size))[None]
        if self.image.labels is None:
            vector, logits = self.image(pixels)
            return (vector, self._surer(logits, pixels) if alone else logits), []
        vector, scores = self.image.told(pixels, self.image.labels)
        tags = [
            {"name": tag.name, "probability": float(torch.sigmoid(tag.slope * score + tag.offset))}
            for tag, score in zip(self.tags, scores[0], strict=False)
        ]
        logits = self.image.head(vector)
        return (vector, self._surer(logits, pixels) if alone else logits), tags

    def _surer(self, logits: Tensor, pixels: Tensor) -> Tensor:
        """Those of both looks at a photo, where the first leaves doubt."""
        if float(torch.softmax(logits, dim=1).max()) >= self.doubt:
            return logits
        both: Tensor = (logits + self.image(torch.from_numpy(second_look(pixels.numpy())))[1]) / 2
        return both


def _text_tower(folder: Path, rows: int, leaves: int) -> TextTower:
    state = read_state(folder, "text")
    bag = Bag(rows, state["head.weight"].shape[1])
    bag.idf.copy_(state["parts.ngrams.idf"][:, 0])
    bag.field.copy_(state["parts.ngrams.field"][:, 0])
    return TextTower({"ngrams": bag}, leaves)


class Timed:
    """Tells in ``Server-Timing`` how long a request took; as light as a middleware can be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = f"total;dur={(time.perf_counter() - started) * 1000:.3f}"
                message["headers"] = [*message["headers"], (b"server-timing", took.encode())]
            await send(message)

        await self.app(scope, receive, told)


def create_app() -> FastAPI:
    """The service; reads ``PLAIN_BUNDLE``."""
    torch.set_num_threads(1)
    model = PlainModel(Path(os.environ["PLAIN_BUNDLE"]))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/classify")
    def classify(title: Annotated[str | None, Form()] = None, image: UploadFile | None = None) -> dict[str, Any]:
        return model.classify(title, None if image is None else image.file.read())

    app.add_middleware(Timed)
    return app


def main() -> None:
    """Serves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    settings: dict[str, Any] = {"factory": True, "port": options.port, "access_log": False}
    settings |= {"log_level": "warning", "http": "h11"}
    if options.workers > 1:
        run_workers(uvicorn.Config("plain_service:create_app", workers=options.workers, **settings))
    else:
        uvicorn.run("plain_service:create_app", **settings)


if __name__ == "__main__":
    main()

"""What answers are worth when inputs are missing, cut short, spoiled or not the product's own.

    python benchmarks/missing_inputs.py --bundle artifacts/fashion --json benchmarks/results/missing-fashion.json
    python benchmarks/missing_inputs.py --bundle artifacts/fashion --test --json missing-test.json  # once, at the end

Every mix of inputs of a shipped bundle; titles cut to their first or their longest word; photos blurred, cropped or
replaced by strangers: noise, and where they are there the dresses of dress_patterns and the phones' photos of
clothes_phone. *Warned*: the photo was told to be unlike those of the training. Answers are those of ``classify``.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

import multimodal
from command import printed, split_parser
from measuring import Measuring
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.evaluation import ece
from multimodal.serving.core import STRANGER
from multimodal.types import INPUTS, ImageRef, InputName, Prediction, Product
from shipped import Case, Shipped
from tables import cell, table

Change = Callable[[Product, int], Product]
_STRANGERS = {"a dress": "dress_patterns", "a phone's photo": "clothes_phone"}
_SOME = 200
"""Photos of each kind of strangers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the bundle and prints the table; 0 when done, 2 for bad usage or input."""
    options = split_parser(__doc__).parse_args(arguments)
    return printed(lambda: run(options))


def run(options: argparse.Namespace) -> str:
    """Answers every product of the split in every state; returns the table."""
    on = Measuring.asked(options)
    measured = {name: _measured(on.predictor, on.source(), change) for name, change in states(on.shipped, options.data)}
    found = on.told({"states": measured}, options.json)
    return markdown(found)


def states(shipped: Shipped, data: Path) -> Iterator[tuple[str, Change]]:
    """What is done to a product's inputs, by the name of its row in the table."""
    seen = [name for name in INPUTS if name in shipped.full.inputs]
    subsets = chain.from_iterable(combinations(seen, size) for size in range(1, len(seen) + 1))
    mixes = [Case(frozenset(subset)) for subset in subsets]
    yield from ((case.name, partial(_only, inputs=case.inputs)) for case in mixes)
    photos = any("image" in case.inputs for case in mixes)
    beside = ("", " + photo") if photos else ("",)
    for said, cut in (("first word", _first_word), ("longest word", _longest_word)):
        for rest in beside:
            yield f"title's {said}{rest}", partial(_cut, cut=cut, photo=bool(rest))
    if not photos:
        return
    spoiled: dict[str, Callable[[ImageRef], ImageRef]] = {
        "blurred photo": partial(_edited, edit=_blurred),
        "middle of the photo": partial(_edited, edit=_middle),
    }
    for name, edit in spoiled.items():
        yield name, partial(_spoiled, edit=edit, title=False)
        yield f"title + {name}", partial(_spoiled, edit=edit, title=True)
    for name, others in _strangers(data):
        yield f"title + {name}", partial(_beside, others=others)


def _measured(predictor: multimodal.Predictor, source: SourceConfig, change: Change) -> dict[str, Any]:
    products = (p for p in read_source(source, labelled=True) if isinstance(p, Product))
    labels: list[str] = []

    def changed() -> Iterator[Product]:
        for row, product in enumerate(products):
            labels.append(product.category_id or "")
            yield change(product, row)

    tree, rows = predictor.tree, []
    for answer in predictor.stream(changed()):
        if not isinstance(answer, Prediction):
            continue
        label = labels[answer.row]
        likeliest = [s.id for s in answer.suggestions]
        given = answer.category
        right = given is not None and given.id in {node.id for node in tree.path(label)}
        rows.append((likeliest[0] == label, label in likeliest, answer.suggestions[0].probability,
                     given is not None, right, answer.decision == "leaf", answer.needs_review,
                     STRANGER in answer.warnings))  # fmt: skip
    if not rows:
        return {"rows": 0}
    best, two, sure, answered, held, leaf, review, warned = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "rows": len(rows),
        "top1": float(best.mean()),
        "top2": float(two.mean()),
        "ece": ece(sure, best),
        "leaf_coverage": float(leaf.mean()),
        "right": float(held.sum() / answered.sum()) if answered.any() else None,
        "needs_review": float(review.mean()),
        "warned": float(warned.mean()),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The table of all states."""
    rows = []
    for name, one in found["states"].items():
        if one["rows"]:
            shares = ("leaf_coverage", "right", "needs_review", "warned")
            figures = [cell(one[key]) for key in ("top1", "top2", "ece")]
            rows.append([name, f"{one['rows']:,}", *figures, *(_share(one[key]) for key in shares)])
    return "\n".join(
        [
            f"{found['data']}, {found['split']}. *Leaf*: rows answered with a leaf; *right*: of the answers, at or "
            "below the category; *review*: rows marked for it; *warned*: photo unlike those of the training.",
            "",
            *table(["sees", "rows", "top-1", "top-2", "ECE", "leaf", "right", "review", "warned"], rows),
        ]
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _only(product: Product, row: int, inputs: frozenset[InputName]) -> Product:
    return replace(product, **{name: None for name in INPUTS if name not in inputs})


def _first_word(title: str) -> str:
    return title.split()[0]


def _longest_word(title: str) -> str:
    return max(title.split(), key=len)


def _cut(product: Product, row: int, cut: Callable[[str], str], photo: bool) -> Product:
    title = cut(product.title) if product.title and product.title.strip() else None
    return Product(title=title, image=product.image if photo else None)


def _spoiled(product: Product, row: int, edit: Callable[[ImageRef], ImageRef], title: bool) -> Product:
    photo = None if product.image is None else edit(product.image)
    return Product(title=product.title if title else None, image=photo)


def _beside(product: Product, row: int, others: Sequence[ImageRef]) -> Product:
    return Product(title=product.title, image=others[row % len(others)])


def _edited(photo: ImageRef, edit: Callable[[Image.Image], Image.Image]) -> ImageRef:
    assert photo.data is not None, "the sets hold their photos' bytes"
    with Image.open(io.BytesIO(photo.data)) as opened:
        return _png(edit(opened.convert("RGB")))


def _blurred(photo: Image.Image) -> Image.Image:
    """As if out of focus: a twentieth of its width."""
    return photo.filter(ImageFilter.GaussianBlur(photo.width / 20))


def _middle(photo: Image.Image) -> Image.Image:
    """Half its width and height."""
    w, h = photo.size
    return photo.crop((w // 4, h // 4, w - w // 4, h - h // 4))


def _png(photo: Image.Image) -> ImageRef:
    out = io.BytesIO()
    photo.save(out, "PNG")
    return ImageRef(data=out.getvalue())


def _strangers(data: Path) -> Iterator[tuple[str, list[ImageRef]]]:
    rng = np.random.default_rng(20)
    noise = rng.integers(0, 256, (_SOME, 160, 120, 3)).astype(np.uint8)
    yield "noise", [_png(Image.fromarray(one)) for one in noise]
    for name, folder in _STRANGERS.items():
        file = data / folder / "val.parquet"
        if file.is_file():
            read = read_source(SourceConfig(path=str(file)), labelled=False)
            photos = [p.image for p in read if isinstance(p, Product) and p.image is not None]
            yield name, [photos[i] for i in np.sort(rng.permutation(len(photos))[:_SOME])]


if __name__ == "__main__":
    raise SystemExit(main())

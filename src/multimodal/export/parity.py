"""Proof that the exported graphs say what the trained model says, or no bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from multimodal.artifact.engine import Engine
from multimodal.errors import ExportError
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.numeric import sigmoid, softmax
from multimodal.training.arrays import Split
from multimodal.training.encoders import TextPart, tensors_of
from multimodal.types import FloatArray

FLOAT_BOUND = 1e-4
STORED_BOUND = 5e-3
SAME_TOP1 = 0.995
_BATCHES = (1, 7, 64)
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Towers:
    """The trained modules that a bundle is made of."""

    text: TextPart | None = None
    image: ImageTower | None = None
    fusion: FusionMLP | None = None


@dataclass(frozen=True, slots=True)
class HeadParity:
    """How far one head of the bundle is from torch.

    Attributes:
        rows: validation rows compared.
        probability: largest difference of any probability.
        same_top1: share of rows with the same best leaf.
        bound: what ``probability`` was held to.
    """

    rows: int
    vector: float
    logits: float
    probability: float
    same_top1: float
    bound: float


def prove(
    engine: Engine,
    towers: Towers,
    split: Split,
    rows: int,
    stored: Mapping[str, str],
    outputs: Sequence[int] = (),
) -> dict[str, HeadParity]:
    """Compares features, logits and probabilities for each head, in batches of 1, 7 and 64.

    Args:
        stored: storage type by part ("text", "image"); float32 is held to the tighter bound.
        outputs: which outputs of the photo tower's label head the graph answers.

    Raises:
        ExportError: a head is beyond its bound.
    """
    at = np.linspace(0, len(split) - 1, min(rows, len(split))).astype(np.int64)
    results: dict[str, HeadParity] = {}
    ours: dict[str, tuple[FloatArray, FloatArray]] = {}
    theirs: dict[str, tuple[FloatArray, FloatArray]] = {}
    if towers.text is not None and split.text is not None:
        some = at[split.has_text[at]]
        ours["text"], theirs["text"] = _text(engine, towers.text, split, some)
        results["text"] = _compare("text", ours["text"], theirs["text"], stored["text"])
    if towers.image is not None and split.pixels is not None:
        some = at[split.has_image[at]]
        ours["image"], theirs["image"] = _image(engine, towers.image, split.pixels, some)
        results["image"] = _compare("image", ours["image"], theirs["image"], stored["image"])
        if towers.image.labels is not None and outputs:
            results["labels"] = _labels(engine, towers.image, split.pixels, some, outputs, stored["image"])
    if towers.fusion is not None:
        results["fused"] = _fused(engine, towers.fusion, split, at, ours, theirs, stored)
    return results


def _text(
    engine: Engine, part: TextPart, split: Split, rows: Rows
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    assert split.text is not None
    known = engine.known_ids(split.text)
    ours, theirs = [], []
    part.tower.eval()
    for some in _cut(rows):
        ids = {name: ragged.take(some) for name, ragged in known.items()}
        ours.append(engine.text(ids))
        with torch.no_grad():
            out = part.tower({name: tensors_of(part, name, ragged) for name, ragged in ids.items()})
        theirs.append(tuple(o.numpy() for o in out))
    return _stack(ours), _stack(theirs)


def _image(
    engine: Engine, tower: ImageTower, pixels: npt.NDArray[np.uint8], rows: Rows
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    ours, theirs = [], []
    for some in _cut(rows):
        batch = np.ascontiguousarray(pixels[some])
        ours.append(engine.image(batch))
        with torch.no_grad():
            theirs.append(tuple(o.numpy() for o in tower(torch.from_numpy(batch))))
    return _stack(ours), _stack(theirs)


def _labels(
    engine: Engine,
    tower: ImageTower,
    pixels: npt.NDArray[np.uint8],
    rows: Rows,
    outputs: Sequence[int],
    storage: str,
) -> HeadParity:
    """Tags and attributes: every output as a probability of its own."""
    assert tower.labels is not None
    ours, theirs = [], []
    for some in _cut(rows):
        batch = np.ascontiguousarray(pixels[some])
        found = engine.photo(batch)[1]
        assert found is not None
        ours.append(found)
        with torch.no_grad():
            theirs.append(tower.told(torch.from_numpy(batch), tower.labels)[1].numpy()[:, list(outputs)])
    scores, wanted = np.concatenate(ours), np.concatenate(theirs)
    bound = FLOAT_BOUND if storage == "float32" else STORED_BOUND
    off = float(np.abs(sigmoid(scores) - sigmoid(wanted)).max(initial=0))
    if not off <= bound:
        raise ExportError(
            f"tags and attributes: probabilities of the exported graph differ from torch by up to {off:.2e} (bound "
            f"{bound:.0e}). Set export.image_storage to a wider type."
        )
    same = float((scores.argmax(1) == wanted.argmax(1)).mean()) if len(scores) else 1.0
    return HeadParity(len(scores), 0.0, float(np.abs(scores - wanted).max(initial=0)), off, same, bound)


def _fused(
    engine: Engine,
    mlp: FusionMLP,
    split: Split,
    at: Rows,
    ours: Mapping[str, tuple[FloatArray, FloatArray]],
    theirs: Mapping[str, tuple[FloatArray, FloatArray]],
    stored: Mapping[str, str],
) -> HeadParity:
    """End to end: our graphs on our vectors against torch on torch's."""
    with_text, with_image = split.has_text[at], split.has_image[at]
    both = with_text & with_image
    from_text, from_image = both[with_text], both[with_image]
    logits = engine.fusion(_only(ours["text"], from_text), _only(ours["image"], from_image))
    there = torch.ones(int(both.sum()), dtype=torch.bool)
    text, image = _only(theirs["text"], from_text), _only(theirs["image"], from_image)
    with torch.no_grad():
        wanted = mlp(
            *(torch.from_numpy(array) for array in (text[0], image[0], text[1], image[1])), there, there
        ).numpy()
    worst = "float32" if set(stored.values()) == {"float32"} else "stored"
    return _compare("fused", (logits, logits), (wanted, wanted), worst)


def _only(tower: tuple[FloatArray, FloatArray], rows: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    return tower[0][rows], tower[1][rows]


def _compare(
    head: str, ours: tuple[FloatArray, FloatArray], theirs: tuple[FloatArray, FloatArray], storage: str
) -> HeadParity:
    bound = FLOAT_BOUND if storage == "float32" else STORED_BOUND
    # Of few rows a single tie that falls the other way is no sign of a fault.
    changed = 0 if storage == "float32" else max(1, int((1 - SAME_TOP1) * len(ours[1])))
    parity = HeadParity(
        rows=len(ours[1]),
        vector=float(np.abs(ours[0] - theirs[0]).max(initial=0)),
        logits=float(np.abs(ours[1] - theirs[1]).max(initial=0)),
        probability=float(np.abs(softmax(ours[1]) - softmax(theirs[1])).max(initial=0)),
        same_top1=float((ours[1].argmax(1) == theirs[1].argmax(1)).mean()) if len(ours[1]) else 1.0,
        bound=bound,
    )
    # Not "greater than": a NaN must fail too.
    if not parity.probability <= bound or round((1 - parity.same_top1) * parity.rows) > changed:
        raise ExportError(
            f"{head} head: probabilities of the exported graph differ from torch by up to "
            f"{parity.probability:.2e} (bound {bound:.0e}) and {parity.same_top1:.2%} of {parity.rows} rows "
            f"keep their best leaf (expected all but {changed}). Set export.text_storage, "
            "export.sentence_storage or export.image_storage to a wider type."
        )
    return parity


def _cut(rows: Rows) -> list[Rows]:
    """Batches of 1, of 7 and then of 64 rows."""
    cuts, at, sizes = [], 0, iter(_BATCHES)
    while at < len(rows):
        size = next(sizes, _BATCHES[-1])
        cuts.append(rows[at : at + size])
        at += size
    return cuts


def _stack(parts: Sequence[tuple[FloatArray, ...]]) -> tuple[FloatArray, FloatArray]:
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

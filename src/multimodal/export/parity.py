"""Proof that the exported graphs say what the trained model says, or no bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt
import torch

from multimodal.artifact.engine import Engine, Tower
from multimodal.errors import ExportError
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.numeric import sigmoid, softmax
from multimodal.training.arrays import Split
from multimodal.training.encoders import TextPart, tensors_of
from multimodal.types import TEXT_INPUTS, FloatArray, InputName

FLOAT_BOUND = 1e-4
STORED_BOUND = 5e-3
SAME_TOP1 = 0.995
_BATCHES = (1, 7, 64)
_DIFFERENCES = ("vector", "logits", "probability")
Rows = npt.NDArray[np.int64]
Both = tuple[Tower, Tower]
"""What the bundle says and what torch says."""


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
        rows: validation rows compared, with all that they have.
        vector: largest difference, as ``logits`` and ``probability``, here and from any mix of inputs by itself.
        same_top1: share of rows with the same best leaf.
        bound: what ``probability`` was held to.
        mixes: how many mixes of inputs were compared by themselves.
    """

    rows: int
    vector: float
    logits: float
    probability: float
    same_top1: float
    bound: float
    mixes: int = 0


def prove(
    engine: Engine,
    towers: Towers,
    split: Split,
    rows: int,
    stored: Mapping[str, str],
    outputs: Sequence[int] = (),
) -> dict[str, HeadParity]:
    """Compares features, logits and probabilities for each head, in batches of 1, 7 and 64.

    Rows are compared with all that they have, and then for every mix of inputs that they have. The best leaf must stay
    with all that they have: characteristics alone leave leaves so near each other that rounding decides.

    Args:
        rows: of the split that are compared.
        stored: storage type by part ("text", "image"); float32 is held to the tighter bound.
        outputs: which outputs of the photo tower's label head the graph answers.

    Raises:
        ExportError: a head is beyond its bound.
    """
    at = np.linspace(0, len(split) - 1, min(rows, len(split))).astype(np.int64)
    results: dict[str, HeadParity] = {}
    photos: Both | None = None
    with_image = split.has_image[at]
    if towers.image is not None and split.pixels is not None:
        photos = _image(engine, towers.image, split.pixels, at[with_image])
        results["image"] = _compare("image", "a photo", *photos, stored["image"])
        if towers.image.labels is not None and outputs:
            results["labels"] = _labels(engine, towers.image, split.pixels, at[with_image], outputs, stored["image"])
    if towers.text is None or split.text is None:
        return results
    worst = "float32" if set(stored.values()) == {"float32"} else "stored"
    texts: list[HeadParity] = []
    fused: list[HeadParity] = []
    for mix in (None, *_text_mixes(split, at)):
        has = split.has_text[at] if mix is None else _has(split, at, mix)
        name = "text" if mix is None else " + ".join(mix)
        found = _text(engine, towers.text, split, at[has], mix)
        texts.append(_compare("text", name, *found, stored["text"], top1=mix is None))
        if towers.fusion is not None and photos is not None:
            beside = _fused(engine, towers.fusion, _only(found, with_image[has]), _only(photos, has[with_image]))
            fused.append(_compare("fused", f"{name} + image", *beside, worst, top1=mix is None))
    results = {"text": _worst(texts)} | results
    return results | ({"fused": _worst(fused)} if fused else {})


def _text_mixes(split: Split, at: Rows) -> list[tuple[InputName, ...]]:
    """Every mix of text inputs that one of the rows has in full."""
    there = [name for i, name in enumerate(TEXT_INPUTS) if split.has_field[at, i].any()]
    mixes = chain.from_iterable(combinations(there, k) for k in range(1, len(there) + 1))
    return [mix for mix in mixes if _has(split, at, mix).any()]


def _has(split: Split, at: Rows, mix: Sequence[InputName]) -> npt.NDArray[np.bool_]:
    fields = np.isin(TEXT_INPUTS, mix)
    return np.asarray(split.has_field[at][:, fields].all(axis=1))


def _worst(found: Sequence[HeadParity]) -> HeadParity:
    """The first, with the largest differences of all."""
    vector, logits, probability = (max(getattr(one, name) for one in found) for name in _DIFFERENCES)
    return replace(found[0], vector=vector, logits=logits, probability=probability, mixes=len(found) - 1)


def _text(engine: Engine, part: TextPart, split: Split, rows: Rows, mix: Sequence[InputName] | None) -> Both:
    assert split.text is not None
    known = engine.known_ids(split.text)
    if mix is not None:
        fields = np.flatnonzero(np.isin(TEXT_INPUTS, mix))
        known = {name: ids.only(np.isin(split.text[name].fields, fields)) for name, ids in known.items()}
    ours, theirs = [], []
    part.tower.eval()
    for some in _cut(rows):
        ids = {name: ragged.take(some) for name, ragged in known.items()}
        ours.append(engine.text(ids))
        with torch.no_grad():
            out = part.tower({name: tensors_of(part, name, ragged) for name, ragged in ids.items()})
        theirs.append(tuple(o.numpy() for o in out))
    return _stack(ours), _stack(theirs)


def _image(engine: Engine, tower: ImageTower, pixels: npt.NDArray[np.uint8], rows: Rows) -> Both:
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


def _fused(engine: Engine, mlp: FusionMLP, texts: Both, photos: Both) -> Both:
    """End to end: our graphs on our vectors against torch on torch's, each row with text and photo."""
    logits = engine.fusion(texts[0], photos[0])
    text, image = texts[1], photos[1]
    there = torch.ones(len(logits), dtype=torch.bool)
    with torch.no_grad():
        wanted = mlp(
            *(torch.from_numpy(array) for array in (text[0], image[0], text[1], image[1])), there, there
        ).numpy()
    return (logits, logits), (wanted, wanted)


def _only(both: Both, rows: npt.NDArray[np.bool_]) -> Both:
    ours, theirs = ((vectors[rows], logits[rows]) for vectors, logits in both)
    return ours, theirs


def _compare(head: str, mix: str, ours: Tower, theirs: Tower, storage: str, *, top1: bool = True) -> HeadParity:
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
    moved = top1 and round((1 - parity.same_top1) * parity.rows) > changed
    if not parity.probability <= bound or moved:
        raise ExportError(
            f"{head} head: probabilities of the exported graph differ from torch by up to "
            f"{parity.probability:.2e} (bound {bound:.0e}) and {parity.same_top1:.2%} of {parity.rows} rows with "
            f"{mix} keep their best leaf (expected all but {changed}). Set export.text_storage, "
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


def _stack(parts: Sequence[tuple[FloatArray, ...]]) -> Tower:
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

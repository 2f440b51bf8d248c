"""Collects what an evaluation asks and is answered, batch by batch; photos go as soon as they were seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from multimodal.data import LabelCheck
from multimodal.errors import DataError, ImageError
from multimodal.image import ImageKitchen
from multimodal.serving.given import checked_photo
from multimodal.serving.measured import Floats, Measured, MeasuredRow, PeerAnswers
from multimodal.taxonomy import Tree
from multimodal.text.masking import mask_title
from multimodal.text.scalars import is_missing
from multimodal.types import INPUTS, TEXT_INPUTS, HeadName, InputName, Product, RowError

Item = Product | RowError
_TEXT: HeadName = "text"
_WHOLE: tuple[HeadName, ...] = ("fused",)
_HEAD_OF: dict[InputName, HeadName] = {**dict.fromkeys(TEXT_INPUTS, _TEXT), "image": "image"}
_SMALL = ImageKitchen(64, 64)
"""Photos that a scorer could not read are read once more by it, for the reason alone."""


class Scorer(Protocol):
    """What is asked of a predictor to measure it."""

    @property
    def tree(self) -> Tree: ...
    @property
    def inputs(self) -> Collection[InputName]: ...
    @property
    def heads(self) -> Collection[HeadName]: ...

    def head_probabilities(
        self, products: Sequence[Product], inputs: frozenset[InputName] | None, heads: Collection[HeadName]
    ) -> Mapping[HeadName, Floats]:
        """Calibrated probabilities [N, leaves] of each head; a row of NaN where it cannot answer.

        "fused" is what the predictor answers from these inputs, whichever heads it takes for that.
        """
        ...


class Book:
    """Labels and probabilities by head, and what could not be measured: rows, and photos beside text."""

    def __init__(
        self,
        scorer: Scorer,
        seen: frozenset[InputName],
        words: frozenset[str] | None,
        against: Scorer | None = None,
        name: str = "",
    ) -> None:
        self._scorer, self._seen, self._words = scorer, seen, words
        self._against, self._name = against, name
        tree = scorer.tree
        names = {node.id: node.name for node in tree.nodes}
        self._labelled = LabelCheck(frozenset(tree.leaves), tree.inner, names)
        able: dict[HeadName, bool] = {"text": bool(seen & set(TEXT_INPUTS)), "image": "image" in seen}
        singles: list[HeadName] = [head for head, there in able.items() if there and head in scorer.heads]
        self._probs: dict[HeadName, list[Floats]] = {"fused": [], **{head: [] for head in singles}}
        self._rows: list[MeasuredRow] = []
        self._labels: list[int] = []
        self._peer: tuple[list[str | None], list[float]] = [], []
        self.errors: list[RowError] = []
        self.photos_left_out: list[RowError] = []

    def add(self, batch: Sequence[tuple[int, Item]]) -> None:
        """Scores one batch of rows with their numbers."""
        kept: list[tuple[int, Product]] = []
        for row, item in batch:
            checked = self._checked(item, row)
            if isinstance(checked, RowError):
                self.errors.append(checked)
            else:
                kept.append((row, checked))
        if not kept:
            return
        probs = self._scorer.head_probabilities([p for _, p in kept], self._seen, tuple(self._probs))
        answered = ~np.isnan(probs["fused"]).any(axis=1)
        self.errors += [_unanswered(*kept[i][::-1], self._seen) for i in np.flatnonzero(~answered)]
        there = {head: np.asarray(~np.isnan(scores).any(axis=1)) for head, scores in probs.items()}
        for i in np.flatnonzero(answered):
            row, product = kept[i]
            usable = _usable(product, self._seen, {head: bool(rows[i]) for head, rows in there.items()})
            self._rows.append(MeasuredRow(row, product.id, product.title, product.group, usable))
            self._labels.append(self._scorer.tree.leaf_index[product.category_id or ""])
            if "image" in there and not there["image"][i] and (unread := _unread(product, row)) is not None:
                self.photos_left_out.append(unread)
        for head, parts in self._probs.items():
            parts.append(np.asarray(probs[head][answered], dtype=np.float32))
        self._ask_peer([kept[i][1] for i in np.flatnonzero(answered)])

    def close(self, *, numbered: bool = False) -> Measured:
        """What was collected; raises DataError for not one row. ``numbered``: see ``Measured``."""
        if not self._labels:
            first = f" The first: {self.errors[0].message}" if self.errors else ""
            raise DataError(
                f"no row could be measured, {len(self.errors)} failed; expected rows with an input and "
                f"the id of a leaf as category.{first}"
            )
        peer = None
        if self._against is not None:
            ids, sure = self._peer
            peer = PeerAnswers(self._name, tuple(ids), np.array(sure))
        probs = {head: np.concatenate(parts) for head, parts in self._probs.items()}
        return Measured(tuple(self._rows), np.asarray(self._labels, dtype=np.int64), probs, peer, numbered)

    def _ask_peer(self, products: Sequence[Product]) -> None:
        if self._against is None or not products:
            return
        probs = self._against.head_probabilities(products, self._seen, _WHOLE)["fused"]
        ids, sure = self._peer
        for row in probs:
            nothing = bool(np.isnan(row).any())
            ids.append(None if nothing else self._against.tree.leaves[int(row.argmax())])
            sure.append(float("nan") if nothing else float(row.max()))

    def _checked(self, item: Item, row: int) -> Item:
        checked = item if isinstance(item, RowError) else self._labelled.check(item, row)
        if isinstance(checked, RowError) or self._words is None or checked.title is None:
            return checked
        return replace(checked, title=mask_title(checked.title, self._words) or None)


def _usable(product: Product, seen: frozenset[InputName], answers: Mapping[HeadName, bool]) -> tuple[InputName, ...]:
    """The inputs that are there and that their head could use."""
    there = (name for name in INPUTS if name in seen and getattr(product, name))
    return tuple(name for name in there if answers.get(_HEAD_OF[name], True))


def _unread(product: Product, row: int) -> RowError | None:
    """Why the photo of a row could not be read; None where there is none, or it can be."""
    if is_missing(product.image):
        return None
    try:
        _SMALL.prepare(checked_photo(product.image))
    except ImageError as error:
        return RowError(product.id, row, "image", error.code, error.message)
    return None


def _unanswered(product: Product, row: int, seen: frozenset[InputName]) -> RowError:
    unread = _unread(product, row) if "image" in seen else None
    if unread is not None:
        return unread
    expected = ", ".join(name for name in INPUTS if name in seen)
    message = f"nothing usable is left of the row; expected at least one of {expected}. Leave the row out"
    return RowError(product.id, row, "predict", "nothing_usable", message)

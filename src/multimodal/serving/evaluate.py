"""Joins a predictor's probabilities with the metrics: the figures of a bundle on labelled products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from multimodal.data import LabelCheck
from multimodal.errors import DataError, InputError
from multimodal.evaluation import HeadMetrics, summarise
from multimodal.taxonomy import Tree
from multimodal.text.masking import category_words, mask_title
from multimodal.types import INPUTS, TEXT_INPUTS, HeadName, InputName, Product, RowError

Floats = npt.NDArray[np.floating[Any]]
Item = Product | RowError


class Scorer(Protocol):
    """What is asked of a predictor to measure it."""

    @property
    def tree(self) -> Tree: ...
    @property
    def inputs(self) -> Collection[InputName]: ...
    @property
    def heads(self) -> Collection[HeadName]: ...

    def leaf_probabilities(
        self,
        products: Sequence[Product],
        inputs: frozenset[InputName] | None = None,
        *,
        head: HeadName | None = None,
    ) -> Floats:
        """Calibrated probabilities [N, leaves]; a row of NaN where the head cannot answer."""
        ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one evaluation.

    Attributes:
        rows: products measured; rows in ``errors`` are not among them.
        inputs: what the heads were allowed to see.
        heads: ``fused`` is what the product answers from these inputs; ``text`` and ``image`` are the
            single heads on the same products, less those they cannot answer (see each one's ``rows``).
        errors: rows that could not be measured, with the reason.
    """

    rows: int
    inputs: tuple[InputName, ...]
    heads: Mapping[HeadName, HeadMetrics]
    errors: tuple[RowError, ...] = ()
    masked: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        codes = Counter(error.code for error in self.errors)
        return {
            "rows": self.rows,
            "inputs": list(self.inputs),
            "mask_title_words": self.masked,
            "heads": {head: figures.to_dict() for head, figures in self.heads.items()},
            "tags": dict(self.tags),
            "errors": {"rows": len(self.errors), "by_code": dict(sorted(codes.items()))},
        }


def evaluate(
    predictor: Scorer,
    items: Iterable[Item],
    *,
    inputs: Collection[InputName] | None = None,
    mask_title_words: bool = False,
    keep: Callable[[Product, int], bool] | None = None,
    batch_size: int = 256,
    on_progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Measures every head on labelled products, a batch at a time: photos are never all in memory.

    Args:
        inputs: what the heads may see; everything the bundle uses, unless said.
        mask_title_words: hide the words of category names in titles; description and
            characteristics, which repeat them, are then hidden too.
        keep: given a product and its row, whether it is to be measured; one half of a split, say.
        on_progress: called after each batch with the number of rows done.

    Raises:
        InputError: inputs that the bundle does not use.
        DataError: not one row could be measured.
    """
    seen = _seen(predictor, inputs, mask_title_words)
    words = category_words(predictor.tree) if mask_title_words else None
    book = _Book(predictor, frozenset(seen), words)
    numbered = enumerate(items)
    while batch := list(islice(numbered, batch_size)):
        book.add([(i, p) for i, p in batch if keep is None or isinstance(p, RowError) or keep(p, i)])
        if on_progress is not None:
            on_progress(batch[-1][0] + 1)
    return book.close(seen)


def _seen(scorer: Scorer, asked: Collection[InputName] | None, masked: bool) -> tuple[InputName, ...]:
    used = tuple(name for name in INPUTS if name in scorer.inputs)
    unknown = sorted(set(asked or ()) - set(used))
    if unknown:
        raise InputError(
            f"inputs {', '.join(unknown)}: this bundle does not use them; expected some of {', '.join(used)}"
        )
    hidden = {"description", "characteristics"} if masked else set()
    seen = tuple(name for name in used if (asked is None or name in asked) and name not in hidden)
    if not seen:
        raise InputError(
            f"got no input for the heads to see, expected some of {', '.join(used)}"
            + (" (masked titles are measured without description and characteristics)" if masked else "")
        )
    return seen


class _Book:
    """Collects labels and probabilities head by head, and what could not be measured."""

    def __init__(self, scorer: Scorer, seen: frozenset[InputName], words: frozenset[str] | None) -> None:
        self._scorer, self._seen, self._words = scorer, seen, words
        tree = scorer.tree
        names = {node.id: node.name for node in tree.nodes}
        self._labelled = LabelCheck(frozenset(tree.leaves), tree.inner, names)
        able: dict[HeadName, bool] = {"text": bool(seen & set(TEXT_INPUTS)), "image": "image" in seen}
        singles: list[HeadName] = [head for head, there in able.items() if there and head in scorer.heads]
        self._probs: dict[HeadName, list[Floats]] = {"fused": [], **{head: [] for head in singles}}
        self._labels: list[int] = []
        self._errors: list[RowError] = []

    def add(self, batch: Sequence[tuple[int, Item]]) -> None:
        """Scores one batch of rows with their numbers."""
        kept: list[Product] = []
        rows: list[int] = []
        for row, item in batch:
            checked = self._checked(item, row)
            if isinstance(checked, RowError):
                self._errors.append(checked)
            else:
                kept.append(checked)
                rows.append(row)
        if not kept:
            return
        answers = self._scorer.leaf_probabilities(kept, self._seen)
        answered = ~np.isnan(answers).any(axis=1)
        self._errors += [_unanswered(kept[i], rows[i], self._seen) for i in np.flatnonzero(~answered)]
        products = [kept[i] for i in np.flatnonzero(answered)]
        if not products:
            return
        self._labels += [self._scorer.tree.leaf_index[p.category_id or ""] for p in products]
        self._probs["fused"].append(np.asarray(answers[answered], dtype=np.float32))
        for head in self._probs:
            if head != "fused":
                scores = self._scorer.leaf_probabilities(products, self._seen, head=head)
                self._probs[head].append(np.asarray(scores, dtype=np.float32))

    def close(self, seen: tuple[InputName, ...]) -> Evaluation:
        """Turns what was collected into figures."""
        if not self._labels:
            first = f" The first: {self._errors[0].message}" if self._errors else ""
            raise DataError(
                f"no row could be measured, {len(self._errors)} failed; expected rows with an input and "
                f"the id of a leaf as category.{first}"
            )
        labels = np.asarray(self._labels, dtype=np.int64)
        heads: dict[HeadName, HeadMetrics] = {}
        for head, parts in self._probs.items():
            probs = np.concatenate(parts)
            there = ~np.isnan(probs).any(axis=1)
            if there.any():
                heads[head] = summarise(probs[there], labels[there], self._scorer.tree)
        errors = tuple(sorted(self._errors, key=lambda error: error.row))
        return Evaluation(len(labels), seen, heads, errors, self._words is not None)

    def _checked(self, item: Item, row: int) -> Item:
        checked = item if isinstance(item, RowError) else self._labelled.check(item, row)
        if isinstance(checked, RowError) or self._words is None or checked.title is None:
            return checked
        return replace(checked, title=mask_title(checked.title, self._words) or None)


def _unanswered(product: Product, row: int, seen: frozenset[InputName]) -> RowError:
    expected = ", ".join(name for name in INPUTS if name in seen)
    message = f"nothing usable is left of the row; expected at least one of {expected}. Leave the row out"
    return RowError(product.id, row, "predict", "nothing_usable", message)

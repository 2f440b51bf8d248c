"""Joins a predictor's probabilities with the metrics: the figures of a bundle on labelled products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from multimodal.errors import InputError
from multimodal.evaluation import HeadMetrics, summarise
from multimodal.serving.book import Book, Item, Scorer
from multimodal.serving.measured import Measured
from multimodal.text.masking import category_words
from multimodal.types import INPUTS, HeadName, InputName, Product, RowError

__all__ = ["Evaluation", "Scorer", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one evaluation.

    Attributes:
        rows: products measured; rows in ``errors`` are not among them.
        inputs: what the heads were allowed to see.
        heads: ``fused`` is what the product answers from these inputs; ``text`` and ``image`` are the
            single heads on the same products, less those they cannot answer (see each one's ``rows``).
        measured: the rows with truth and answers, for everything else that is told of them.
        errors: rows that could not be measured, with the reason.
        photos_left_out: photos that could not be read, of rows that were measured by their text.
    """

    rows: int
    inputs: tuple[InputName, ...]
    heads: Mapping[HeadName, HeadMetrics]
    measured: Measured = field(repr=False, compare=False)
    errors: tuple[RowError, ...] = ()
    masked: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    photos_left_out: tuple[RowError, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "rows": self.rows,
            "inputs": list(self.inputs),
            "mask_title_words": self.masked,
            "heads": {head: figures.to_dict() for head, figures in self.heads.items()},
            "tags": dict(self.tags),
            "attributes": dict(self.attributes),
            "errors": _counted(self.errors),
            "photos_left_out": _counted(self.photos_left_out),
        }


def _counted(errors: Sequence[RowError]) -> dict[str, Any]:
    codes = Counter(error.code for error in errors)
    return {"rows": len(errors), "by_code": dict(sorted(codes.items()))}


def evaluate(
    predictor: Scorer,
    items: Iterable[Item],
    *,
    inputs: Collection[InputName] | None = None,
    mask_title_words: bool = False,
    keep: Callable[[Product, int], bool] | None = None,
    against: Scorer | None = None,
    against_name: str = "",
    batch_size: int = 256,
    on_progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Measures every head on labelled products, a batch at a time: photos are never all in memory.

    Each photo is decoded once; all figures come from the probabilities kept of that one pass.

    Args:
        inputs: what the heads may see; everything the bundle uses, unless said.
        mask_title_words: hide the words of category names in titles; description and
            characteristics, which repeat them, are then hidden too.
        keep: given a product and its row, whether it is to be measured; one half of a split, say.
        against: another predictor that answers the same products from the same inputs; see ``Measured.peer``.
        against_name: how tables call it.
        on_progress: called after each batch with the number of rows done.

    Raises:
        InputError: inputs that the bundle does not use.
        DataError: not one row could be measured.
    """
    seen = _seen(predictor, inputs, mask_title_words)
    words = category_words(predictor.tree) if mask_title_words else None
    book = Book(predictor, frozenset(seen), words, against, against_name)
    rows, named = enumerate(items), False
    while batch := list(islice(rows, batch_size)):
        named = named or any(item.id is not None for _, item in batch)
        book.add([(i, p) for i, p in batch if keep is None or isinstance(p, RowError) or keep(p, i)])
        if on_progress is not None:
            on_progress(batch[-1][0] + 1)
    measured = book.close(numbered=not named)
    heads = {head: summarise(probs, labels, predictor.tree) for head, probs, labels in measured.by_head()}
    errors = tuple(sorted(book.errors, key=lambda error: error.row))
    left_out = tuple(book.photos_left_out)
    return Evaluation(len(measured.rows), seen, heads, measured, errors, words is not None, photos_left_out=left_out)


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

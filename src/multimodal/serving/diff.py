"""Where two bundles answer the same products differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from multimodal.types import Answer, CategoryScore, Prediction, RowError, RowId

Kind = Literal["same", "category", "decision", "branch", "error"]
KINDS: tuple[Kind, ...] = ("same", "category", "decision", "branch", "error")


def difference(first: Prediction, second: Answer) -> Kind:
    """How another answer to a product differs from the first.

    Returns:
        "error" where there is none, "branch" for a category below another root, "decision" for one that is more or
        less exact, "category" for another of the same kind, or "same".
    """
    if isinstance(second, RowError):
        return "error"
    before, now = first.category, second.category
    if before is not None and now is not None and before.path[0].id != now.path[0].id:
        return "branch"
    if first.decision != second.decision:
        return "decision"
    return "same" if (before and before.id) == (now and now.id) else "category"


@dataclass(frozen=True, slots=True)
class Changed:
    """A product that is answered differently; paths of names, or what became of it."""

    id: RowId
    row: int
    kind: Kind
    before: str
    now: str
    confidence: tuple[float, float]


@dataclass(slots=True)
class AnswerDiff:
    """Counts of products by how their answers differ.

    Attributes:
        kinds: of all products.
        branches: name of the branch that the first bundle answers -> the same.
        errors: products that the first bundle has no answer for, left out of the rest.
        changed: those that differ, the surest first.
    """

    kinds: Counter[Kind] = field(default_factory=Counter)
    branches: dict[str, Counter[Kind]] = field(default_factory=dict)
    errors: int = 0
    changed: list[Changed] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Products that the first bundle answers."""
        return sum(self.kinds.values())


def diff_answers(pairs: Iterable[tuple[Answer, Answer]], keep: int = 20) -> AnswerDiff:
    """Compares the answers of two bundles to the same products.

    Args:
        keep: how many of those that differ are told of, the surest of both answers first.
    """
    found = AnswerDiff()
    for first, second in pairs:
        if isinstance(first, RowError):
            found.errors += 1
            continue
        kind = difference(first, second)
        found.kinds[kind] += 1
        branch = first.suggestions[0].path[0].name
        found.branches.setdefault(branch, Counter())[kind] += 1
        if kind != "same":
            found.changed.append(_changed(first, second, kind))
            if len(found.changed) > 4 * keep:
                _cut(found.changed, keep)
    _cut(found.changed, keep)
    return found


def _cut(changed: list[Changed], keep: int) -> None:
    changed.sort(key=lambda one: -min(one.confidence))
    del changed[keep:]


def _changed(first: Prediction, second: Answer, kind: Kind) -> Changed:
    sure = (
        first.suggestions[0].probability,
        0.0 if isinstance(second, RowError) else second.suggestions[0].probability,
    )
    now = second.message if isinstance(second, RowError) else _told(second.category)
    return Changed(first.id, first.row, kind, _told(first.category), now, sure)


def _told(category: CategoryScore | None) -> str:
    return "no category" if category is None else " > ".join(step.name for step in category.path)

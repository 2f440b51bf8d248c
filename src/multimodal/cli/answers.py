"""One answer as a document (the shape of the HTTP service's) and as a readable table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from multimodal.types import CategoryScore, PathStep, Prediction

if TYPE_CHECKING:
    from rich.console import Console

    from multimodal.taxonomy import Tree

_BAR = 24
_USED = {"fused": "text and photo together", "text": "the text alone", "image": "the photo alone"}
_DECISION = {
    "leaf": "the most probable category",
    "ancestor": "not sure enough of a leaf, so a broader category",
    "abstain": "not sure enough of any category",
}


class Named(Protocol):
    """What an answer tells of the model that gave it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def tree(self) -> Tree: ...


def document(model: Named, answer: Prediction) -> dict[str, Any]:
    """The answer as JSON values, in the shape that ``POST /classify`` answers with."""
    candidates = answer.candidates
    conflict = answer.conflict
    return {
        "model": {"name": model.name, "version": model.version, "tree_version": model.tree.version},
        "decision": answer.decision,
        "category": None if answer.category is None else _category(answer.category),
        "suggestions": [_category(category) for category in answer.suggestions],
        "candidates": None
        if candidates is None
        else {"coverage": candidates.coverage, "category_ids": list(candidates.category_ids)},
        "modality": {"used": answer.used, "missing": list(answer.missing)},
        "tags": [{"name": t.name, "probability": t.probability, "present": t.present} for t in answer.tags],
        "attributes": [{"name": a.name, "value": a.value, "probability": a.probability} for a in answer.attributes],
        "needs_review": answer.needs_review,
        "conflict": None if conflict is None else {"text": _step(conflict.text), "image": _step(conflict.image)},
        "warnings": list(answer.warnings),
        "explanation": None
        if answer.explanation is None
        else [{"input": e.input, "text": e.text, "effect": e.effect} for e in answer.explanation],
        "heat_map": None
        if answer.heat_map is None
        else {
            "category_id": answer.heat_map.category_id,
            "effects": [list(row) for row in answer.heat_map.effects],
        },
    }


def _category(category: CategoryScore) -> dict[str, Any]:
    return {
        "id": category.id,
        "name": category.name,
        "is_leaf": category.is_leaf,
        "probability": category.probability,
        "path": [_step(step) for step in category.path],
    }


def _step(step: PathStep) -> dict[str, Any]:
    return {"id": step.id, "name": step.name, "probability": step.probability}


def path_of(category: CategoryScore) -> str:
    """Names from the root down, as people read them."""
    return " > ".join(step.name for step in category.path)


def shown(answer: Prediction) -> str:
    """The tags that hold and the attributes, each with its probability."""
    tags = [f"{tag.name} {tag.probability:.0%}" for tag in answer.tags if tag.present]
    values = [f"{one.name} {one.value} {one.probability:.0%}" for one in answer.attributes]
    none = [] if tags or not answer.tags else [f"no {' and no '.join(tag.name for tag in answer.tags)}"]
    return ", ".join([*tags, *none, *values])


def print_answer(console: Console, answer: Prediction) -> None:
    """The decision, a table of suggestions with bars, what decided, and warnings."""
    from rich.table import Table
    from rich.text import Text

    chosen = "no category" if answer.category is None else path_of(answer.category)
    console.print(Text.assemble((chosen, "bold green" if answer.decision == "leaf" else "bold yellow")))
    table = Table("category", "id")
    table.add_column("probability", justify="right")
    table.add_column("", no_wrap=True)
    for category in answer.suggestions:
        bar = Text("█" * round(category.probability * _BAR), style="cyan")
        table.add_row(Text(path_of(category)), Text(category.id), f"{category.probability:.1%}", bar)
    console.print(table)
    console.print(f"decision: {answer.decision} ({_DECISION[answer.decision]})")
    console.print(f"decided by: {_USED[answer.used]}" + _missing(answer))
    if answer.tags or answer.attributes:
        console.print(Text("the photo shows: " + shown(answer)), soft_wrap=True)
    if answer.explanation is not None:
        from multimodal.serving.reasons import reasons

        console.print(Text("because of: " + (reasons(answer.explanation) or "nothing in the text")), soft_wrap=True)
    if answer.conflict is not None:
        said, seen = (f"{step.name} ({step.probability:.0%})" for step in (answer.conflict.text, answer.conflict.image))
        console.print(Text(f"conflict: the text says {said}, the photo {seen}", style="yellow"), soft_wrap=True)
    for warning in answer.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def _missing(answer: Prediction) -> str:
    return f"; not given or not usable: {', '.join(answer.missing)}" if answer.missing else ""

"""The forms that answers take as rows of a file: which columns there are, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from multimodal.errors import InputError
from multimodal.options import DEFAULT_TOP_K
from multimodal.serving.reasons import reasons
from multimodal.types import Answer, RowError

Kind = Literal["str", "float", "bool", "int"]
FormName = Literal["answers", "tags", "two_categories"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the output beside the id."""

    name: str
    kind: Kind


class Form(Protocol):
    """Columns, and the values of a row in them."""

    @property
    def columns(self) -> Sequence[Column]: ...

    def values(self, answer: Answer) -> tuple[object, ...]:
        """One value a column; None where there is nothing to say."""
        ...


class AnswerForm:
    """Everything an answer says; ``row`` counts from 0 in the input and tells rows without an id apart.

    The category may stand above the likeliest leaf, so that the suggestions have columns of their own.
    """

    def __init__(self, top_k: int = DEFAULT_TOP_K) -> None:
        """``top_k``: suggestions, each an id and a probability, numbered from 1."""
        self._top_k = top_k
        places = range(1, top_k + 1)
        suggestions = [(Column(f"category_id_{i}", "str"), Column(f"probability_{i}", "float")) for i in places]
        self.columns = (
            Column("category_id", "str"), Column("category_name", "str"), Column("category_path", "str"),
            Column("probability", "float"), Column("decision", "str"), *(one for pair in suggestions for one in pair),
            Column("used", "str"), Column("tags", "str"), Column("attributes", "str"),
            Column("needs_review", "bool"), Column("candidates", "str"), Column("conflict", "str"),
            Column("warnings", "str"), Column("explanation", "str"),
            Column("error", "str"), Column("row", "int"),
        )  # fmt: skip

    def values(self, answer: Answer) -> tuple[object, ...]:
        """See ``Form.values``."""
        if isinstance(answer, RowError):
            return (*[None] * (len(self.columns) - 2), _why(answer), answer.row)
        chosen = answer.category
        told = [value for one in answer.suggestions[: self._top_k] for value in (one.id, one.probability)]
        return (
            None if chosen is None else chosen.id,
            None if chosen is None else chosen.name,
            None if chosen is None else " > ".join(step.name for step in chosen.path),
            None if chosen is None else chosen.probability,
            answer.decision,
            *told,
            *[None] * (2 * self._top_k - len(told)),
            answer.used,
            " | ".join(tag.name for tag in answer.tags if tag.present) or None,
            " / ".join(f"{one.name}: {one.value}" for one in answer.attributes) or None,
            answer.needs_review,
            None if answer.candidates is None else " | ".join(answer.candidates.category_ids),
            None if answer.conflict is None else f"{answer.conflict.text.name} / {answer.conflict.image.name}",
            "; ".join(answer.warnings) or None,
            reasons(answer.explanation or ()) or None,
            None,
            answer.row,
        )


class TagForm:
    """What the photo shows: each tag as true or false with its probability, each attribute's value with its own."""

    def __init__(self, tags: Sequence[str], attributes: Sequence[str]) -> None:
        """
        Raises:
            InputError: names of neither, or one that would stand for two columns.
        """
        if not tags and not attributes:
            raise InputError(
                "got neither tags nor attributes to write, expected some; train the bundle with the sections tags or "
                "attributes"
            )
        self._tags, self._attributes = tuple(tags), tuple(attributes)
        columns: list[Column] = []
        for name in (*tags, *attributes):
            columns += [Column(name, "bool" if name in tags else "str"), Column(f"{name} probability", "float")]
        self.columns = (*columns, Column("error", "str"), Column("row", "int"))
        _check_names(self.columns)

    def values(self, answer: Answer) -> tuple[object, ...]:
        """See ``Form.values``."""
        if isinstance(answer, RowError):
            return (*[None] * (len(self.columns) - 2), _why(answer), answer.row)
        told: dict[str, tuple[object, float]] = {tag.name: (tag.present, tag.probability) for tag in answer.tags}
        told |= {one.name: (one.value, one.probability) for one in answer.attributes}
        cells = [told.get(name, (None, None)) for name in (*self._tags, *self._attributes)]
        return (*(value for cell in cells for value in cell), None, answer.row)


class TwoCategoriesForm:
    """The two most likely categories, and every tag as 0 or 1. Rows without an answer are empty."""

    def __init__(self, tags: Sequence[str]) -> None:
        """
        Raises:
            InputError: a tag that is called like another column.
        """
        self._tags = tuple(tags)
        categories = (Column("category1", "str"), Column("category2", "str"))
        self.columns = (*categories, *(Column(name, "int") for name in self._tags))
        _check_names(self.columns)

    def values(self, answer: Answer) -> tuple[object, ...]:
        """See ``Form.values``."""
        if isinstance(answer, RowError):
            return (None,) * len(self.columns)
        ids = [category.id for category in answer.suggestions[:2]]
        shown = {tag.name: int(tag.present) for tag in answer.tags}
        return (*ids, *[None] * (2 - len(ids)), *(shown.get(name) for name in self._tags))


def form_of(name: FormName, tags: Sequence[str], attributes: Sequence[str]) -> Form:
    """The form of a name, for the tags and attributes that a bundle tells.

    Raises:
        InputError: they do not fit the form; see ``TagForm`` and ``TwoCategoriesForm``.
    """
    if name == "tags":
        return TagForm(tags, attributes)
    return AnswerForm() if name == "answers" else TwoCategoriesForm(tags)


def _why(error: RowError) -> str:
    return f"{error.code}: {error.message}"


def _check_names(columns: Sequence[Column]) -> None:
    names = ["id", *(column.name for column in columns)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"got {', '.join(twice)} twice among the columns of the output, expected each name once; train the bundle "
            "with other names of tags and attributes"
        )

"""What the notebooks share: tables as data frames, answers as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from multimodal.report.blocks import Table
from multimodal.types import Prediction, RowError

if TYPE_CHECKING:
    import pandas as pd


def frame(table: Table) -> pd.DataFrame:
    """A report's table; needs pandas, of the extra [train]."""
    import pandas as pd

    return pd.DataFrame(list(table.rows), columns=list(table.header)).set_index(table.header[0])


def answer_frame(answers: Iterable[Prediction | RowError], titles: Sequence[str | None]) -> pd.DataFrame:
    """A row an answer: what was asked, the category's path and its probability, tags, and what to look at."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    for answer, title in zip(answers, titles, strict=True):
        if isinstance(answer, RowError):
            rows.append({"title": title, "category": f"error: {answer.message}"})
            continue
        found = answer.category
        rows.append(
            {
                "title": title,
                "category": "(abstains)" if found is None else " > ".join(step.name for step in found.path),
                "probability": None if found is None else round(found.probability, 3),
                "next": answer.suggestions[1].name if len(answer.suggestions) > 1 else None,
                "tags": ", ".join(tag.name for tag in answer.tags if tag.present),
                "review": answer.needs_review,
            }
        )
    return pd.DataFrame(rows).set_index("title")


def who_is_right(right: Mapping[str, Sequence[bool]]) -> pd.DataFrame:
    """How often each combination of systems is right on the same rows, the commonest first.

    Args:
        right: system -> whether it is right, row by row.
    """
    import pandas as pd

    told = pd.DataFrame({name: list(rows) for name, rows in right.items()})
    counts = told.value_counts().rename("rows").reset_index()
    counts["share"] = (counts["rows"] / len(told)).map("{:.1%}".format)
    for name in right:
        counts[name] = counts[name].map({True: "right", False: "–"})
    return counts

"""What people say of answers: kept, counted, asked for, and made into rows to train on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Subquery, case, delete, func, select
from sqlalchemy.orm import Session, aliased

from multimodal.errors import InputError
from multimodal.store.database import Database
from multimodal.store.tables import AnswerRow, FeedbackRow

Verdict = Literal["accepted", "corrected"]


class UnknownRequestError(InputError):
    """Feedback on a request that is not known."""

    code = "unknown_request"


class AmbiguousRequestError(InputError):
    """Feedback on a request id that stands for several products."""

    code = "ambiguous_request"


@dataclass(frozen=True, slots=True)
class Said:
    """What became of feedback.

    Attributes:
        branch_id: root of the tree above what was answered.
    """

    verdict: Verdict
    model: str
    branch_id: str


def give_feedback(
    database: Database, request_id: str, category_id: str, tags: Mapping[str, bool] | None = None
) -> Said:
    """Keeps what a person says is right for a product that was answered.

    Returns:
        "accepted" where that is what was answered (or, of an answer without a category, its best suggestion).

    Raises:
        UnknownRequestError: no answer of this request is kept.
        AmbiguousRequestError: several products were asked about under its id.
    """
    with database.session() as session:
        row = session.scalar(select(AnswerRow).where(AnswerRow.request_id == request_id))
        if row is None:
            raise UnknownRequestError(
                f"request_id: got {request_id!r:.80}, expected the X-Request-ID of an answer that is still kept "
                "(of one product of a batch: with / and its index)"
            )
        if row.ambiguous:
            raise AmbiguousRequestError(
                f"request_id: got {request_id!r:.80}, which several products were asked about with; expected one of a "
                "single product: send an X-Request-ID of its own with each, or none"
            )
        answered = row.category_id or row.suggestions[0]["id"]
        verdict: Verdict = "accepted" if answered == category_id else "corrected"
        session.add(
            FeedbackRow(
                request_id=request_id,
                created=dt.datetime.now(dt.UTC),
                verdict=verdict,
                category_id=category_id,
                tags=dict(tags or {}),
            )
        )
        return Said(verdict, row.model, row.branch_id)


def model_of(database: Database, request_id: str) -> str | None:
    """Name of the model that answered a request; None where it is not kept."""
    with database.session() as session:
        return session.scalar(select(AnswerRow.model).where(AnswerRow.request_id == request_id))


@dataclass(frozen=True, slots=True)
class BranchCount:
    """Feedback on the answers of one branch: the last word on each request."""

    model: str
    branch_id: str
    accepted: int
    corrected: int


def count_by_branch(database: Database) -> list[BranchCount]:
    """How often answers were accepted and corrected, by the branch that was answered."""
    last = _last_words()
    wanted = (
        select(AnswerRow.model, AnswerRow.branch_id, last.c.verdict, func.count())
        .join(last, last.c.request_id == AnswerRow.request_id)
        .group_by(AnswerRow.model, AnswerRow.branch_id, last.c.verdict)
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    with database.session() as session:
        for model, branch, verdict, count in session.execute(wanted):
            found.setdefault((model, branch), {})[verdict] = count
    return [
        BranchCount(model, branch, counts.get("accepted", 0), counts.get("corrected", 0))
        for (model, branch), counts in sorted(found.items())
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """A product that is worth a person's look.

    Attributes:
        times: how often it was asked about.
        worth: how many wrong answers a look is expected to mend.
    """

    answer: AnswerRow
    times: int
    worth: float


def review_queue(database: Database, limit: int = 20) -> list[Asked]:
    """Products without feedback and not of drafts, those first whose answers are most worth a look.

    An answer is wrong with one minus its confidence, and certainly worth a look where text and photo contradict each
    other; a product asked about often counts as often.
    """
    wrong = 1.0 - func.min(AnswerRow.confidence) + func.max(case((AnswerRow.conflict, 1.0), else_=0.0))
    worth = (wrong * func.count()).label("worth")
    told = select(FeedbackRow.request_id)
    known = select(AnswerRow.product).where(AnswerRow.request_id.in_(told))
    groups = (
        select(func.max(AnswerRow.id).label("last"), func.count().label("times"), worth)
        .where(AnswerRow.product.not_in(known), ~AnswerRow.draft, ~AnswerRow.ambiguous)
        .group_by(AnswerRow.product)
        .order_by(worth.desc(), func.max(AnswerRow.id).desc())
        .limit(limit)
    ).subquery()
    wanted = (
        select(AnswerRow, groups.c.times, groups.c.worth)
        .join(groups, groups.c.last == AnswerRow.id)
        .order_by(groups.c.worth.desc(), AnswerRow.id.desc())
    )
    with database.session() as session:
        return [Asked(row, times, float(value)) for row, times, value in session.execute(wanted)]


def labelled(database: Database, model: str | None = None) -> Iterator[tuple[AnswerRow, FeedbackRow]]:
    """Answers with the last word on them, in the order they were given.

    Args:
        model: only those of this model.
    """
    last = _last_words()
    wanted = (
        select(AnswerRow, FeedbackRow)
        .join(last, last.c.request_id == AnswerRow.request_id)
        .join(FeedbackRow, FeedbackRow.id == last.c.id)
        .order_by(AnswerRow.id)
    )
    if model is not None:
        wanted = wanted.where(AnswerRow.model == model)
    with database.session() as session:
        yield from session.execute(wanted.execution_options(yield_per=500))


def purge(database: Database, days: float) -> tuple[int, list[str]]:
    """Forgets answers older than so many days on which nobody said anything.

    Returns:
        How many, and the photos that no answer refers to any more.
    """
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    told = select(FeedbackRow.request_id)
    kept = aliased(AnswerRow)
    still = select(kept.image).where(kept.image.is_not(None), (kept.created >= before) | kept.request_id.in_(told))
    old = (AnswerRow.created < before) & AnswerRow.request_id.not_in(told)
    with database.session() as session:
        photos = session.scalars(select(AnswerRow.image).where(old, AnswerRow.image.not_in(still)).distinct())
        unused = sorted(str(photo) for photo in photos)
        done = session.execute(delete(AnswerRow).where(old))
        return int(getattr(done, "rowcount", 0)), unused


def answers_kept(session: Session) -> int:
    """How many answers are kept."""
    return session.scalar(select(func.count()).select_from(AnswerRow)) or 0


def _last_words() -> Subquery:
    newest = select(func.max(FeedbackRow.id)).group_by(FeedbackRow.request_id)
    told = select(FeedbackRow.id, FeedbackRow.request_id, FeedbackRow.verdict)
    return told.where(FeedbackRow.id.in_(newest)).subquery()

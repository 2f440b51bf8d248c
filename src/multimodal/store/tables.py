"""The tables, as the newest migration leaves them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: JSON,
        list[Any]: JSON,
        dt.datetime: DateTime(timezone=True),
    }


class AnswerRow(Base):
    """An answer that was given, with the product it was given for.

    ``product`` is a hash of what was asked: the same product asked about again has the same. ``ambiguous``: the
    request id was used for other products too. ``draft``: asked while somebody was still typing.
    """

    __tablename__ = "answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(String(160), unique=True)
    created: Mapped[dt.datetime]
    model: Mapped[str] = mapped_column(String(100))
    version: Mapped[str] = mapped_column(String(100))
    product: Mapped[str] = mapped_column(String(64))
    ambiguous: Mapped[bool]
    draft: Mapped[bool]
    title: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    characteristics: Mapped[str | None] = mapped_column(Text)
    image: Mapped[str | None] = mapped_column(Text)
    used: Mapped[str] = mapped_column(String(10))
    decision: Mapped[str] = mapped_column(String(10))
    category_id: Mapped[str | None] = mapped_column(String(200))
    branch_id: Mapped[str] = mapped_column(String(200))
    confidence: Mapped[float]
    conflict: Mapped[bool]
    needs_review: Mapped[bool]
    suggestions: Mapped[list[Any]]
    tags: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_answers_product", "product"), Index("ix_answers_created", "created"))


class FeedbackRow(Base):
    """What a person said of an answer; the last word on a request counts."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(String(160), index=True)
    created: Mapped[dt.datetime]
    verdict: Mapped[str] = mapped_column(String(10))
    category_id: Mapped[str] = mapped_column(String(200))
    tags: Mapped[dict[str, Any]]

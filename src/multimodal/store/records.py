"""From answers to rows: what is kept of a product and of what was said of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_
from sqlalchemy.dialects import postgresql, sqlite

from multimodal.store.database import Database
from multimodal.store.tables import AnswerRow
from multimodal.text.characteristics import render_characteristics
from multimodal.types import Characteristics, Prediction, Product


@dataclass(frozen=True, slots=True)
class Given:
    """An answer with what it answers.

    Attributes:
        image: where the photo is kept, if it is.
        draft: asked while somebody was still typing.
    """

    request_id: str
    model: str
    version: str
    product: Product
    answer: Prediction
    image: str | None = None
    draft: bool = False


def keep_answers(database: Database, given: Sequence[Given]) -> None:
    """Writes answers. A request id that comes again is left with its first product; was it of another one, it stands
    for none from then on (``AnswerRow.ambiguous``), lest what is said of one is kept for the other.

    Raises:
        StoreError: the database fails.
    """
    if not given:
        return
    rows = _once(given)
    on_sqlite = database.engine.dialect.name == "sqlite"
    adding = sqlite.insert(AnswerRow) if on_sqlite else postgresql.insert(AnswerRow)
    other = or_(AnswerRow.ambiguous, adding.excluded.ambiguous, AnswerRow.product != adding.excluded.product)
    with database.session() as session:
        # Rows apart from the statement: it is compiled once, whatever their number.
        session.execute(adding.on_conflict_do_update(index_elements=["request_id"], set_={"ambiguous": other}), rows)


def _once(given: Sequence[Given]) -> list[dict[str, Any]]:
    """A row a request id: one statement must not change one twice."""
    rows: dict[str, dict[str, Any]] = {}
    for one in given:
        row = _row(one)
        first = rows.setdefault(one.request_id, row)
        first["ambiguous"] |= first["product"] != row["product"]
    return list(rows.values())


def _row(given: Given) -> dict[str, Any]:
    product, answer = given.product, given.answer
    best = answer.suggestions[0]
    return {
        "request_id": given.request_id,
        "created": dt.datetime.now(dt.UTC),
        "model": given.model,
        "version": given.version,
        "product": product_key(product),
        "ambiguous": False,
        "draft": given.draft,
        "title": _clean(product.title),
        "description": _clean(product.description),
        "characteristics": _clean(_as_text(product.characteristics)),
        "image": given.image,
        "used": answer.used,
        "decision": answer.decision,
        "category_id": None if answer.category is None else answer.category.id,
        "branch_id": best.path[0].id,
        "confidence": best.probability,
        "conflict": answer.conflict is not None,
        "needs_review": answer.needs_review,
        "suggestions": [{"id": one.id, "probability": round(one.probability, 6)} for one in answer.suggestions],
        "tags": {tag.name: tag.present for tag in answer.tags},
    }


def product_key(product: Product) -> str:
    """The same for the same product: a hash of its texts and its photo's bytes."""
    told = [product.title, product.description, _as_text(product.characteristics)]
    digest = hashlib.sha256(json.dumps(told, ensure_ascii=True).encode())
    if product.image is not None and product.image.data is not None:
        digest.update(product.image.data)
    return digest.hexdigest()


def _clean(text: str | None) -> str | None:
    """PostgreSQL takes no NUL."""
    return None if text is None else text.replace("\x00", "")


def _as_text(characteristics: Characteristics | None) -> str | None:
    """As the readers take it back, whatever form it came in."""
    return None if characteristics is None else render_characteristics(characteristics)

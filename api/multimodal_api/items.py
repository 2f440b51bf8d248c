"""Many products at once: pieces of them in turn, each product with its own answer or error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from starlette.types import Scope

from multimodal.options import AnswerOptions
from multimodal.types import Product, RowError
from multimodal_api.convert import model_info, problem_of_row, response_of
from multimodal_api.ports import Predictor
from multimodal_api.problems import ProblemError, problem_body
from multimodal_api.questions import product_of_item
from multimodal_api.schemas import ClassifyResponse, ItemAnswer, Problem
from multimodal_api.service import Service
from multimodal_api.trace import trace_of

PIECE = 16
"""Products answered in one turn: few enough that single questions get theirs between."""

Raw = object | ProblemError
"""One product as JSON says it, or what was wrong with its line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How all products of a request are to be answered.

    Attributes:
        scope: of the request.
        gone: returns once nobody waits for the answers any more.
        until: ``time.monotonic()`` by which a piece must be answered; None: each has the time of a batch.
    """

    service: Service
    predictor: Predictor
    options: AnswerOptions
    explain: bool
    scope: Scope
    until: float | None = None
    gone: Callable[[], Awaitable[object]] | None = None

    async def piece(self, raws: Sequence[Raw], first: int) -> tuple[bytes, int]:
        """Answers some products in their turn.

        Args:
            first: place of the first of them among all.

        Returns:
            One JSON text a line for each, and how many of them are errors.
        """
        until = time.monotonic() + self.service.settings.batch_deadline if self.until is None else self.until
        try:
            work = self.service.admission.run(lambda: self._answered(raws, first), until, gone=self.gone, patient=True)
            found = await work
        except ProblemError as late:
            found = await asyncio.to_thread(self._refused, raws, first, late)
        lines = b"".join(one.model_dump_json().encode() + b"\n" for one in found)
        return lines, sum(one.error is not None for one in found)

    def _answered(self, raws: Sequence[Raw], first: int) -> list[ItemAnswer]:
        found: dict[int, ItemAnswer] = {}
        asked: list[tuple[int, str | int | None, Product]] = []
        for place, raw in enumerate(raws, first):
            try:
                if isinstance(raw, ProblemError):
                    raise raw
                asked.append((place, *product_of_item(raw, self.service.settings)))
            except ProblemError as problem:
                found[place] = self._error(_id_of(raw), place, problem)
        if asked:
            products_by_place = {place: product for place, _, product in asked}
            products = list(products_by_place.values())
            answers = self.predictor.classify(products, explain=self.explain, **asdict(self.options))
            model = model_info(self.predictor)
            for (place, own, _), answer in zip(asked, answers, strict=True):
                if isinstance(answer, RowError):
                    found[place] = self._error(own, place, problem_of_row(answer))
                else:
                    self.service.metrics.answered(self.predictor, answer)
                    if self.service.recorder is not None:
                        name = f"{trace_of(self.scope).request_id}/{place}"
                        self.service.recorder.keep(name, self.predictor, products_by_place[place], answer)
                    found[place] = _item(own, place, 200, answer=response_of(answer, model))
        return [found[place] for place in sorted(found)]

    def _refused(self, raws: Sequence[Raw], first: int, late: ProblemError) -> list[ItemAnswer]:
        return [self._error(_id_of(raw), place, late) for place, raw in enumerate(raws, first)]

    def _error(self, own: str | int | None, place: int, problem: ProblemError) -> ItemAnswer:
        self.service.metrics.failed(self.scope["path"], problem.code)
        told = Problem.model_validate(problem_body(self.scope, problem))
        return _item(own, place, problem.status, error=told)


def _item(
    own: str | int | None,
    place: int,
    status: int,
    *,
    answer: ClassifyResponse | None = None,
    error: Problem | None = None,
) -> ItemAnswer:
    return ItemAnswer(id=own, index=place, status=status, answer=answer, error=error)


def _id_of(raw: Raw) -> str | int | None:
    own = raw.get("id") if isinstance(raw, dict) else None
    return own if isinstance(own, str | int) and not isinstance(own, bool) else None

"""Order, neighbours, batches and threads change no answer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multimodal.serving import Predictor
from multimodal.types import Answer, Product, RowError
from predictor_support import BROKEN, UNKNOWN, USED, only, same_answer


def test_rows_come_out_in_order_with_errors_in_their_places(predictor: Predictor, full: list[Product]) -> None:
    given_error = RowError("read", 99, "read", "columns", "row 99 could not be read")
    rows: list[Product | RowError] = []
    for i, product in enumerate(full[:40]):
        inputs = list(USED)[i % len(USED)]
        rows.append(only(product, inputs))
        rows.append([Product(id=f"none {i}"), given_error, Product(id=i, image=BROKEN), product][i % 4])
    order = np.random.default_rng(2).permutation(len(rows))
    shuffled = [rows[i] for i in order]
    answers = predictor.classify(shuffled)
    assert len(answers) == len(rows) == 80
    for row, (item, answer) in enumerate(zip(shuffled, answers, strict=True)):
        assert (answer.row, answer.id) == (row, item.id)
        if item is given_error:
            assert answer == replace(given_error, row=row)
    straight = predictor.classify(rows)
    for place, answer in zip(order, answers, strict=True):
        same_answer(answer, replace(straight[place], row=answer.row))


def test_ids_keep_their_type_and_may_repeat(predictor: Predictor, full: list[Product]) -> None:
    ids = [5, "5", None, 5, None, "", 0]
    answers = predictor.classify([replace(only(full[0], frozenset({"title"})), id=i) for i in ids])
    assert [(type(a.id), a.id) for a in answers] == [(type(i), i) for i in ids]
    assert [a.row for a in answers] == list(range(7))


def _pool(full: Sequence[Product]) -> list[Product | RowError]:
    made: list[Product | RowError] = [only(p, inputs) for p, inputs in zip(full, USED, strict=False)]
    made += [
        full[9],
        full[10],
        Product(id="empty"),
        Product(id="broken", image=BROKEN),
        replace(full[11], image=BROKEN),
        replace(only(full[12], frozenset({"image"})), title=UNKNOWN),
        Product(id="long", title="x" * 2000),
        RowError("unread", 3, "read", "columns", "could not be read"),
        Product(id="wordy", title=" ".join(str(p.title) for p in full[:12])[:1000]),
    ]
    return made


@settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_neither_order_nor_neighbours_nor_batches_change_an_answer(
    predictor: Predictor, alone: list[Answer], pool: list[Product | RowError], data: st.DataObject
) -> None:
    picked = data.draw(st.lists(st.integers(0, len(pool) - 1), max_size=24))
    batch = data.draw(st.integers(1, 9))
    answers = list(predictor.stream((pool[i] for i in picked), batch_size=batch))
    assert len(answers) == len(picked)
    for row, (i, answer) in enumerate(zip(picked, answers, strict=True)):
        same_answer(answer, replace(alone[i], row=row))


@pytest.fixture(scope="module")
def pool(full: list[Product]) -> list[Product | RowError]:
    return _pool(full)


@pytest.fixture(scope="module")
def alone(predictor: Predictor, pool: list[Product | RowError]) -> list[Answer]:
    """The answer to each item of the pool, asked by itself."""
    return [predictor.classify([item])[0] for item in pool]


def test_threads_get_the_same_answers(
    predictor: Predictor, alone: list[Answer], pool: list[Product | RowError]
) -> None:
    def ask(start: int) -> list[Answer]:
        return predictor.classify([*pool[start:], *pool[:start]])

    with ThreadPoolExecutor(8) as threads:
        for start, answers in enumerate(threads.map(ask, range(len(pool)))):
            for row, answer in enumerate(answers):
                same_answer(answer, replace(alone[(row + start) % len(pool)], row=row))
